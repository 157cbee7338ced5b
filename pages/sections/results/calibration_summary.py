"""What was adjusted after training, on which images, and what it is worth, in words."""

from core.evaluation.calibration_result import CalibrationResult
from core.evaluation.metrics import in_words
from core.evaluation.report import evaluated_by
from pages.components import text

ORIGINS = {
    "folds": "on {n} of the images it learned from, each answered by a classifier that had not "
    'seen it <span class="term">(out of fold)</span>; the test images played no part',
    "validation": "on the {n} images that were only watched while it learned "
    '<span class="term">(validation part)</span>; the test images played no part',
    "test": "on the {n} test images, since it has learned from all others. The numbers here come "
    "from five turns, each with an adjustment made without the images it is measured on "
    '<span class="term">(cross-fitted)</span>',
    "unlabelled": "on the {n} test images without looking at their classes",
}

_UNLOOKED = "the classes of the test images are looked at for the score alone"


def temperature_in_words(found: CalibrationResult) -> str:
    """By how much its certainty was adjusted, and with which images."""
    if found.temperature == 1.0:
        why = _UNLOOKED if found.origin == "unlabelled" else "too few images were tested on"
        return f"Confidence was not calibrated: {why}."
    which = ORIGINS[found.origin].format(n=f"{found.n:,}")
    return (
        "Confidence was calibrated by one number, a temperature of "
        f"{found.temperature:.2f} (1 changes nothing; above 1 it was too bold), "
        f"{which}."
    )


def testers_in_words(found: CalibrationResult) -> str:
    """Who measured what, to be put behind a number of images; nothing where the model that is
    kept was measured alone."""
    return evaluated_by(found.n_folds) if found.n_folds > 1 else ""


def sets_in_words(found: CalibrationResult) -> str:
    """What stands behind "A or B"."""
    sets = found.sets
    if sets is None and found.origin == "unlabelled":
        return f"Which classes it might be beside the likeliest is not told: {_UNLOOKED}."
    if sets is None:
        return "Too few test images to say which classes it might be beside the likeliest."
    was = f"on the test images it was for {sets.covered} of {sets.n}"
    if who := testers_in_words(found):
        was = f"it was for {sets.covered} of {sets.n} images{who}"
    return (
        "Where it names several classes, they are chosen so that the right one is among them "
        f"{100 * sets.coverage:.0f} times of 100; {was}, so {in_words(sets.interval)} "
        '<span class="term">(conformal sets, 95 % Wilson interval)</span>.'
    )


def unknown_in_words(found: CalibrationResult) -> str:
    """What "unknown" means, and how often it is wrong."""
    ood = found.ood
    if ood is None:
        return "Too few test images to tell when an image shows none of your classes."
    return (
        "An image is called unknown when it lies further from all it learned from than 95 of 100 "
        f"of its own kind: {text.count(ood.flagged, 'test image')} of {ood.n} did, "
        f"wrongly{testers_in_words(found)}. A new class that resembles yours is often not noticed "
        '<span class="term">(out-of-distribution detection)</span>.'
    )
