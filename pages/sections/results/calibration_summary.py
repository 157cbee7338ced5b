"""What was adjusted after training, on which images, and what it is worth, in words."""

from core.evaluation.calibration_result import CalibrationResult
from core.evaluation.report import evaluated_by
from pages.components import text

ORIGINS = {
    "folds": "Chosen on {n} training images, each answered by a classifier that had not seen it "
    '<span class="term">(out of fold)</span>. No test image was used.',
    "validation": "Chosen on the {n} validation images. No test image was used.",
    "test": "Chosen on the {n} test images, since it was trained on all others. For the numbers "
    "here, each image was left out of its own adjustment "
    '<span class="term">(cross-fitted, five folds)</span>.',
    "unlabelled": "Chosen on the {n} test images without using their classes.",
}


def temperature_in_words(found: CalibrationResult) -> str:
    """By how much its certainty was adjusted, and with which images."""
    if found.temperature == 1.0:
        if found.origin == "unlabelled":
            return "Confidence was not calibrated: the test labels are used for the score alone."
        return "Confidence was not calibrated: there are too few test images."
    which = ORIGINS[found.origin].format(n=f"{found.n:,}")
    return (
        f"Confidence was calibrated with a temperature of {found.temperature:.2f}: 1 changes "
        f"nothing, above 1 it was overconfident. {which}"
    )


def testers_in_words(found: CalibrationResult) -> str:
    """Who measured what, to be put behind a number of images; nothing where the model that is
    kept was measured alone."""
    return evaluated_by(found.n_folds) if found.n_folds > 1 else ""


def sets_in_words(found: CalibrationResult) -> str:
    """What stands behind "A or B"."""
    sets = found.sets
    if sets is None and found.origin == "unlabelled":
        return "It names no further possible classes: the test labels are used for the score alone."
    if sets is None:
        return "Too few test images to name further possible classes."
    was = f"It was for {sets.covered} of {sets.n} test images ({text.likely(sets.interval)})"
    if who := testers_in_words(found):
        was = f"It was for {sets.covered} of {sets.n} images{who} ({text.likely(sets.interval)})"
    return (
        "Where it names several classes, the right one should be among them "
        f"{100 * sets.coverage:.0f} % of the time. {was} "
        '<span class="term">(conformal sets, 95 % Wilson interval)</span>.'
    )


def unknown_in_words(found: CalibrationResult) -> str:
    """What "unknown" means, and how often it is wrong."""
    ood = found.ood
    if ood is None:
        return "Too few test images to notice images of none of your classes."
    return (
        "An image is called unknown when it is less like the training images than 95 % of your "
        f"own. This happened, wrongly, to {ood.flagged} of {ood.n} test "
        f"images{testers_in_words(found)} "
        f'<span class="term">(out-of-distribution detection)</span>. '
        f"<span>{_new_class_in_words(found)}</span>"
    )


def _new_class_in_words(found: CalibrationResult) -> str:
    """Whether images of a class that it was not taught are noticed."""
    left_out = found.left_out
    if left_out is None:
        return "A new class that resembles yours often goes unnoticed."
    flagged = f"{100 * left_out.flagged / left_out.n:.0f}"
    return (
        f"Of images of a class it was not taught, about {flagged} of 100 were called unknown "
        f"({text.likely(left_out.interval)}), with each of {left_out.n_classes} of your classes "
        'left out in turn <span class="term">(leave one class out)</span>.'
    )
