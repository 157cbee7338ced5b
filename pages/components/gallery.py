"""Images in rows: thumbnails by address, so that nothing but their names passes through here."""

from collections.abc import Iterable, Sequence

from core.dataset.manifest import Item
from core.web.paths import address
from pages.components import text


def thumb(image: str, alt: str) -> str:
    """One thumbnail as HTML. An empty `alt` is for images that the words beside them explain."""
    said = text.html(alt) if alt else ""
    return f'<img src="{address("thumb", image)}" alt="{said}" loading="lazy" decoding="async">'


def strip(images: Sequence[str], alt: str) -> str:
    """A few thumbnails in one line."""
    return f'<div class="strip">{"".join(thumb(image, alt) for image in images)}</div>'


def gallery(items: Iterable[Item]) -> str:
    """Thumbnails with the file names below."""
    figures = (
        f"<figure>{thumb(item.image, item.label or 'no class')}"
        f"<figcaption>{text.bdi(item.name.rsplit('/', 1)[-1], 40)}</figcaption></figure>"
        for item in items
    )
    return f'<div class="gallery">{"".join(figures)}</div>'
