"""Images by address: /graft/image/<project>/<hash>, /thumb/<project>/<hash>,
/field/<project>/<hash>, /sample/<name>, /upload/<id>/<n>.

A stored image never changes under its hash, so a browser asks for it once. It is there for whoever
may look at a project that has it, and for all others it is not.
"""

import re
from collections.abc import Callable
from functools import lru_cache, partial
from http import HTTPStatus
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse

from core.access import acting, require, require_somebody
from core.dataset.store import GONE, Store
from core.errors import GraftError, NotAllowed, NotFound
from core.projects import checked_id
from core.projects.images import require_image
from core.settings import Settings
from core.web.uploads import file_number, upload_folder

_FOR_EVER = {"Cache-Control": "private, max-age=31536000, immutable"}
_PREVIEWS = Path(__file__).parent / "previews"
_STARTS = {
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"GIF8": "image/gif",
    b"BM": "image/bmp",
}
_PREVIEW_NAME = re.compile(r"[a-z_]{1,40}")


class Images:
    """Serves stored images and their thumbnails from the home folder."""

    def __init__(self, settings: Settings) -> None:
        self._home = settings.home
        self._store = Store(settings.home)

    async def image(self, request: Request) -> FileResponse:
        """The image as stored; the thumbnail of one whose channels no browser could show."""
        return await _kept(request, partial(self._of_project, self._stored))

    async def thumb(self, request: Request) -> FileResponse:
        """Its thumbnail, at most 256 px wide and high; a small image is its own."""
        return await _kept(request, partial(self._of_project, self._store.thumbnail))

    @staticmethod
    def _of_project(find: Callable[[str], Path], project: str, image: str) -> Path:
        require_image(project, image)
        return find(image)

    def _stored(self, image: str) -> Path:
        """The file, if it still is what was stored. Raises NotFound, or Damaged."""
        file = self._store.path(image)
        if file.suffix == ".npy":
            return self._store.thumbnail(image)
        _require_sound(self._home, image, file.stat().st_mtime_ns)
        return file

    async def field(self, request: Request) -> FileResponse:
        """An image that was used in the field and kept: with ?small, its thumbnail."""
        small = "small" in request.query_params
        return await _kept(request, partial(self._of_field, small))

    def _of_field(self, small: bool, project: str, image: str) -> Path:
        """The file. Raises NotFound, or Damaged."""
        try:
            require("look", checked_id(project))
        except NotFound as error:
            raise NotFound(GONE) from error
        store = Store(self._home / "field" / project)
        file = store.path(image)
        if small or file.suffix == ".npy":
            return store.thumbnail(image)
        _require_sound(self._home / "field" / project, image, file.stat().st_mtime_ns)
        return file

    async def sample(self, request: Request) -> FileResponse:
        """A strip of images out of a built-in sample; part of the program itself."""
        require_known()
        name = request.path_params["name"]
        file = _PREVIEWS / f"{name}.webp"
        if not _PREVIEW_NAME.fullmatch(name) or not file.is_file():
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return FileResponse(file, headers={"Cache-Control": "private, max-age=86400"})

    async def uploaded(self, request: Request) -> FileResponse:
        """An image as it was uploaded, when its first bytes are those of one a browser shows.

        The type comes from the bytes and nothing may be guessed from them (nosniff), so that no
        file can pass as a page or a script.
        """
        try:
            folder = upload_folder(self._home, request.path_params["upload_id"])
            file = folder / str(file_number(request.path_params["n"]))
            with file.open("rb") as opened:
                kind = image_type(opened.read(16))
        except (NotFound, FileNotFoundError):
            kind = None
        if kind is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return FileResponse(file, media_type=kind, headers={"Cache-Control": "private"})


def for_ever() -> dict[str, str]:
    """The headers of what never changes. Where people sign in, the next one at this browser asks
    anew: another cookie is another answer."""
    return _FOR_EVER if acting().machine else {**_FOR_EVER, "vary": "cookie"}


def require_known() -> None:
    """404 for whoever is not known at all."""
    try:
        require_somebody()
    except NotAllowed as error:
        raise HTTPException(HTTPStatus.NOT_FOUND) from error


async def _kept(request: Request, find: Callable[[str, str], Path]) -> FileResponse:
    """A file that never changes under its hash; 404 with the sentence where there is none."""
    asked = request.path_params
    try:
        file = await run_in_threadpool(find, asked["project"], asked["hash"])
    except GraftError as error:
        raise HTTPException(HTTPStatus.NOT_FOUND, str(error)) from error
    return FileResponse(file, headers=for_ever())


@lru_cache(maxsize=65_536)
def _require_sound(home: Path, image: str, changed: int) -> None:
    """Read the image once, and again whenever its file was `changed`. Raises Damaged."""
    Store(home).read(image)


def image_type(head: bytes) -> str | None:
    """The media type of an image by its first 16 bytes; None for all that browsers do not show."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[4:12] in (b"ftypavif", b"ftypavis"):
        return "image/avif"
    return next((kind for start, kind in _STARTS.items() if head.startswith(start)), None)
