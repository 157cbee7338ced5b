"""Which kinds of job there are, and what they are handed in with."""

from pathlib import Path
from typing import Any

import pytest

from core import jobs
from core.errors import BadInput, GraftError, NotFound
from core.jobs.folder import spec_file
from core.jobs.kinds import JobArgs, get_kind, kinds
from core.jobs.spec import JobSpec
from core.recipe import Recipe

RUN, DATASET, PROJECT = "1" * 16, "2" * 16, "3" * 16
RECIPE = Recipe(dataset=DATASET, backbone="b", strategy="full").model_dump(mode="json")

# What pages hand in, and what earlier versions did.
GIVEN: list[tuple[str, dict[str, Any]]] = [
    ("import", {"project": PROJECT, "sample": "emoji", "title": "Emoji"}),
    ("import", {"project": PROJECT, "title": "T", "into_class": None, "add_to": DATASET,
                "role": "source", "keep": True, "upload": "f" * 32}),
    ("import", {"project": PROJECT, "server_folder": "/data", "columns": ["a", "b"]}),
    ("train", {}),
    ("estimate", {"recipe": RECIPE}),
    ("estimate", {"recipe": {"dataset": DATASET, "backbone": "b", "strategy": "full",
                             "judge": "folds", "part": 2}}),
    ("costs", {"recipes": [RECIPE, RECIPE]}),
    ("variations", {"recipe": RECIPE}),
    ("check", {"project": PROJECT, "dataset": DATASET}),
    ("map", {"project": PROJECT, "dataset": DATASET, "method": "umap"}),
    ("propose", {"project": PROJECT, "dataset": DATASET}),
    ("rank", {"dataset": DATASET}),
    ("outlook", {"dataset": DATASET}),
    ("predict", {"run": RUN, "files": ["/u/0"], "names": ["a.jpg"], "upload": "f" * 32}),
    ("predict", {"run": RUN, "upload": "f" * 32}),
    ("live", {"run": RUN}),
    ("sorted-images", {"run": RUN, "answers": DATASET, "corrected": {"0": "oak"}}),
    ("learn-answers", {"run": RUN, "project": PROJECT, "answers": DATASET, "labels": {"3": "oak"},
                       "add_to": DATASET, "task": "kind"}),
    ("learn-audited", {"run": RUN, "project": PROJECT, "audit": DATASET, "add_to": DATASET}),
    ("export", {"run": RUN}),
    ("export", {"run": RUN, "form": "onnx"}),
    ("export", {"run": RUN, "file": "/home/jobs/x/model.zip"}),
    ("served-graph", {"run": RUN}),
    ("explain", {"run": RUN, "image": "a" * 64}),
    ("explain", {"run": RUN, "file": "/u/0"}),
    ("report", {"run": RUN, "form": "pdf"}),
    ("report", {"run": RUN, "form": "summary-html"}),
    ("robustness", {"run": RUN}),
    ("answer-times", {"runs": f"{RUN} {DATASET}"}),
    ("export-dataset", {"dataset": DATASET, "file": "/home/jobs/x/pictures.zip"}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "args"), GIVEN, ids=[kind for kind, _ in GIVEN])
def test_what_is_handed_in_is_taken_and_found_again(
    home: Path, kind: str, args: dict[str, Any]
) -> None:
    from core.jobs.recent import recent_jobs

    folder = jobs.new_job()
    jobs.submit(kind, folder, args)
    spec = JobSpec.read(folder)
    assert get_kind(kind).checked(spec.args) == get_kind(kind).checked(args)
    if "judge" not in args.get("recipe", {}):
        assert spec.args == args
        assert recent_jobs(kind, **args) == [folder]


def test_every_kind_is_handed_in_above() -> None:
    from core.jobs import kinds as package

    shipped = {path.stem for path in Path(package.__file__).parent.glob("*.py")} - {"__init__"}
    ours = {n for n, kind in kinds().items() if kind.run.__module__.split(".")[-1] in shipped}
    assert len(ours) == len(shipped)
    assert {kind for kind, _ in GIVEN} == ours


@pytest.mark.parametrize(("kind", "args"), GIVEN, ids=[kind for kind, _ in GIVEN])
def test_a_key_that_is_not_known_is_refused_and_nothing_is_written(
    home: Path, kind: str, args: dict[str, Any]
) -> None:
    folder = jobs.new_job()
    with pytest.raises(BadInput, match=rf"“{kind}” cannot be done like this.*steeps"):
        jobs.submit(kind, folder, {**args, "steeps": 3})
    assert list(folder.iterdir()) == []
    assert jobs.status(folder).state == "stopped"


@pytest.mark.parametrize(
    ("kind", "args", "names"),
    [
        ("predict", {"run": RUN}, "files"),
        ("predict", {"run": RUN, "files": 3}, "files"),
        ("learn-answers", {"run": RUN, "project": PROJECT, "answers": DATASET, "labels": {},
                           "add_to": DATASET}, "labels"),
        ("learn-answers", {"run": RUN, "project": PROJECT, "answers": "../x", "add_to": DATASET,
                           "labels": {"0": "a"}}, "id"),
        ("sorted-images", {"run": RUN, "answers": DATASET, "corrected": {"-1": "a"}}, "corrected"),
        ("sorted-images", {"run": RUN, "answers": DATASET, "corrected": {"1": "a" * 101}},
         "corrected"),
        ("report", {"run": RUN, "form": "../x"}, "form"),
        ("import", {"project": PROJECT}, "upload, server_folder and sample"),
        ("import", {"project": PROJECT, "sample": "emoji", "upload": "x"}, "one of upload"),
        ("import", {"project": PROJECT, "sample": "emoji", "role": "boss"}, "role"),
        ("estimate", {"recipe": {"dataset": DATASET}}, "strategy"),
        ("check", {"dataset": "../../etc"}, "no(thing)? .*id"),
        ("export", {"run": "../" + RUN[3:]}, "no(thing)? .*id"),
        ("os.system", {}, "no job of the kind “os.system”"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_a_sentence(
    home: Path, kind: str, args: dict[str, Any], names: str
) -> None:
    folder = jobs.new_job()
    with pytest.raises(GraftError, match=names):
        jobs.submit(kind, folder, args)
    assert not spec_file(folder).exists()


def test_there_is_no_kind_of_that_name() -> None:
    with pytest.raises(NotFound):
        get_kind("../train")


def test_arguments_do_not_change_under_a_job() -> None:
    args = JobArgs(project=PROJECT)
    with pytest.raises(ValueError, match="frozen"):
        args.project = "other"
