"""Pictures by address: /graft/image/<hash>, /thumb/<hash>, /sample/<name>, /upload/<id>/<n>.

A stored picture never changes under its hash, so a browser asks for it once.
"""

import re
from http import HTTPStatus
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse

from core.errors import NotFound
from core.settings import Settings
from core.web.uploads import file_number, upload_folder

FOR_EVER = {"Cache-Control": "private, max-age=31536000, immutable"}
_HASH = re.compile(r"[0-9a-f]{64}")
_PREVIEWS = Path(__file__).parent / "previews"
_STARTS = {
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"GIF8": "image/gif",
    b"BM": "image/bmp",
}
_THUMB = (("thumbs", "jpg"), ("images", "jpg"), ("images", "png"))
_IMAGE = (("images", "jpg"), ("images", "png"), ("thumbs", "jpg"))
_PREVIEW_NAME = re.compile(r"[a-z_]{1,40}")


class Pictures:
    """Serves stored pictures and their thumbnails from the home folder."""

    def __init__(self, settings: Settings) -> None:
        self._home = settings.home

    async def image(self, request: Request) -> FileResponse:
        """The picture as stored; the thumbnail of one whose channels no browser could show."""
        return self._serve(request, _IMAGE)

    async def thumb(self, request: Request) -> FileResponse:
        """Its thumbnail, at most 256 px wide and high; a small picture is its own."""
        return self._serve(request, _THUMB)

    async def sample(self, request: Request) -> FileResponse:
        """A strip of pictures out of a built-in sample; part of the program itself."""
        name = request.path_params["name"]
        file = _PREVIEWS / f"{name}.webp"
        if not _PREVIEW_NAME.fullmatch(name) or not file.is_file():
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return FileResponse(file, headers={"Cache-Control": "private, max-age=86400"})

    async def uploaded(self, request: Request) -> FileResponse:
        """A picture as it was uploaded, when its first bytes are those of one a browser shows.

        The type comes from the bytes and nothing may be guessed from them (nosniff), so that no
        file can pass as a page or a script.
        """
        try:
            folder = upload_folder(self._home, request.path_params["upload_id"])
            file = folder / str(file_number(request.path_params["n"]))
            with file.open("rb") as opened:
                kind = picture_type(opened.read(16))
        except (NotFound, FileNotFoundError):
            kind = None
        if kind is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return FileResponse(file, media_type=kind, headers={"Cache-Control": "private"})

    def _serve(self, request: Request, places: tuple[tuple[str, str], ...]) -> FileResponse:
        picture = request.path_params["hash"]
        if _HASH.fullmatch(picture):
            for kind, suffix in places:
                file = self._home / kind / picture[:2] / f"{picture}.{suffix}"
                if file.is_file():
                    return FileResponse(file, headers=FOR_EVER)
        raise HTTPException(HTTPStatus.NOT_FOUND)


def picture_type(head: bytes) -> str | None:
    """The media type of a picture by its first 16 bytes; None for all that browsers do not show."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[4:12] in (b"ftypavif", b"ftypavis"):
        return "image/avif"
    return next((kind for start, kind in _STARTS.items() if head.startswith(start)), None)
