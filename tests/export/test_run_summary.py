"""A run on one page: it fits on one, whatever the classes are called."""

from pathlib import Path

import numpy as np
import pypdfium2
import pytest
from made_models import PREPROCESSING
from PIL import Image

from core.backbones.catalogue import get_backbone
from core.dataset.manifest import Dataset, Item
from core.dataset.store import Store
from core.evaluation.scoring import report_of
from core.export.html import html
from core.export.pdf import write_one_page
from core.export.report_summary import summaries
from core.export.run_facts import RunFacts
from core.model_description import Description
from core.recipe import Recipe

LONG = "w" * 118
SCRIPTS = {
    "latin": ["cat", "dog", "owl"],
    "long": [f"{LONG}{k}" for k in range(9)],
    "alike": [f"a very long name that begins like every other of them, number {k}" for k in "abc"],
    "chinese": [f"{'猫' * 60}{k}" for k in range(4)],
    "thai": [f"{'กวาง' * 20}{k}" for k in range(4)],
    "arabic": [f"{'كلب ' * 20}{k}" for k in range(40)],
    "emoji": [f"{chr(0x1F469)}\u200d{chr(0x1F680)}" * 30 + str(k) for k in range(30)],
    "signs": [chr(0x1F170 + k) * 40 for k in range(20)],
    "cuneiform": ["".join(chr(0x12000 + 40 * k + j) for j in range(40)) for k in range(20)],
}


def facts(store: Store, classes: list[str], wrong: int, n: int = 30) -> RunFacts:
    """What is known of a run with so many wrong answers among `n`, about images of a kind each."""
    noise = np.random.default_rng(0).integers(0, 256, (n, 900, 600, 3), dtype=np.uint8)
    hashes = [store.add(Image.fromarray(each), lossless=False) for each in noise[:, ::30, ::30]]
    true = np.arange(n) % len(classes)
    items = tuple(
        Item(image, classes[k], f"secret-{number}.png")
        for number, (image, k) in enumerate(zip(hashes, true, strict=True))
    )
    dataset = Dataset(classes[0], items)
    answers = np.full((n, len(classes)), 0.01)
    answers[np.arange(n), (true + (np.arange(n) < wrong)) % len(classes)] = 0.8
    report = report_of(
        true, answers, classes=tuple(classes), items=items, backbone="tf_efficientnet_lite0",
        strategy="feature_extraction", dataset=dataset.id, seconds=1.0, n_train=12,
    )  # fmt: skip
    recipe = Recipe(
        dataset=dataset.id, backbone="tf_efficientnet_lite0", strategy="feature_extraction"
    )
    described = Description(
        classes=tuple(classes), preprocessing=PREPROCESSING, backbone="tf_efficientnet_lite0"
    )
    return RunFacts(report, dataset, recipe, get_backbone(recipe.backbone), described, "Probe")


def on_paper(known: RunFacts, store: Store, file: Path) -> tuple[int, int, str]:
    """Pages, images and words of the summary as a PDF."""
    write_one_page(summaries(known, store), file, "Images")
    with pypdfium2.PdfDocument(file) as pdf:
        objects = [each.type for page in pdf for each in page.get_objects()]
        words = " ".join(" ".join(page.get_textpage().get_text_bounded() for page in pdf).split())
        assert {tuple(map(round, page.get_size())) for page in pdf} == {(595, 842)}  # A4
        return len(pdf), objects.count(pypdfium2.raw.FPDF_PAGEOBJ_IMAGE), words


@pytest.mark.parametrize("script", SCRIPTS)
def test_it_fits_on_one_page_in_any_script(tmp_path: Path, script: str) -> None:
    store = Store(tmp_path)
    known = facts(store, SCRIPTS[script], wrong=12)
    pages, images, words = on_paper(known, store, tmp_path / "summary.pdf")
    assert (pages, images) == (1, 10)
    for part in ("Right answers", "Wrong answers", "must not be used for", "Correct on 18 of 30"):
        assert part in words
    assert "5 of 12, the most confident first" in words
    assert words.count("true class") == 5
    assert "secret" not in words


@pytest.mark.parametrize(
    ("wrong", "said"),
    [(0, "There are none."), (1, "The only one there is."), (3, "All 3 that there are, the most")],
)
def test_fewer_than_five_wrong_answers_are_said_to_be_all(
    tmp_path: Path, wrong: int, said: str
) -> None:
    store = Store(tmp_path)
    known = facts(store, SCRIPTS["latin"], wrong)
    assert said in html(next(summaries(known, store)))
    pages, images, words = on_paper(known, store, tmp_path / "summary.pdf")
    assert (pages, images) == (1, 5 + wrong)
    assert said in words


def test_images_that_are_gone_make_room_for_others_and_are_missed_where_there_are_none(
    tmp_path: Path,
) -> None:
    store = Store(tmp_path)
    known = facts(store, SCRIPTS["latin"], wrong=3)
    for row in known.report.predictions[1:7]:
        for file in tmp_path.rglob(f"{row.image}*"):
            file.unlink()
    words = html(next(summaries(known, store)))
    assert "1 of 3; the other images are no longer here." in words
    assert "5 of 27." in words
    assert words.count("<img") == 6
