import csv
import io
import json

import pytest

from core.events import Failed, Finished, to_line
from core.web.predictions import job_predictions, predictions_csv
from core.web.uploads import open_upload

HASH = "ab" + "0" * 62
JOB = "0123456789abcdef"


def store(settings, kind, suffix, content=b"picture"):
    file = settings.home / kind / "ab" / f"{HASH}.{suffix}"
    file.parent.mkdir(parents=True)
    file.write_bytes(content)


def finish(settings, event, **files):
    folder = settings.home / "jobs" / JOB
    folder.mkdir(parents=True)
    (folder / "events.jsonl").write_text(to_line(event) + "\n", encoding="utf-8")
    for name, content in files.items():
        (folder / name.replace("_", ".")).write_bytes(content)


@pytest.mark.parametrize(("kind", "folder"), [("thumb", "thumbs"), ("image", "images")])
def test_a_picture_is_served_by_its_hash_and_kept_by_the_browser(client, settings, kind, folder):
    store(settings, folder, "jpg")
    answer = client.get(f"/graft/{kind}/{HASH}")
    assert answer.content == b"picture"
    assert answer.headers["content-type"] == "image/jpeg"
    assert "immutable" in answer.headers["cache-control"]


def test_a_lossless_picture_is_served_as_png(client, settings):
    store(settings, "images", "png")
    assert client.get(f"/graft/image/{HASH}").headers["content-type"] == "image/png"


def test_a_small_picture_is_its_own_thumbnail(client, settings):
    store(settings, "images", "png")
    assert client.get(f"/graft/thumb/{HASH}").headers["content-type"] == "image/png"


def test_of_a_picture_with_many_channels_only_the_thumbnail_is_served(client, settings):
    store(settings, "images", "npy", b"raw")
    assert client.get(f"/graft/image/{HASH}").status_code == 404
    assert client.get(f"/graft/thumb/{HASH}").status_code == 404
    store(settings, "thumbs", "jpg")
    for kind in ("image", "thumb"):
        assert client.get(f"/graft/{kind}/{HASH}").content == b"picture"


@pytest.mark.parametrize("name", ["0" * 64, "..%2f..%2fgraft.db", "x", HASH.upper()])
def test_anything_but_a_known_hash_is_not_found(client, settings, name):
    store(settings, "thumbs", "jpg")
    assert client.get(f"/graft/thumb/{name}").status_code == 404


@pytest.mark.parametrize("name", ["..%2fuploads", "nothing", "a.b"])
def test_only_the_program_s_own_previews_are_served(client, name):
    assert client.get(f"/graft/sample/{name}").status_code == 404


def test_a_finished_export_is_downloaded_as_a_file(client, settings):
    finish(settings, Finished(1.0, {"file": "model.zip"}), model_zip=b"PK")
    answer = client.get(f"/graft/download/{JOB}")
    assert answer.content == b"PK"
    assert "model.zip" in answer.headers["content-disposition"]


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


def test_the_table_of_several_questions_says_it_too():
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


def test_a_table_of_no_predictions_still_has_its_head():
    assert predictions_csv([]).split() == ["image,predicted,problem"]


def test_answers_carry_the_names_as_brought_and_where_their_pictures_are(settings):
    finish(settings, Finished(1.0, {"predictions": [{"image": "0", "label": "cat"}]}))
    folder = settings.home / "jobs" / JOB
    args = {"names": ["tom.jpg"], "files": ["/somewhere/7"], "upload": "u" * 32}
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
def test_an_uploaded_file_is_only_shown_as_the_picture_that_its_bytes_say(
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
