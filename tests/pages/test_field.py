"""In the field: consent, how the model stands, an audit, and what comes of it."""

import time
from random import Random

import numpy as np
import pytest
from leaves import CLASSES, fill, finish_run
from opened import everything, open_page, press
from PIL import Image

from core.field import consent
from core.field.audit import audits_of, begin, record
from core.field.kept import FieldAnswer, amount, keep
from core.jobs.recent import recent_jobs
from core.projects import get_run
from core.settings import get_settings


@pytest.fixture
def project(home, monkeypatch):
    """A project with its run. The watch, which a chance of its own may alarm, draws the same each
    time."""
    monkeypatch.setattr("core.field.kept.secrets.randbits", Random(0).getrandbits)
    project, dataset = fill(home)
    return project, finish_run(home, project, dataset, strategy="full", wrong=2)


def used(project, tmp_path, n, *, label=None, confidence=0.8, at=None, first=0, images="images"):
    """n new images that were asked about."""
    consent.choose(project[0], images, get_settings())
    answers = []
    for k in range(first, first + n):
        file = tmp_path / f"{k}.png"
        pixels = np.random.default_rng(k).integers(0, 256, (24, 24, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(file)
        answers.append(FieldAnswer(label or CLASSES[k % 3], confidence, False, file))
    keep(project[1], answers, get_settings(), at=at or time.time())


def open_field(project):
    return open_page("field", project=project[0], run=project[1])


def test_nothing_is_kept_until_a_person_chooses_it_on_use(project):
    app = open_page("use", project=project[0], run=project[1])
    assert "Nothing is kept. Nobody can tell then" in everything(app)
    (choice,) = [one for one in app.get("button_group") if "Keep what is asked" in one.proto.label]
    assert consent.kept_of(project[0], get_settings()) == ""
    choice.set_value("answers").run()
    assert consent.kept_of(project[0], get_settings()) == "answers"
    assert "No image and no file name." in everything(app)


def test_it_says_in_one_line_how_the_model_stands(project, tmp_path):
    assert "No image was watched yet." in everything(open_field(project))
    used(project, tmp_path, 30)
    assert "As good as promised so far: 30 images watched, no alarm." in everything(
        open_field(project)
    )


def test_a_change_is_said_with_its_images_until_it_is_found_all_right(project, tmp_path):
    used(project, tmp_path, 60, label=CLASSES[1])
    app = open_field(project)
    said = everything(app)
    assert "Something changed since" in said
    assert 'title="oak &lt;b&gt;"' in said
    assert said.count(f'src="/graft/field/{project[0]}/') == 12
    press(app, "This is fine")
    assert "No change since" in everything(app)


def test_an_audit_takes_two_presses_and_goes_on_after_a_reload(project, tmp_path):
    used(project, tmp_path, 3)
    app = press(open_field(project), "Start an audit")
    assert "Image 1 of 3" in everything(app)
    press(app, "Right")
    app = open_field(project)  # as after a refresh, or on another device
    assert "Image 2 of 3" in everything(app)
    press(app, "Wrong")
    press(app, "None of these")
    press(app, "Back")
    assert "Image 2 of 3" in everything(app)
    press(app, "Wrong")
    drawn = audits_of(project[1], get_settings())[0].open[0]
    others = [label for label in sorted(CLASSES) if label != drawn.label]
    shown = [one.label for one in app.button]
    assert len(shown) == len(set(shown))
    app.button(key=f"is-1-{drawn.answer}").click().run()
    assert "Image 3 of 3" in everything(app)
    press(app, "Can’t tell")
    (audit,) = audits_of(project[1], get_settings())
    assert {each.decision for each in audit.images} == {"class", "skipped"}
    assert [each.truth for each in audit.images if each.answer == drawn.answer] == others[:1]
    said = everything(app)
    assert "1 of 2 right" in said
    assert "about 50 % of the 3 images used" in said
    assert "1 image nobody could tell" in said
    assert "these images cannot tell" in said


def test_a_finished_audit_is_offered_to_the_project(project, tmp_path):
    used(project, tmp_path, 4)
    audit = begin(project[1], get_settings())
    for each in audit.images:
        record(audit.id, each.answer, "class", get_settings(), truth=CLASSES[0])
    app = press(open_field(project), "Learn from these 4")
    (job,) = recent_jobs("learn-audited", audit=audit.id)
    assert job.is_dir()
    assert "4 images with a class" not in everything(app)


def test_the_newest_model_is_set_against_the_audited_one(project, home, tmp_path):
    used(project, tmp_path, 4)
    audit = begin(project[1], get_settings())
    for each in audit.images:
        record(audit.id, each.answer, "class", get_settings(), truth=each.label)
    finish_run(home, project[0], get_run(project[1]).dataset_id, strategy="full", wrong=9)
    said = everything(open_field(project))
    assert "On the test images." in said
    assert "None can be compared. 4 are not among the images of the newest." in said


def test_what_was_kept_is_deleted_when_asked(project, tmp_path):
    used(project, tmp_path, 3)
    press(open_page("use", project=project[0], run=project[1]), "Delete for good")
    assert amount(project[0], get_settings()) == (0, 0, 0)


def test_without_kept_images_it_says_why_there_is_no_audit(project, tmp_path):
    used(project, tmp_path, 3, images="answers")
    assert "There is no image to look at since the last audit." in everything(open_field(project))
