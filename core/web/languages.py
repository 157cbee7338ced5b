"""/graft/language/<code>: a catalogue, for the browser that shows the pages in this language."""

import json
from functools import cache

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from core.errors import NotFound
from core.language.catalogues import catalogue
from core.web.images import require_known

_AN_HOUR = {"Cache-Control": "private, max-age=3600"}


async def language(request: Request) -> Response:
    """The catalogue as one JSON object, English to the language; 404 for one there is none of."""
    require_known()
    try:
        content = await run_in_threadpool(_as_json, request.path_params["code"])
    except NotFound as error:
        raise HTTPException(404, str(error)) from error
    return Response(content, media_type="application/json", headers=_AN_HOUR)


@cache
def _as_json(code: str) -> bytes:
    return json.dumps(catalogue(code), ensure_ascii=False).encode()
