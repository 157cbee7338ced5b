"""The seam between a home and wherever else its files are kept: here nowhere, which costs nothing.

`core.storage.shared` keeps them in an object store for machines that share no disk.
"""

from collections.abc import Collection, Iterable
from pathlib import Path

SUFFIXES = ("jpg", "png", "npy")
"""Of stored images."""
CHECKPOINT = "checkpoint"
"""How the name of a file begins from which an interrupted job goes on."""


def image_paths(digest: str) -> list[str]:
    """Where, below a store of images, the one of this hash may lie."""
    return [f"images/{digest[:2]}/{digest}.{suffix}" for suffix in SUFFIXES]


class Storage:
    """A home that is the only place of its files, on a disk of its own or a shared one."""

    is_shared = False
    """Whether machines without a common disk work on the same home."""
    eager = False
    """Whether all images of a dataset are brought as soon as it is read, as jobs do."""

    def here(self, path: Path) -> Path:
        """The same path, with what the file holds elsewhere by now."""
        return path

    def bring(self, folders: Collection[Path], *, checkpoints: bool = False) -> None:
        """Bring the files of these folders that are newer elsewhere; `checkpoints`, which are large
        and change often, only for who goes on from them."""

    def image(self, root: Path, digest: str) -> Path | None:
        """Bring an image to the store of images in `root`; None where nobody has it."""
        return None

    def gather(self, root: Path, digests: Collection[str]) -> None:
        """Bring all of these images that are not here yet."""

    def publish(self, paths: Iterable[Path]) -> set[str]:
        """Keep these files for all machines; gives the hashes of what they held there before."""
        return set()

    def withdraw(self, paths: Iterable[Path]) -> None:
        """Forget small files that are gone here."""

    def publish_dataset(self, manifest: Path, images: Iterable[Path]) -> None:
        """Keep a manifest, after all images that it names."""
