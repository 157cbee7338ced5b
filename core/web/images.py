"""Images by address: /graft/image/<hash>, /thumb/<hash>, /sample/<name>, /upload/<id>/<n>.

A stored image never changes under its hash, so a browser asks for it once.
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

from core.dataset.store import Store
from core.errors import GraftError, NotFound
from core.projects import checked_id
from core.settings import Settings
from core.web.uploads import file_number, upload_folder

FOR_EVER = {"Cache-Control": "private, max-age=31536000, immutable"}
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
        return await _kept(request, self._stored)

    async def thumb(self, request: Request) -> FileResponse:
        """Its thumbnail, at most 256 px wide and high; a small image is its own."""
        return await _kept(request, self._store.thumbnail)

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
        return await _kept(request, partial(self._of_field, request.path_params["project"], small))

    def _of_field(self, project: str, small: bool, image: str) -> Path:
        """The file. Raises NotFound, or Damaged."""
        store = Store(self._home / "field" / checked_id(project))
        file = store.path(image)
        if small or file.suffix == ".npy":
            return store.thumbnail(image)
        _require_sound(self._home / "field" / project, image, file.stat().st_mtime_ns)
        return file

    async def sample(self, request: Request) -> FileResponse:
        """A strip of images out of a built-in sample; part of the program itself."""
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


async def _kept(request: Request, find: Callable[[str], Path]) -> FileResponse:
    """A file that never changes under its hash; 404 with the sentence where there is none."""
    try:
        file = await run_in_threadpool(find, request.path_params["hash"])
    except GraftError as error:
        raise HTTPException(HTTPStatus.NOT_FOUND, str(error)) from error
    return FileResponse(file, headers=FOR_EVER)


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
