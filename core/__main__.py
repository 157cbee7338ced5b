"""The command line: `python -m core --help`.

Exit codes: 0 done; 2 something the message says how to put right; 1 a mistake of this program's
own; 130 stopped by Ctrl-C.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli import (
    check,
    compare,
    costs,
    explain,
    listing,
    outlook,
    rank,
    sweep,
    thresholds,
    train,
    trash,
    using,
)
from core.cli.faults import in_words
from core.cli.terminal import Terminal
from core.dataset.manifest import Role
from core.errors import BadRecipe, GraftError
from core.events import Finished
from core.process import begin
from core.settings import Settings, get_settings, known_settings

if TYPE_CHECKING:
    from core.recipe import Evaluation

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

Command = Callable[[argparse.Namespace, Settings, Terminal], int]

_ABOUT = "Teach an image classifier from your own pictures, by transfer learning."
_EXAMPLE = """\
from nothing to a model:
  python -m core samples emoji pictures
  python -m core train pictures --backbone tf_efficientnet_lite0 \\
      --strategy feature_extraction --out run
  python -m core predict run pictures/animals/*.png
  python -m core export run model.zip

DATA is a folder with one folder of pictures for each class, or of pictures beside a table (CSV,
TSV, XLSX, Parquet) of file names and classes, or a ZIP or TAR of either. RUN is the
folder that train made. Everything else is kept in the folder that GRAFT_HOME names.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    chosen = _parser().parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # an old console may lack a letter of a class name
            stream.reconfigure(errors="replace")
    begin()
    terminal = Terminal(as_json=chosen.json)
    try:
        command: Command = chosen.command
        return command(chosen, known_settings(), terminal)
    except GraftError as error:
        terminal.problem(str(error))
    except BrokenPipeError:  # whoever read stdout has seen enough; spare Python's own complaint
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        return train.STOPPED
    # The boundary of the program: whatever went wrong, nobody is shown a traceback.
    except Exception as error:  # noqa: BLE001
        sentence, code = in_words(error, get_settings())
        terminal.problem(sentence)
        return code
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m core",
        description=_ABOUT,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_lists(commands)
    _add_check(commands)
    _add_rank(commands)
    _add_outlook(commands)
    _add_costs(commands)
    _add_tournament(commands)
    _add_train(commands)
    _add_uses(commands)
    _add_trash(commands)
    _add_servers(commands)
    return parser


def _add(commands: "Commands", name: str, about: str, command: Command) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=about, description=about)
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(command=command)
    return parser


def _add_on_data(
    commands: "Commands", name: str, about: str, command: Command
) -> argparse.ArgumentParser:
    """A command that takes pictures."""
    parser = _add(commands, name, about, command)
    parser.add_argument("data", type=Path, metavar="DATA", help="the pictures")
    return parser


def _add_lists(commands: "Commands") -> None:
    parser = _add(commands, "samples", "list the samples, or write one to a folder", _samples)
    parser.add_argument("name", nargs="?", metavar="NAME", help="which sample to write")
    parser.add_argument("folder", nargs="?", type=Path, metavar="DIR", help="where to write it")
    _add(
        commands,
        "backbones",
        "list the pretrained networks",
        lambda _, settings, terminal: listing.backbones(settings, terminal),
    )
    _add(
        commands,
        "strategies",
        "list the ways to teach, with their options",
        lambda _, settings, terminal: listing.strategies(terminal),
    )


def _add_trash(commands: "Commands") -> None:
    parser = _add(
        commands,
        "trash",
        "list the deleted projects, bring one back, or delete one for good",
        lambda chosen, settings, terminal: (
            trash.act(chosen.action, chosen.project, settings, terminal)
            if chosen.action
            else trash.deleted_projects(settings, terminal)
        ),
    )
    parser.add_argument(
        "action", nargs="?", choices=trash.ACTIONS, metavar="ACTION", help="restore or purge"
    )
    parser.add_argument("project", nargs="?", metavar="ID", help="which project")


def _samples(chosen: argparse.Namespace, _: Settings, terminal: Terminal) -> int:
    if chosen.name is None:
        return listing.samples(terminal)
    if chosen.folder is None:
        raise BadRecipe(f"Say where to write it: python -m core samples {chosen.name} DIR")
    return listing.write_sample(chosen.name, chosen.folder, terminal)


def _add_check(commands: "Commands") -> None:
    parser = _add_on_data(
        commands,
        "check",
        "say what is wrong with pictures: copies, wrong labels, poor pictures and more",
        lambda chosen, settings, terminal: check.check(
            chosen.data, settings, terminal, columns=_labels(chosen)
        ),
    )
    _add_labels(parser)


def _add_tournament(commands: "Commands") -> None:
    parser = _add_on_data(
        commands,
        "tournament",
        "train several networks in several ways on the same pictures, and say which to keep",
        lambda chosen, settings, terminal: sweep.tournament(
            chosen.data,
            chosen.out,
            settings,
            terminal,
            backbones=_separated(chosen.backbones),
            ways=_separated(chosen.strategies),
            evaluation=_evaluation(chosen),
            seed=chosen.seed,
        ),
    )
    parser.add_argument("--backbones", required=True, metavar="B[,B]", help="networks to try")
    parser.add_argument("--strategies", required=True, metavar="S[,S]", help="ways to learn")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="for all the runs")
    _add_evaluation(parser, "cross-validation")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default: %(default)s")


def _add_evaluation(parser: argparse.ArgumentParser, usual: str) -> None:
    parser.add_argument(
        "--evaluation",
        choices=["holdout", "cross-validation"],
        help="judge with a part kept aside, or with all pictures in turn (cross-validation, some "
        f"five times as long); default: {usual}, holdout where pictures came with a test part",
    )


def _evaluation(chosen: argparse.Namespace) -> "Evaluation | None":
    """As a recipe spells it; None where it was not said."""
    found: Evaluation | None = chosen.evaluation and chosen.evaluation.replace("-", "_")
    return found


def _add_rank(commands: "Commands") -> None:
    parser = _add_on_data(
        commands,
        "rank",
        "try pretrained networks on your pictures, before anything is trained",
        lambda chosen, settings, terminal: rank.rank(
            chosen.data,
            settings,
            terminal,
            backbones=_separated(chosen.backbones),
            columns=_labels(chosen),
        ),
    )
    parser.add_argument(
        "--backbones",
        metavar="B[,B]",
        help="which networks to try; default: all whose weights are on this machine",
    )
    _add_labels(parser)


def _add_outlook(commands: "Commands") -> None:
    parser = _add_on_data(
        commands,
        "outlook",
        "say how far pictures are from what the networks know, and what more of them would bring",
        lambda chosen, settings, terminal: outlook.outlook(
            chosen.data, settings, terminal, columns=_labels(chosen)
        ),
    )
    _add_labels(parser)


def _add_costs(commands: "Commands") -> None:
    from core.backbones.catalogue import DEFAULT

    parser = _add_on_data(
        commands,
        "costs",
        "say how long each way to learn would take on this machine",
        lambda chosen, settings, terminal: costs.costs(
            chosen.data,
            settings,
            terminal,
            backbones=_separated(chosen.backbones),
            ways=_separated(chosen.strategies),
            evaluation=_evaluation(chosen),
        ),
    )
    parser.add_argument(
        "--backbones", default=DEFAULT, metavar="B[,B]", help="networks; default: %(default)s"
    )
    parser.add_argument(
        "--strategies",
        metavar="S[,S]",
        help="ways to learn; default: all that need sorted pictures alone",
    )
    _add_evaluation(parser, "cross-validation where few pictures are learned in seconds")


def _add_train(commands: "Commands") -> None:
    from core.backbones.catalogue import DEFAULT

    parser = _add_on_data(commands, "train", "teach a model; repeat the command to go on", _train)
    parser.add_argument("--out", type=Path, required=True, metavar="RUN", help="the run's folder")
    parser.add_argument("--backbone", default=DEFAULT, metavar="B", help="default: %(default)s")
    parser.add_argument(
        "--strategy", default="feature_extraction", metavar="S", help="default: %(default)s"
    )
    parser.add_argument(
        "--set",
        nargs="+",
        action="extend",
        default=[],
        metavar="key=value",
        help="options of the strategy; `strategies` lists them",
    )
    _add_labels(parser)
    parser.add_argument(
        "--keep-channels",
        action="store_true",
        help="keep grey, 16-bit and many-channel pictures as they are, instead of as RGB",
    )
    _add_beside(parser)
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default: %(default)s")
    parser.add_argument(
        "--holdout",
        type=float,
        default=0.2,
        metavar="SHARE",
        help="share of each class kept apart for the score; default: %(default)s",
    )
    _add_evaluation(parser, "cross-validation where few pictures are learned in seconds")
    parser.add_argument(
        "--size", type=int, default=0, metavar="PX", help="input side; default: the backbone's own"
    )
    parser.add_argument(
        "--fit",
        default="squash",
        metavar="HOW",
        help="how an oblong picture becomes a square: squash, pad or crop; default: %(default)s",
    )


def _train(chosen: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    choices = {
        "backbone": chosen.backbone,
        "strategy": chosen.strategy,
        "options": train.parsed_settings(chosen.set),
        "size": chosen.size,
        "fit": chosen.fit,
        "holdout": chosen.holdout,
        **({"evaluation": found} if (found := _evaluation(chosen)) else {}),
        "seed": chosen.seed,
        "start": _run_path(chosen.start),
        "teacher": _run_path(chosen.teacher),
    }
    if chosen.unlabelled_target:
        train.require_no_target_labels(chosen.strategy, chosen.source)
    beside: list[tuple[Path, Role]] = [(path, "source") for path in chosen.source]
    beside += [(path, "unlabelled") for path in chosen.unlabelled]
    train.require_looked_at(chosen.strategy, beside)
    return train.train(
        chosen.data, chosen.out, choices, settings, terminal,
        columns=_labels(chosen), beside=beside, keep=chosen.keep_channels,
    )  # fmt: skip


def _add_beside(parser: argparse.ArgumentParser) -> None:
    def data(flag: str, about: str) -> None:
        parser.add_argument(
            flag, type=Path, nargs="+", action="extend", default=[], metavar="DATA", help=about
        )

    data("--source", "sorted pictures of another world, with the same classes")
    data("--unlabelled", "more pictures of the same world, which need not be sorted")
    parser.add_argument(
        "--unlabelled-target",
        action="store_true",
        help="the classes in DATA are not learned from, only judged with (domain adaptation)",
    )
    parser.add_argument(
        "--teacher", type=Path, metavar="RUN", help="a finished run to learn from (distillation)"
    )
    parser.add_argument(
        "--from",
        dest="start",
        type=Path,
        metavar="RUN",
        help="a finished run whose network is the backbone",
    )


def _run_path(run: Path | None) -> str:
    return str(run.resolve()) if run else ""


def _add_labels(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--labels",
        metavar="COLUMN[,COLUMN]",
        help="columns of a table in DATA that hold the classes; default: found by themselves",
    )


def _labels(chosen: argparse.Namespace) -> list[str]:
    return _separated(chosen.labels)


def _separated(names: str | None) -> list[str]:
    """ "a, b" as ["a", "b"]."""
    return [name.strip() for name in (names or "").split(",") if name.strip()]


def _add_uses(commands: "Commands") -> None:
    from core.export.formats import DEFAULT as DEFAULT_FORMAT
    from core.export.formats import formats

    def with_run(name: str, about: str, command: Command) -> argparse.ArgumentParser:
        parser = _add(commands, name, about, command)
        parser.add_argument("run", type=Path, metavar="RUN", help="a run, or an unpacked export")
        return parser

    parser = with_run(
        "evaluate",
        "score a model on labelled pictures",
        lambda c, settings, terminal: using.evaluate(
            c.run, c.data, settings, terminal, columns=_labels(c)
        ),
    )
    parser.add_argument("data", type=Path, metavar="DATA", help="the pictures")
    _add_labels(parser)
    parser = with_run(
        "predict",
        "say what is in pictures",
        lambda c, settings, terminal: using.predict(c.run, c.images, settings, terminal),
    )
    parser.add_argument("images", nargs="+", metavar="IMAGE")
    parser = with_run(
        "explain",
        "say why a model answers so: where it looked, and the learned pictures most alike",
        lambda c, settings, terminal: explain.explain(c.run, c.images, c.out, settings, terminal),
    )
    parser.add_argument("images", nargs="+", metavar="IMAGE")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to write the maps, as PNG")
    _add_thresholds(
        with_run(
            "thresholds",
            "say what is left to a person where only sure answers are given, and what the others "
            "are worth",
            lambda c, _, terminal: thresholds.thresholds(
                c.run, c.at, terminal, mistakes=c.costs, person=c.person
            ),
        )
    )
    parser = with_run(
        "export",
        "write a model to a file that works without this program",
        lambda c, settings, terminal: using.export(
            c.run, c.file, settings, terminal, form=c.format
        ),
    )
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument(
        "--format",
        choices=sorted(formats()),
        default=DEFAULT_FORMAT,
        help="; ".join(f"{name}: {form.title}" for name, form in formats().items())
        + "; default: %(default)s",
    )
    parser = with_run(
        "report",
        "write all that is known about a run as one HTML page, or as a PDF",
        lambda c, settings, terminal: using.report(c.run, c.file, settings, terminal),
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="FILE.html or FILE.pdf")
    with_run(
        "robustness",
        "say how a model does on worse pictures: blurred, noisy, dark, bright, compressed, tilted; "
        "and whether it goes by the background",
        lambda c, settings, terminal: using.robustness(c.run, settings, terminal),
    )
    parser = _add(
        commands,
        "compare",
        "say whether runs differ, on the test pictures that they share",
        lambda c, settings, terminal: compare.compare(c.runs, terminal),
    )
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="two runs or more")


def _add_thresholds(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--at",
        type=float,
        nargs="+",
        default=list(thresholds.USUAL),
        metavar="P",
        help="probabilities from which on it answers, 0 to 1; default: "
        + ", ".join(f"{each:g}" for each in thresholds.USUAL),
    )
    parser.add_argument(
        "--costs",
        nargs="+",
        action="extend",
        default=[],
        metavar="CLASS:ANSWER=COST",
        help="what it costs to call a class another one, 1 where nothing is said: tells the "
        "cheapest answers",
    )
    parser.add_argument("--person", type=float, metavar="COST", help="what asking a person costs")


def _add_servers(commands: "Commands") -> None:
    _add(commands, "serve", "start the web app and its worker", _serve)
    _add(commands, "worker", "start a worker alone", _worker)
    parser = _add(commands, "job", "do the job in a folder, here and now", _job)
    parser.add_argument("folder", type=Path, metavar="FOLDER")


def _serve(_: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    from core.server.launch import serve

    try:
        return serve(settings)
    except GraftError as error:
        terminal.problem(str(error))
        return 1


def _worker(_: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    from core.jobs.worker import main as work
    from core.server.starting import prepare

    try:
        prepare(settings)
    except GraftError as error:
        terminal.problem(str(error))
        return 1
    return work(settings)


def _job(chosen: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    from core.jobs.log import read_events
    from core.jobs.process import run_job
    from core.jobs.spec import JobCard

    JobCard.read(chosen.folder)
    run_job(chosen.folder, settings)
    last = terminal.drain(read_events(chosen.folder)[0][-1:])
    if not isinstance(last, Finished):
        terminal.result({"stopped": True}, "Stopped. The same command goes on from there.")
        return train.STOPPED
    terminal.result(last.result, "Done.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
