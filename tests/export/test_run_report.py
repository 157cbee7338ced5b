"""The story of a run on one page: complete, escaped, and in need of nothing else."""

import json
import re
from dataclasses import asdict
from html.parser import HTMLParser

import numpy as np
import pypdfium2
import pytest
from made_models import CLASSES, made_model, photographs

from core.analysis.background_reliance import MASKS, background_reliance
from core.analysis.robustness import Condition, RobustnessResult
from core.dataset.manifest import Dataset, Item
from core.dataset.store import Store
from core.errors import NotFound
from core.evaluation.calibration_result import (
    CalibrationData,
    FalseOod,
    fit_calibration,
    measure,
)
from core.evaluation.scoring import report_of
from core.events import Finished
from core.export.blocks import Cell, Heading, Paragraph, Table, text
from core.export.html import html
from core.export.markdown import blocks_of, escaped
from core.export.pdf import write_pdf
from core.export.report import write_document
from core.recipe import Recipe
from core.settings import Settings

HOSTILE = '"><img src=http://evil.example/a.png onerror=alert(1)> <script>x</script> `a` |'


class Seen(HTMLParser):
    """Every tag with its attributes, and all words."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.words = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A run of hostile names, its settings and the page about it."""
    settings = Settings(home=tmp_path_factory.mktemp("home"), device="cpu")
    store = Store(settings.home)
    classes = (*CLASSES[:2], HOSTILE)
    hashes = [store.add(photograph, lossless=False) for photograph in photographs()]
    items = tuple(Item(h, classes[k], f"{HOSTILE}/{k}.png") for k, h in enumerate(hashes))
    first = Dataset("Pets", items[:2])
    store.save(first)
    dataset = Dataset(HOSTILE, items, source=HOSTILE, parent=first.id, change=HOSTILE)
    store.save(dataset)
    folder = settings.home / "runs" / "00000000000000aa"
    made_model(settings).save(folder / "model")
    recipe = Recipe(
        dataset=dataset.id, backbone="tf_efficientnet_lite0", strategy="feature_extraction",
        options={"C": 0.5}, start="/a/run", teacher="/another/run",
    )  # fmt: skip
    (folder / "recipe.json").write_text(recipe.to_json())
    true = np.arange(30) % 3
    shares = np.full((30, 3), 0.1)
    shares[np.arange(30), np.where(np.arange(30) < 4, (true + 1) % 3, true)] = 0.8
    data = CalibrationData(true, shares)
    ood = FalseOod(30, 2, (0.02, 0.2))
    report_of(
        true, shares, classes=classes, items=[items[k % 3] for k in range(30)],
        backbone=recipe.backbone, strategy=recipe.strategy, dataset=dataset.id, seconds=1.0,
        n_train=12, calibration=measure(data, data, fit_calibration(data), "folds", [], ood),
    ).save(folder)  # fmt: skip
    condition = Condition(
        kind="blur", title=HOSTILE, term="x", level="strongly", correct=9, interval=(0.1, 0.4),
        worse=True, ood=2, p=0.1, p_corrected=0.1, image="http://evil.example/a.png",
    )  # fmt: skip
    right = (np.arange(30) < 26).astype(np.int64)
    address = {"border": "data:image/jpeg;base64,AAAA", "middle": "http://evil.example/b.png"}
    found = RobustnessResult(
        n=30, correct=26, interval=(0.6, 0.9), conditions=(condition,),
        background=background_reliance(
            ["cat", "cup"] * 15, right, dict.fromkeys(MASKS, right), address
        ),
    )  # fmt: skip
    (folder / "robustness.json").write_text(json.dumps(asdict(found)))
    file = settings.home / "report.html"
    *_, last = write_document(folder, file, settings)
    assert isinstance(last, Finished)
    return folder, settings, file.read_text(encoding="utf-8")


def test_the_page_needs_nothing_from_elsewhere(written):
    seen = Seen(written[2])
    for tag, attributes in seen.tags:
        assert tag not in ("script", "link", "iframe", "object", "embed", "form", "a")
        assert not [name for name in attributes if name.startswith("on")]
        if tag == "img":
            assert attributes["src"].startswith("data:image/jpeg;base64,")
    assert "url(" not in written[2]
    assert "@import" not in written[2]
    policy = next(a["content"] for t, a in seen.tags if a.get("http-equiv"))
    assert policy.startswith("default-src 'none'")


def test_hostile_names_are_words_on_the_page(written):
    seen = Seen(written[2])
    assert "<script>x</script>" in seen.text
    assert "evil.example" not in [a.get("src", "") for _, a in seen.tags]


def test_it_tells_everything_that_a_reader_asks(written):
    text = Seen(written[2]).text
    for words in (
        "Correct on 26 of 30 images", "Wilson interval", "How it was trained",
        "feature extraction",
        "Confidence (calibration)", "of other folds",
        "wrongly flagged as unknown", "Most confident mistakes", "Robustness", "Limits",
        "data sheet", "Source", "How to reproduce it", "--set C=0.5",
        "Started from the network of an earlier run", "Teacher the model of an earlier run",
        "The recipe",
        "This page was written with torch", "images imported",
        "It may rely on the background", "a guess at where the subject is",
        "Conclusion (exact McNemar tests, Holm)",
        "Correct when predicted (precision)", "9 of 11: 52–95 %",
    ):  # fmt: skip
        assert words in text, words


def words_on(file):
    """All text of a PDF, and how many images are in it."""
    with pypdfium2.PdfDocument(file) as pdf:
        text = " ".join(" ".join(page.get_textpage().get_text_bounded() for page in pdf).split())
        objects = [each.type for page in pdf for each in page.get_objects()]
    return text, objects.count(pypdfium2.raw.FPDF_PAGEOBJ_IMAGE)


def test_the_pdf_says_and_shows_what_the_page_does(written, tmp_path):
    folder, settings, page = written
    file = tmp_path / "report.pdf"
    *_, last = write_document(folder, file, settings)
    assert last.result == {"file": str(file)}
    text, pictures = words_on(file)
    assert pictures == page.count("<img") - page.count("base64,AAAA")  # that one is no image
    for words in (
        "Correct on 26 of 30 images", "How it was trained", "feature extraction",
        "Confidence (calibration)",
        "confidence, %", "Robustness", "Limits", "The recipe", '"C": 0.5',
        "alert(1)", "<script>x</script>", "1 of ",
    ):  # fmt: skip
        assert words in text, words
    assert file.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("suffix", ["html", "pdf"])
def test_the_summary_is_a_page_of_it(written, tmp_path, suffix):
    folder, settings, _ = written
    file = tmp_path / f"summary.{suffix}"
    *_, last = write_document(folder, file, settings, summary=True)
    assert last.result == {"file": str(file)}
    if suffix == "pdf":
        assert len(pypdfium2.PdfDocument(file)) == 1
        return
    seen = Seen(file.read_text(encoding="utf-8"))
    assert "Correct on 26 of 30 images" in seen.text
    assert "<script>x</script>" in seen.text
    assert {tag for tag, _ in seen.tags}.isdisjoint({"script", "link", "iframe", "a", "form"})


@pytest.mark.parametrize("classes", [2, 16])
def test_names_of_any_length_and_script_find_room_on_paper(tmp_path, classes):
    names = [f"{'w' * 118}{k}" for k in range(classes - 1)] + ["猫 кот γάτα \U0010fffe"]
    head = tuple(Cell(text(name)) for name in ["", *names])
    ones = (Cell(text("1")),) * classes
    rows = tuple((Cell(text(name), is_heading=True), *ones) for name in names)
    blocks = [Heading(1, text(names[0])), Table(head, rows, is_matrix=True)]
    blocks += [Table(head, rows)] if classes < 16 else []
    write_pdf(blocks, tmp_path / "r.pdf", "t")
    words, _ = words_on(tmp_path / "r.pdf")
    assert "кот γάτα ?" in words
    assert "no font on this computer has" in words


def test_it_can_be_printed(written):
    assert "@media print" in written[2]


def test_every_tag_that_is_opened_is_closed(written):
    body = written[2]
    for tag in ("table", "div", "figure", "section", "svg", "ul", "tr", "td", "pre", "h2", "h3"):
        assert len(re.findall(f"<{tag}[ >]", body)) == body.count(f"</{tag}>"), tag


def test_images_that_are_gone_are_left_out(written, tmp_path):
    folder, settings, _ = written
    other = Settings(home=tmp_path, device="cpu")
    store = Store(settings.home)
    dataset = json.loads((folder / "report.json").read_text())["dataset"]
    (tmp_path / "datasets").mkdir()
    copy = tmp_path / "datasets" / f"{dataset}.json"
    copy.write_text(store.load(dataset).to_json())
    list(write_document(folder, tmp_path / "r.html", other))
    page = (tmp_path / "r.html").read_text()
    assert "How it was trained" in page
    assert page.count("<img") == 1  # the example that what was found of worse images brings along


def test_a_run_that_is_not_finished_says_so(tmp_path):
    with pytest.raises(NotFound):
        list(write_document(tmp_path, tmp_path / "r.html", Settings(home=tmp_path)))


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("# One\n\n## Two", "<h1>One</h1>\n<h2>Two</h2>"),
        ("a\nb", "<p>a b</p>"),
        ("- one\n- two\n  more", "<ul><li>one</li><li>two more</li></ul>"),
        ("- one\n    - inner\n- two",
         "<ul><li>one<ul><li>inner</li></ul></li><li>two</li></ul>"),
        ("| a | b |\n|---|---|\n| 1 | `2` |",
         '<div class="scroll"><table><thead><tr><th>a</th><th>b</th></tr></thead>'
         "<tbody><tr><td>1</td><td><code>2</code></td></tr></tbody></table></div>"),
        ("```\nrun <this>\n```", "<pre>run &lt;this&gt;</pre>"),
        ("<b> & **x**", "<p>&lt;b&gt; &amp; <b>x</b></p>"),
        ("[x](http://evil.example) ![y](http://evil.example/a.png)", "<p>x y</p>"),
    ],
)  # fmt: skip
def test_markdown_becomes_blocks_and_html_in_it_stays_text(markdown, expected):
    assert html(blocks_of(markdown)) == expected


@pytest.mark.parametrize(
    "outside", [HOSTILE, "1. x", "- x", "= x", "---", "# x", "> x", "10) x", "a|b", "*x* &lt;"]
)
def test_text_from_outside_stays_what_it_is_through_markdown(outside):
    (shown,) = blocks_of(escaped(outside))
    assert shown == Paragraph(text(outside))
    (items,) = blocks_of("- " + escaped(outside))
    assert [item.text for item in items.items] == [text(outside)]
    (table,) = blocks_of("| " + escaped(outside) + " |\n|---|")
    assert table.head[0].text == text(outside)
