"""The command line: `python -m core --help`, or `graft --help` where `make` installed it.

Exit codes: 0 done; 2 something the message says how to put right; 1 a mistake of this program's
own; 130 stopped by Ctrl-C.
"""

import argparse
import os
import sys
import textwrap
from collections.abc import Sequence
from io import TextIOWrapper
from typing import Any

from core.cli import commands
from core.cli._command import STOPPED, Command, program
from core.cli._terminal import Terminal
from core.errors import GraftError
from core.events import Failed
from core.process import begin
from core.settings import get_settings, known_settings

_ABOUT = "Train an image classifier on your own images, by transfer learning."
_FROM_NOTHING = (
    "samples emoji images",
    "train images --out run",
    "predict run images/animals/*.png",
    "export run model.zip",
)
_WORDS = """\
DATA is a folder with one folder of images per class, or images with a table (CSV, TSV, XLSX,
Parquet) of file names and classes, or a ZIP or TAR of either. RUN is the folder that
`train` made. Everything else is kept in the folder GRAFT_HOME. With --server URL before the
command, a Graft elsewhere is asked: `--server URL --help` says what.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    server, given = _server_of(given)
    chosen = (_remote_parser(server) if server else _parser()).parse_args(given)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # an old console may lack a letter of a class name
            stream.reconfigure(errors="replace")
    begin()
    terminal = Terminal(as_json=chosen.json)
    try:
        command: Command = chosen.command
        return command.run(chosen, known_settings(), terminal)
    except GraftError as error:
        terminal.problem(Failed.by(error))
    except BrokenPipeError:  # whoever read stdout has seen enough; spare Python's own complaint
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        return STOPPED
    # The boundary of the program: whatever went wrong, nobody is shown a traceback.
    except Exception as error:  # noqa: BLE001
        from core.cli._faults import failure_of

        failed, code = failure_of(error, get_settings())
        terminal.problem(failed)
        return code
    return 2


def _server_of(given: list[str]) -> tuple[str, list[str]]:
    """The server that is asked instead of this computer, and the other arguments. It stands before
    the command; without it the environment may name one."""
    if given and given[0].startswith("--server="):
        return given[0].partition("=")[2], given[1:]
    if len(given) > 1 and given[0] == "--server":
        return given[1], given[2:]
    return os.environ.get("GRAFT_SERVER", "").strip(), given


def _remote_parser(server: str) -> argparse.ArgumentParser:
    from core.cli._server import COMMANDS

    parser = argparse.ArgumentParser(
        prog=f"{program()} --server URL",
        description=f"Ask {server}. Whatever is not listed works on this computer alone: leave "
        "out --server, and unset GRAFT_SERVER.",
    )
    parser.set_defaults(server=server)
    each = parser.add_subparsers(
        title="commands", metavar="COMMAND", required=True, parser_class=_CommandParser
    )
    for name, command in COMMANDS.items():
        each.add_parser(name, help=command.about, command=command)
    return parser


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program(),
        description=_ABOUT,
        epilog=f"{_examples(_FROM_NOTHING, 'from nothing to a model')}\n\n{_WORDS}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    each = parser.add_subparsers(
        title="commands", metavar="COMMAND", required=True, parser_class=_CommandParser
    )
    for name, command in commands().items():
        each.add_parser(name, help=command.about, command=command, aliases=command.earlier_names)
    return parser


class _CommandParser(argparse.ArgumentParser):
    """Of one command. It asks for the arguments only when it has something to parse, so that
    no command loads what another one needs."""

    def __init__(self, *, command: Command, **settings: Any) -> None:
        super().__init__(
            description=textwrap.fill(f"{command.about[0].upper()}{command.about[1:]}.", 80),
            epilog=_examples(command.examples),
            formatter_class=argparse.RawDescriptionHelpFormatter,
            **settings,
        )
        self._command: Command | None = command

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse calls it for the one command that was typed."""
        if self._command is not None:
            self.add_argument("--json", action="store_true", help="print the result as JSON")
            self.set_defaults(command=self._command)
            self._command.add_arguments(self)
            self._command = None
        return super().parse_known_args(args, namespace)


def _examples(lines: Sequence[str], title: str = "") -> str:
    title = title or ("example" if len(lines) == 1 else "examples")
    return "\n".join([f"{title}:", *(f"  {program()} {line}" for line in lines)])


if __name__ == "__main__":
    sys.exit(main())
