"""Answers in the shape of Azure Custom Vision's prediction API v3.0, for its clients: another
address and key is all that changes. A file beside server.py."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from server_limits import Limits, as_json
from server_model import ServedModel, images_of
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_PATH = "/customvision/v3.0/Prediction/{project}/classify/iterations/{name}/image"


def routes(model: ServedModel, limits: Limits, count: Callable[[int], None]) -> list[Route]:
    """Its two addresses; nothing is stored at either."""

    async def classify(request: Request) -> Response:
        if request.path_params["name"] != model.name:
            return _refused(404, "BadRequestInvalidPublishName", "There is no such iteration.")
        try:
            sent = await images_of(request, limits.images)
        except HTTPException as error:
            return _refused(error.status_code, "BadRequestImageStream", error.detail)
        if len(sent) > 1:
            return _refused(400, "BadRequestImageStream", "Send one image at a time.")
        (row,) = await model.rows(sent)
        count(1)
        if "error" in row:
            return _refused(400, "BadRequestImageFormat", row["error"])
        return as_json(_answer(row, model.name, request.path_params["project"]))

    return [Route(path, classify, methods=["POST"]) for path in (_PATH, f"{_PATH}/nostore")]


def _answer(row: dict[str, Any], name: str, project: str) -> dict[str, Any]:
    ranked = sorted(row["probabilities"].items(), key=lambda each: -each[1])
    return {
        "id": str(uuid.uuid4()),
        "project": project,
        "iteration": _id(name),
        "created": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "predictions": [
            {"tagId": _id(f"{name}/{label}"), "tagName": label, "probability": probability}
            for label, probability in ranked
        ],
    }


def _id(name: str) -> str:
    """Always the same for the same name."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"graft:{name}"))


def _refused(status: int, code: str, message: str) -> Response:
    return as_json({"code": code, "message": message}, status)
