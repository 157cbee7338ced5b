"""What each kind of job does: a generator of events over the folder and the arguments of the job.

Everything heavy is imported on first use, so that an import of pictures never loads torch.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.dataset.manifest import Dataset
from core.errors import BadInput, UnusableDataset
from core.events import Event, Finished
from core.projects import add_dataset, create_run, run_folder, runs
from core.recipe import Recipe
from core.settings import Settings
from core.training.evaluation_mode import usual_evaluation

ShouldStop = Callable[[], bool]
Work = Callable[[Path, dict[str, Any], Settings, ShouldStop], Iterator[Event]]


def import_pictures(
    folder: Path, args: dict[str, Any], settings: Settings, should_stop: ShouldStop
) -> Iterator[Event]:
    """Pictures into the project; then, where they can teach, its first model is handed in."""
    from core.dataset.ingest.importing import import_images
    from core.dataset.ingest.server_folders import allowed
    from core.dataset.samples import SAMPLES, write_sample
    from core.dataset.store import Store

    store, in_place = Store(settings.home), None
    if sample := args.get("sample"):
        source = write_sample(sample, folder / "sample")
        known = SAMPLES[sample]
        title, origin, licence = known.title, known.source, known.licence
    elif path := args.get("server_folder"):
        source = in_place = allowed(path, settings)
        title, origin, licence = source.name, "", ""
    else:
        source = _upload_folder(settings, args.get("upload", ""))
        title, origin, licence = "My pictures", "", ""
    events = import_images(
        source,
        store,
        settings,
        title=args.get("title") or title,
        into_class=args.get("into_class"),
        add_to=store.load(args["add_to"]) if args.get("add_to") else None,
        origin=origin,
        licence=licence,
        keep=bool(args.get("keep")),
        role=args.get("role") or "labelled",
        columns=args.get("columns") or (),
    )
    done = False
    try:
        for event in events:
            if isinstance(event, Finished):
                event, done = _registered(event, args["project"], store), True
            yield event
    finally:
        # Once it is written down as done, nobody will ask again for files that came for this job.
        if done and source != in_place:
            shutil.rmtree(source, ignore_errors=True)


def _upload_folder(settings: Settings, upload: str) -> Path:
    uploads = (settings.home / "uploads").resolve()
    folder = (uploads / upload).resolve()
    if folder.parent != uploads or not folder.is_dir():
        raise BadInput("The files that were uploaded are no longer there. Upload them again.")
    return folder


def _registered(finished: Finished, project: str, store: Any) -> Finished:
    """Enter the new dataset and its first model; doing it twice, after a crash, changes nothing."""
    dataset = store.load(finished.result["dataset"])
    add_dataset(project, dataset.id)
    try:
        dataset.require_trainable()
    except UnusableDataset:
        return finished
    return replace(finished, result={**finished.result, "run": _first_model(project, dataset)})


def _first_model(project: str, dataset: Dataset) -> str:
    from core.backbones.catalogue import DEFAULT
    from core.jobs.queue import submit
    from core.strategies import get_strategy

    known = [run.id for run in runs(project) if run.dataset_id == dataset.id]
    probe = "feature_extraction"
    evaluation = usual_evaluation(dataset, get_strategy(probe))
    recipe = Recipe(dataset=dataset.id, backbone=DEFAULT, strategy=probe, evaluation=evaluation)
    run = known[-1] if known else create_run(project, recipe, "First model", origin="automatic")
    submit("train", run_folder(run))
    return run


def train(
    folder: Path, args: dict[str, Any], settings: Settings, should_stop: ShouldStop
) -> Iterator[Event]:
    """A whole run, from its checkpoint where there is one."""
    from core.training.run import train as train_run

    yield from train_run(folder, settings, should_stop)


def estimate(
    folder: Path, args: dict[str, Any], settings: Settings, should_stop: ShouldStop
) -> Iterator[Event]:
    """How long a recipe would take on this machine."""
    from core.training.cost_estimate import estimate as estimate_recipe

    yield from estimate_recipe(Recipe.from_dict(args["recipe"]), settings)


def costs(
    folder: Path, args: dict[str, Any], settings: Settings, should_stop: ShouldStop
) -> Iterator[Event]:
    """How long each of several recipes would take on this machine."""
    from core.training.cost_estimate import estimates

    yield from estimates([Recipe.from_dict(each) for each in args["recipes"]], settings)


def variations(
    folder: Path, args: dict[str, Any], settings: Settings, should_stop: ShouldStop
) -> Iterator[Event]:
    """How a recipe would vary pictures while it learns."""
    from core.training.augmentation_preview import draw

    yield from draw(Recipe.from_dict(args["recipe"]), folder, settings)


def check(
    folder: Path, args: dict[str, Any], settings: Settings, should_stop: ShouldStop
) -> Iterator[Event]:
    """What is wrong with a dataset."""
    from core.checks._runner import check as check_dataset
    from core.dataset.store import Store

    store = Store(settings.home)
    yield from check_dataset(store.load(args["dataset"]), store, settings)


def map_pictures(
    folder: Path, args: dict[str, Any], settings: Settings, should_stop: ShouldStop
) -> Iterator[Event]:
    """A place on the map for each image of a dataset."""
    from core.analysis.embedding_map import map_images
    from core.dataset.store import Store

    store = Store(settings.home)
    dataset = store.load(args["dataset"])
    yield from map_images(dataset, store, settings, args.get("method", "pca"))


def propose(
    folder: Path, args: dict[str, Any], settings: Settings, should_stop: ShouldStop
) -> Iterator[Event]:
    """Classes for the unlabelled images of a dataset."""
    from core.analysis.label_suggestions import propose as propose_labels
    from core.dataset.store import Store

    store = Store(settings.home)
    yield from propose_labels(store.load(args["dataset"]), store, settings)


def rank(
    folder: Path, args: dict[str, Any], settings: Settings, should_stop: ShouldStop
) -> Iterator[Event]:
    """Which backbone suits a dataset."""
    from core.dataset.store import Store
    from core.pretraining_analysis.backbone_ranking import rank as rank_backbones

    store = Store(settings.home)
    dataset = store.load(args["dataset"])
    yield from rank_backbones(dataset, store, settings, args.get("backbones") or ())


def outlook(
    folder: Path, args: dict[str, Any], settings: Settings, should_stop: ShouldStop
) -> Iterator[Event]:
    """How far a dataset is from what networks know, and what more images would bring."""
    from core.dataset.store import Store
    from core.pretraining_analysis.summary import analyse

    store = Store(settings.home)
    yield from analyse(store.load(args["dataset"]), store, settings)


def predict(
    folder: Path, args: dict[str, Any], settings: Settings, should_stop: ShouldStop
) -> Iterator[Event]:
    """What a run's model says about some files."""
    from core.analysis.prediction import predict_files

    files = [Path(name) for name in args["files"]]
    yield from predict_files(run_folder(args["run"]), files, settings)


def export(
    folder: Path, args: dict[str, Any], settings: Settings, should_stop: ShouldStop
) -> Iterator[Event]:
    """A run's model in one of the formats of `core.export.formats`."""
    from core.export.formats import DEFAULT
    from core.export.formats import export as export_run

    form = args.get("format", DEFAULT)
    yield from export_run(run_folder(args["run"]), Path(args["file"]), settings, form=form)


def explain(
    folder: Path, args: dict[str, Any], settings: Settings, should_stop: ShouldStop
) -> Iterator[Event]:
    """Why a run's model says what it says about one picture: a stored one, or a file."""
    from core.analysis.grad_cam import explain as explain_answer

    file = Path(args["file"]) if args.get("file") else None
    yield from explain_answer(
        run_folder(args["run"]), settings, image=args.get("image", ""), file=file
    )


def report(
    folder: Path, args: dict[str, Any], settings: Settings, should_stop: ShouldStop
) -> Iterator[Event]:
    """The story of a run as one HTML page or a PDF, inside the job's own folder."""
    from core.export.report import write_document
    from core.jobs.baseline_runs import beside

    run, file = args["run"], folder / ("report.pdf" if args.get("form") == "pdf" else "report.html")
    yield from write_document(run_folder(run), file, settings, others=beside(run))


def robustness(
    folder: Path, args: dict[str, Any], settings: Settings, should_stop: ShouldStop
) -> Iterator[Event]:
    """How a run's model does on worse pictures."""
    from core.analysis.robustness import robustness as disturb

    yield from disturb(run_folder(args["run"]), settings)


def answer_times(
    folder: Path, args: dict[str, Any], settings: Settings, should_stop: ShouldStop
) -> Iterator[Event]:
    """How long an answer of each of some runs' models takes; `args` has their ids, by spaces."""
    from core.training.sweep import answer_times as times

    yield from times({run: run_folder(run) for run in args["runs"].split()}, settings)


def export_dataset(
    folder: Path, args: dict[str, Any], settings: Settings, should_stop: ShouldStop
) -> Iterator[Event]:
    """A version of a dataset as class folders, in a ZIP inside the job's own folder."""
    from core.dataset.export import export_folders
    from core.dataset.store import Store

    store = Store(settings.home)
    yield from export_folders(store.load(args["dataset"]), store, folder / "pictures.zip")


KINDS: Mapping[str, Work] = {
    "import": import_pictures,
    "train": train,
    "estimate": estimate,
    "costs": costs,
    "variations": variations,
    "check": check,
    "map": map_pictures,
    "propose": propose,
    "rank": rank,
    "outlook": outlook,
    "predict": predict,
    "export": export,
    "explain": explain,
    "report": report,
    "robustness": robustness,
    "answer-times": answer_times,
    "export-dataset": export_dataset,
}
