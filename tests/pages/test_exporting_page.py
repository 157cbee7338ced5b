"""Use: exports and reports, run as a script against a home folder of its own."""

import pytest
from leaves import fill, finish_run
from opened import everything, open_page, press

from core.events import Finished
from core.jobs.log import append
from core.jobs.queue import new_job, stop
from core.jobs.recent import recent_jobs
from core.jobs.spec import JobSpec

LITE1 = "tf_efficientnet_lite1"
PLACES = ["images", "train", "results", "use"]


def test_a_ready_export_states_the_greatest_difference(home):
    project, dataset = fill(home)
    run = finish_run(home, project, dataset, strategy="full", wrong=2)
    job = new_job()
    JobSpec("export", {"run": run}).write(job)
    append(job, Finished(1.0, {"file": "model.zip", "greatest_difference": 2e-7, "images": 8}))
    said = everything(open_page("use", project=project, run=run))
    assert "0.0000002" in said
    assert "8 images" in said


def test_a_format_says_its_size_and_what_its_rehearsal_found(home):
    project, dataset = fill(home)
    run = finish_run(home, project, dataset, strategy="full", wrong=2)
    job = new_job()
    JobSpec("export", {"run": run, "form": "int8"}).write(job)
    found = {"n": 25, "labels_equal": 24, "max_difference": 0.15, "seconds": 3.0}
    append(job, Finished(1.0, {"file": "m.zip", "format": "int8", "bytes": 4_054_598} | found))
    app = open_page("use", project=project, run=run)
    said = everything(app)
    assert "4.1 MB" in said
    assert "on 25 images: 1 gets another class than in the app" in said
    made = [button.label for button in app.button if button.label.startswith("Make ")]
    assert {"Make again", "Make ONNX file", "Make ZIP for Python", "Make sorting script"} < set(
        made
    )


def test_exporting_is_handed_in_for_the_chosen_run(home):
    project, dataset = fill(home)
    run = finish_run(home, project, dataset, strategy="full", wrong=2)
    press(open_page("use", project=project, run=run), "Make ONNX file")
    (job,) = recent_jobs("export", run=run)
    assert JobSpec.read(job).args == {"run": run, "form": "onnx"}
    stop(job)


@pytest.mark.parametrize(
    ("form", "what", "label"),
    [
        ("pdf", "report", "PDF"),
        ("html", "report", "web page"),
        ("summary-pdf", "summary", "PDF"),
        ("summary-html", "summary", "web page"),
    ],
)
def test_a_report_is_written_when_somebody_asks_and_can_then_be_downloaded(home, form, what, label):
    project, dataset = fill(home)
    run = finish_run(home, project, dataset, strategy="full", wrong=2)
    page = open_page("use", project=project, run=run)
    app = press(page, f"Write the {what} as a {label}")
    (job,) = recent_jobs("report", run=run, form=form)
    stop(job)
    append(job, Finished(1.0, {"file": f"report.{form}"}))
    app.run()
    assert "Update" in [button.label for button in app.button]
    (link,) = app.main.get("link_button")
    assert link.proto.url == f"/graft/download/{job.name}"
    assert link.proto.label == f"Download the {what} ({label})"
