"""What a job leaves is downloaded: a file, a page, its answers as a table."""

import csv
import io
import json

import pytest
from openpyxl import load_workbook

from core.analysis.prediction_table import predictions_csv, predictions_xlsx
from core.errors import BadInput
from core.events import Failed, Finished, to_line
from core.web.predictions import job_predictions

JOB = "0123456789abcdef"


def finish(settings, event, **files):
    folder = settings.home / "jobs" / JOB
    folder.mkdir(parents=True)
    (folder / "events.jsonl").write_text(to_line(event) + "\n", encoding="utf-8")
    for name, content in files.items():
        (folder / name.replace("_", ".")).write_bytes(content)


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
