"""The addresses for programs, described as OpenAPI 3.1 has it."""

from typing import Any

_ERRORS = {
    "401": "who asks is not known: no token, or one that is over",
    "403": "the person, or the token, may not do this",
    "404": "there is no such project, or no model in it yet",
    "503": "not at the moment: ask again after Retry-After seconds",
}
_PROJECT = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}


def _content(kind: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"content": {kind: {"schema": schema}}}


def _operation(summary: str, answer: dict[str, Any], **more: Any) -> dict[str, Any]:
    error = {"type": "object", "properties": {"error": {"type": "string"}}}
    responses: dict[str, Any] = {"200": {"description": summary, **answer}}
    for status, about in _ERRORS.items():
        responses[status] = {"description": about, **_content("application/json", error)}
    return {"summary": summary, "responses": responses, **more}


def _of_project(method: str, summary: str, answer: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {method: _operation(summary, answer, **more), "parameters": [_PROJECT]}


def _query(name: str, about: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": about, "schema": {"type": "string"}}


_JSON = _content("application/json", {"type": "object"})
_FILE = _content("application/octet-stream", {"type": "string", "format": "binary"})
_CSV = _content("text/csv", {"type": "string"})
_IMAGES = {
    "content": {
        "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "properties": {
                    "images": {"type": "array", "items": {"type": "string", "format": "binary"}}
                },
            }
        },
    }
}
DESCRIPTION: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Graft", "version": "1"},
    "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    "security": [{"token": []}],
    "paths": {
        "/api/projects": {"get": _operation("the projects that one may see", _JSON)},
        "/api/projects/{id}": _of_project("get", "a project: images, classes, kept model", _JSON),
        "/api/projects/{id}/runs": _of_project("get", "its runs and how each is doing", _JSON),
        "/api/projects/{id}/report": _of_project("get", "the kept model's results", _JSON),
        "/api/projects/{id}/model": _of_project(
            "get",
            "the kept model's file, once it was exported",
            _FILE,
            parameters=[_query("form", "the form of the export: zip, onnx, page …")],
        ),
        "/api/projects/{id}/log.csv": _of_project("get", "who did what in it, for owners", _CSV),
        "/api/log.csv": {"get": _operation("who did what, for administrators", _CSV)},
        "/api/projects/{id}/predict": _of_project(
            "post",
            "what the kept model says about images",
            _JSON,
            requestBody=_IMAGES,
            parameters=[_query("name", "what the image in the body is called in the answer")],
        ),
    },
}
