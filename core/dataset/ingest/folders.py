"""Every file under a folder, with the links that may be followed."""

import os
from collections.abc import Sequence
from pathlib import Path

from core.dataset.classes import clean_path
from core.dataset.ingest.entries import Budget
from core.errors import BadRecipe
from core.recipe import Recipe
from core.settings import Settings

File = tuple[str, Path]
"""The path as brought, and where the file lies."""
_RECIPE = "recipe.json"
"""In the folder of a run, which may have been put into the folder that it learned from."""
_MOST_RECIPE = 1_000_000


def files_in(
    folder: Path, settings: Settings, budget: Budget, *, follow_links: bool = False
) -> list[File]:
    """Every file under a folder, in order; runs and the home folder in it are passed over.

    A link that ends inside the folder or one of `settings.import_roots` is followed, with
    `follow_links` any; the others stand among the files as the links they are.
    """
    top = folder.resolve()
    roots = None if follow_links else [top, *_roots(settings)]
    home = settings.home.expanduser().resolve()
    found: list[File] = []
    waiting: list[tuple[Path, str, tuple[Path, ...]]] = [(folder, "", (top,))]
    folders = 0
    while waiting:
        inside, prefix, above = waiting.pop()
        folders += 1
        try:
            with os.scandir(inside) as listing:
                for each in listing:
                    name, path = prefix + clean_path(each.name), Path(each.path)
                    is_link = each.is_symlink()
                    real = _real(path, roots) if is_link else above[-1] / each.name
                    if real is None or not (real.is_dir() if is_link else each.is_dir()):
                        found.append((name, real if real and is_link else path))
                    elif real in above:
                        continue  # a link back to where it lies: everything in it is here already
                    elif real != home and not _is_run(real):
                        waiting.append((path, f"{name}/", (*above, real)))
        except OSError:  # closed, or deeper than a path may be long: the rest is brought
            if not prefix:
                raise
            found.append((prefix.rstrip("/"), inside))
        most = 10 * budget.most_entries  # junk is not counted, but there is an end to it
        if len(found) > most or folders > most:
            budget.entry(max(len(found), folders))
    return sorted(found)


def _real(link: Path, roots: Sequence[Path] | None) -> Path | None:
    """Where a link ends, if that is there and it may be followed."""
    try:
        real = link.resolve(strict=True)
    except (OSError, RuntimeError):  # broken, or in a circle
        return None
    if roots is not None and not any(real.is_relative_to(root) for root in roots):
        return None
    return real


def _roots(settings: Settings) -> list[Path]:
    return [root.expanduser().resolve() for root in settings.import_roots]


def _is_run(folder: Path) -> bool:
    file = folder / _RECIPE
    try:
        if not file.is_file() or file.stat().st_size > _MOST_RECIPE:
            return False
        Recipe.from_json(file.read_bytes())
    except (OSError, BadRecipe):
        return False
    return True
