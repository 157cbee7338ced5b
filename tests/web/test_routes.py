import csv
import hashlib
import io
import json

import numpy as np
import pytest
from openpyxl import load_workbook
from PIL import Image
from tifffile import imwrite

from core.analysis.prediction_table import predictions_csv, predictions_xlsx
from core.dataset.ingest.decode import decode_for_storage
from core.dataset.store import Store
from core.errors import BadInput
from core.events import Failed, Finished, to_line
from core.settings import Settings
from core.web import images
from core.web.predictions import job_predictions
from core.web.uploads import open_upload

JOB = "0123456789abcdef"


def picture(side, seed=0):
    """Noise: it is as large as images come."""
    noise = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
    return Image.fromarray(noise)


@pytest.fixture
def large(settings, in_project):
    """A stored image that has a thumbnail: its project and its hash, as in its address."""
    image = Store(settings.home).add(picture(600), lossless=False)
    return f"{in_project(image)}/{image}"


def finish(settings, event, **files):
    folder = settings.home / "jobs" / JOB
    folder.mkdir(parents=True)
    (folder / "events.jsonl").write_text(to_line(event) + "\n", encoding="utf-8")
    for name, content in files.items():
        (folder / name.replace("_", ".")).write_bytes(content)


@pytest.mark.parametrize(("kind", "folder"), [("thumb", "thumbs"), ("image", "images")])
def test_an_image_is_served_by_its_hash_and_kept_by_the_browser(
    client, settings, large, kind, folder
):
    answer = client.get(f"/graft/{kind}/{large}")
    (file,) = (settings.home / folder).glob("*/*.jpg")
    assert answer.content == file.read_bytes()
    assert answer.headers["content-type"] == "image/jpeg"
    assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize("kind", ["image", "thumb"])
def test_a_small_lossless_image_is_its_own_thumbnail(client, settings, in_project, kind):
    small = Store(settings.home).add(picture(30), lossless=True)
    answer = client.get(f"/graft/{kind}/{in_project(small)}/{small}")
    assert answer.headers["content-type"] == "image/png"
    assert hashlib.sha256(answer.content).hexdigest() == small


@pytest.mark.parametrize("kind", ["image", "thumb"])
def test_of_an_image_with_many_channels_only_the_thumbnail_is_served(
    client, settings, in_project, kind
):
    values = np.random.default_rng(0).integers(0, 60_000, (40, 50, 5), dtype=np.uint16)
    tiff = io.BytesIO()
    imwrite(tiff, values, photometric="minisblack", planarconfig="contig")
    tiff.seek(0)
    decoded = decode_for_storage(tiff, Settings(home=settings.home), keep=True)
    many = Store(settings.home).take(decoded)
    (stored,) = (settings.home / "images").glob("*/*.npy")
    answer = client.get(f"/graft/{kind}/{in_project(many)}/{many}")
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.content != stored.read_bytes()


def test_bytes_that_are_no_longer_those_that_were_stored_are_not_served(client, settings, large):
    (file,) = (settings.home / "images").glob("*/*.jpg")
    stored = file.read_bytes()
    assert client.get(f"/graft/image/{large}").content == stored
    changed = bytearray(stored)
    changed[len(changed) // 2] ^= 1
    file.write_bytes(changed)
    answer = client.get(f"/graft/image/{large}")
    assert answer.status_code == 404
    assert "damaged" in answer.text
    assert "immutable" not in answer.headers.get("cache-control", "")
    assert client.get(f"/graft/thumb/{large}").status_code == 200
    file.write_bytes(stored)
    assert client.get(f"/graft/image/{large}").content == stored


def test_a_thumbnail_that_is_lost_or_damaged_is_made_again(client, settings, large):
    (file,) = (settings.home / "thumbs").glob("*/*.jpg")
    made = Image.open(file).size
    for content in (file.read_bytes()[:-9], b"", None):
        file.unlink() if content is None else file.write_bytes(content)
        answer = client.get(f"/graft/thumb/{large}")
        assert Image.open(io.BytesIO(answer.content)).size == made
        assert answer.content == file.read_bytes() != content


def test_an_image_is_read_whole_once_however_often_it_is_asked_for(client, settings, large):
    before = images._require_sound.cache_info().misses
    for _ in range(3):
        assert client.get(f"/graft/image/{large}").status_code == 200
    assert images._require_sound.cache_info().misses == before + 1


@pytest.mark.parametrize("name", ["0" * 64, "..%2f..%2fgraft.db", "x", None])
@pytest.mark.parametrize("kind", ["image", "thumb"])
def test_anything_but_a_known_hash_is_not_found(client, settings, large, kind, name):
    project, image = large.split("/")
    assert client.get(f"/graft/{kind}/{project}/{name or image.upper()}").status_code == 404
    assert client.get(f"/graft/{kind}/{name or project.upper()}/{image}").status_code == 404


@pytest.mark.parametrize("name", ["..%2fuploads", "nothing", "a.b"])
def test_only_the_program_s_own_previews_are_served(client, name):
    assert client.get(f"/graft/sample/{name}").status_code == 404


def test_a_finished_export_is_downloaded_as_a_file(client, settings):
    finish(settings, Finished(1.0, {"file": "model.zip"}), model_zip=b"PK")
    answer = client.get(f"/graft/download/{JOB}")
    assert answer.content == b"PK"
    assert "model.zip" in answer.headers["content-disposition"]


def test_a_page_is_opened_in_a_sandbox_that_can_send_nothing(client, settings):
    result = {"file": "model.html", "format": "page"}
    finish(settings, Finished(1.0, result), model_html=b"<!doctype html>")
    answer = client.get(f"/graft/page/{JOB}")
    assert answer.content == b"<!doctype html>"
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "content-disposition" not in answer.headers
    policy = answer.headers["content-security-policy"]
    assert "sandbox allow-scripts allow-downloads;" in policy
    assert "same-origin" not in policy
    assert "connect-src 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_policy_of_the_app_stays_where_there_is_no_page(client):
    policy = client.get(f"/graft/page/{JOB}").headers["content-security-policy"]
    assert "default-src 'self'" in policy


@pytest.mark.parametrize(
    "result",
    [
        {"file": "model.html"},
        {"file": "model.html", "format": "zip"},
        {"file": "../../graft.db", "format": "page"},
        {"file": "gone.html", "format": "page"},
    ],
)
def test_nothing_but_a_one_file_page_is_opened_as_one(client, settings, result):
    (settings.home / "graft.db").write_bytes(b"secret")
    finish(settings, Finished(1.0, result), model_html=b"<!doctype html>")
    assert client.get(f"/graft/page/{JOB}").status_code == 404


def test_a_result_that_points_outside_its_job_is_not_served(client, settings):
    (settings.home / "graft.db").write_bytes(b"secret")
    finish(settings, Finished(1.0, {"file": "../../graft.db"}))
    assert client.get(f"/graft/download/{JOB}").status_code == 404


@pytest.mark.parametrize("event", [Failed("no"), Finished(1.0, {})])
def test_a_job_without_a_file_has_nothing_to_download(client, settings, event):
    finish(settings, event)
    assert client.get(f"/graft/download/{JOB}").status_code == 404


def test_predictions_are_downloaded_as_a_table_with_the_names_as_brought(client, settings):
    finish(
        settings,
        Finished(
            1.0,
            {
                "predictions": [
                    {"image": "0", "label": "cat", "probabilities": {"cat": 0.75, "=dog": 0.25}},
                    {"image": "1", "error": "It is cut off."},
                ]
            },
        ),
    )
    args = {"names": ["=cmd|' /C calc'!A0", "täg/2.jpg"], "files": ["/u/0", "/u/1"]}
    spec = {"kind": "predict", "args": args}
    (settings.home / "jobs" / JOB / "job.json").write_text(json.dumps(spec), encoding="utf-8")
    answer = client.get(f"/graft/download/{JOB}")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert rows == [
        ["image", "predicted", "'=dog", "cat", "problem"],
        ["'=cmd|' /C calc'!A0", "cat", "0.250000", "0.750000", ""],
        ["täg/2.jpg", "", "", "", "It is cut off."],
    ]


def test_the_table_says_what_is_unknown_and_what_else_it_could_be():
    known = {"image": "a", "label": "cat", "probabilities": {"cat": 0.6, "dog": 0.4},
             "prediction_set": ["cat", "dog"], "ood": False}  # fmt: skip
    broken = {"image": "b", "error": "It is cut off."}
    rows = list(csv.reader(io.StringIO(predictions_csv([known, broken]))))
    assert rows == [
        ["image", "predicted", "cat", "dog", "unknown", "set", "problem"],
        ["a", "cat", "0.600000", "0.400000", "no", "cat | dog", ""],
        ["b", "", "", "", "", "", "It is cut off."],
    ]


def test_the_table_of_several_tasks_says_it_too():
    kind = {
        "label": "cat",
        "probabilities": {"cat": 0.6, "=dog": 0.4},
        "prediction_set": ["=dog", "cat"],
    }
    coat = {"label": "long", "probabilities": {"long": 0.9, "short": 0.1}, "prediction_set": None}
    known = {"image": "a", **kind, "tasks": {"kind": kind, "coat": coat}, "ood": True}
    broken = {"image": "b", "error": "It is cut off."}
    rows = list(csv.reader(io.StringIO(predictions_csv([broken, known]))))
    assert rows == [
        ["image", "kind", "kind: cat", "kind: =dog", "kind: set", "coat", "coat: long",
         "coat: short", "unknown", "problem"],
        ["b", "", "", "", "", "", "", "", "", "It is cut off."],
        ["a", "cat", "0.600000", "0.400000", "'=dog | cat", "long", "0.900000", "0.100000", "yes",
         ""],
    ]  # fmt: skip
    plain = [{**known, "ood": None, "tasks": {"coat": coat}}]
    assert predictions_csv(plain).splitlines()[0] == "image,coat,coat: long,coat: short,problem"


def test_in_excel_names_are_text_and_never_formulas_and_numbers_are_numbers():
    known = {"image": "=cmd|' /C calc'!A0", "label": "=dog", "ood": False,
             "probabilities": {"cat": 0.25, "=dog": 0.75}}  # fmt: skip
    broken = {"image": "bell \a.jpg", "error": "It is cut off."}
    book = load_workbook(io.BytesIO(predictions_xlsx([known, broken], {0: "+new"})))
    rows = list(book.active.iter_rows())
    assert [cell.value for cell in rows[0]] == [
        *("image", "predicted", "=dog", "cat", "unknown", "corrected", "problem")
    ]
    first = rows[1]
    assert [cell.value for cell in first][:6] == [
        *("=cmd|' /C calc'!A0", "=dog", 0.75, 0.25, "no", "+new")
    ]
    assert "f" not in {cell.data_type for row in rows for cell in row}  # a formula
    assert [type(cell.value) for cell in first[:4]] == [str, str, float, float]
    assert first[0].quotePrefix
    assert first[1].quotePrefix
    assert not first[4].quotePrefix
    assert rows[2][0].value == "bell .jpg"
    table = csv.reader(io.StringIO(predictions_csv([known, broken], {0: "+new"})))
    assert [row[5] for row in table] == ["corrected", "'+new", ""]


def test_more_classes_than_excel_has_columns_are_refused_in_a_sentence():
    wide = {
        "image": "a",
        "label": "0",
        "probabilities": dict.fromkeys(map(str, range(16_384)), 0.0),
    }
    with pytest.raises(BadInput, match="Export as CSV"):
        predictions_xlsx([wide])


def test_answers_are_downloaded_as_a_workbook_too(client, settings):
    told = {"image": "0", "label": "cat", "probabilities": {"cat": 1.0}}
    finish(settings, Finished(1.0, {"predictions": [told]}))
    answer = client.get(f"/graft/download/{JOB}?form=xlsx")
    assert "predictions.xlsx" in answer.headers["content-disposition"]
    sheet = load_workbook(io.BytesIO(answer.content)).active
    assert [cell.value for cell in sheet[2]] == ["0", "cat", 1, None]


def test_the_thumbnail_of_an_answer_is_served_and_nothing_else_of_the_job(client, settings):
    finish(settings, Finished(1.0, {}))
    folder = settings.home / "jobs" / JOB / "thumbnails"
    folder.mkdir()
    (folder / "7").write_bytes(b"\xff\xd8\xff and so on")
    answer = client.get(f"/graft/answer/{JOB}/7")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    for wrong in (f"{JOB}/8", f"{JOB}/..%2fevents.jsonl", f"{JOB}/x", f"{'g' * 16}/7"):
        assert client.get(f"/graft/answer/{wrong}").status_code == 404


def test_a_table_of_no_predictions_still_has_its_head():
    assert predictions_csv([]).split() == ["image,predicted,problem"]


def test_answers_carry_the_names_as_brought_and_where_their_images_are(settings):
    finish(settings, Finished(1.0, {"predictions": [{"image": "0", "label": "cat"}]}))
    folder = settings.home / "jobs" / JOB
    args = {"names": ["tom.jpg"], "files": [f"/h/uploads/{'u' * 32}/7"], "upload": "u" * 32}
    (folder / "job.json").write_text(
        json.dumps({"kind": "predict", "args": args}), encoding="utf-8"
    )
    (row,) = job_predictions(folder)
    assert (row["image"], row["preview"]) == ("tom.jpg", f"/graft/upload/{'u' * 32}/7")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\xff\xd8\xff\xe0 and so on", "image/jpeg"),
        (b"RIFF1234WEBPVP8 ", "image/webp"),
        (b"<svg onload=alert(1)>", None),
        (b"<html><script>", None),
        (b"", None),
    ],
)
def test_an_uploaded_file_is_only_shown_as_the_image_that_its_bytes_say(
    client, settings, content, kind
):
    upload = open_upload(settings.home)
    (settings.home / "uploads" / upload / "0").write_bytes(content)
    answer = client.get(f"/graft/upload/{upload}/0")
    assert answer.status_code == (200 if kind else 404)
    if kind:
        assert answer.headers["content-type"] == kind


@pytest.mark.parametrize("where", ["0" * 32 + "/0", "{}/1"])
def test_an_unknown_upload_shows_nothing(client, settings, where):
    upload = open_upload(settings.home)
    assert client.get(f"/graft/upload/{where.format(upload)}").status_code == 404
