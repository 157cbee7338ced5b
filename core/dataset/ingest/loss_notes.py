"""What the stored copies of images do not hold, said once for all images of an import."""

from collections.abc import Iterator, Sequence

from core.dataset.ingest.understanding import NOTABLE, Alternative, Note
from core.dataset.manifest import Facts, Item

_MOST_NAMED = 3
_ALL_FRAMES = Alternative("all_frames=true", "Use every frame as an image")
Brought = Sequence[tuple[str, Facts]]
"""The path of each image as brought, and the facts of its file."""
_KEEP = "--keep-channels (in the browser “Keep greyscale, 16-bit and many channels as they are”)"


def loss_notes(items: Sequence[Item], *, is_kept: bool) -> Iterator[Note]:
    """A note, with the remedy, for each way in which copies hold less than the files.

    `is_kept`: whether grey, 16-bit and many-channel images were kept as they are.
    """
    brought = [(item.name, item.facts) for item in items if item.facts]
    if frames := [each for each in brought if each[1].frames > 1]:
        yield Note(NOTABLE, _on_frames(frames), _ALL_FRAMES)
    yield from (Note(NOTABLE, sentence) for sentence in _on_values(brought, is_kept=is_kept))


def _on_frames(frames: Brought) -> str:
    counts = ", ".join(f"“{name}” ({f.frames:,})" for name, f in frames[:_MOST_NAMED])
    return (
        f"{_images(frames)} several frames or pages, and only the first of each is used: "
        f"{counts}{_more(frames)}. With --all-frames each is an image of its own."
    )


def _on_values(brought: Brought, *, is_kept: bool) -> Iterator[str]:
    if faint := [each for each in brought if each[1].levels]:
        least, most = (pick(f.levels for _, f in faint) for pick in (min, max))
        greys = f"{least}" if least == most else f"{least} to {most}"
        yield (
            f"{_images(faint)} finer greys than 8 bits can. Their usual 8-bit copies keep only "
            f"{greys} of them, so faint detail is lost: {_listed(faint)}. {_remedy(faint)}"
        )
    if stretched := [each for each in brought if each[1].is_stretched]:
        yield (
            f"{_images(stretched)} values without a defined white, so each is scaled from its "
            "own minimum to its maximum: values of different images can no longer be "
            f"compared: {_listed(stretched)}. If the values matter, save all images as 16-bit "
            f"PNG on one scale and import them with {_KEEP}."
        )
    if not is_kept and (many := [each for each in brought if " channels " in each[1].mode]):
        yield (
            f"{_images(many)} more channels than red, green and blue, and only the first three "
            f"are used: {_listed(many)}. To use all, import them with {_KEEP}."
        )


def _remedy(faint: Brought) -> str:
    if all(facts.mode.startswith("I;16") for _, facts in faint):
        return f"To keep all of them, import the images with {_KEEP}."
    return f"To keep more of them, save the images as 16-bit PNG and import them with {_KEEP}."


def _images(some: Sequence[object]) -> str:
    return "1 image holds" if len(some) == 1 else f"{len(some):,} images hold"


def _listed(some: Brought) -> str:
    return ", ".join(f"“{name}”" for name, _ in some[:_MOST_NAMED]) + _more(some)


def _more(some: Sequence[object]) -> str:
    more = len(some) - _MOST_NAMED
    return f" and {more:,} more" if more > 0 else ""
