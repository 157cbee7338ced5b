"""Which channels the images of a dataset have: a network reads images of one kind only."""

from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from core.dataset.channels import RGB, Form
from core.dataset.manifest import Item
from core.dataset.store import Store
from core.errors import NotFound, UnusableDataset

_NAMED = 3
_KEEP = "Keep greyscale, 16-bit and many channels as they are"


def require_one_form(items: Iterable[Item], store: Store) -> Form:
    """The form that all these images have.

    Raises UnusableDataset, naming some of each kind, when they differ.
    """
    names: dict[Form, list[str]] = defaultdict(list)
    for item in items:
        names[store.form(item.image)].append(item.name)
    if len(names) > 1:
        kinds = "; ".join(_listed(form, names[form]) for form in sorted(names))
        raise UnusableDataset(
            f"All images must have the same channels, and these differ: {kinds}. Remove the "
            f"fewer ones, or import all again without “{_KEEP}”."
        )
    return next(iter(names), RGB)


def _listed(form: Form, names: list[str]) -> str:
    shown = ", ".join(f"“{name}”" for name in names[:_NAMED])
    more = ", …" if len(names) > _NAMED else ""
    images = "image" if len(names) == 1 else "images"
    return f"{len(names):,} {images} with {form} ({shown}{more})"


@lru_cache(maxsize=8)
def special_form(dataset: str, home: Path) -> str:
    """One sentence on what a network has to be adapted to; empty for ordinary colour images.

    Asked again it costs nothing, since neither a version nor its images ever change.
    """
    store = Store(home)
    try:
        form = require_one_form(store.load(dataset).items, store)
    except UnusableDataset as error:
        return str(error)
    except NotFound:
        return ""
    if form == RGB:
        return ""
    return (
        f"Your images have {form}. The first layer of the network is adapted to that, and each "
        "channel is normalised by its own mean and standard deviation (in_chans)."
    )
