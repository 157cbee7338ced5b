"""What can be asked and how it is answered: as OpenAPI, and as a page for people that tries it.

A file beside server.py. Nothing here is about the model: it is shown without a token.
"""

import base64
import hashlib
import html
from typing import Any

_IMAGE = {"type": "string", "format": "binary"}
_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "string", "description": "A sentence that says what to do."}},
}
_ANSWER = {
    "label": {"type": "string", "description": "The likeliest class."},
    "probabilities": {
        "type": "object",
        "additionalProperties": {"type": "number"},
        "description": "Calibrated, by class; they sum to 1.",
    },
    "prediction_set": {
        "type": ["array", "null"],
        "items": {"type": "string"},
        "description": "The classes of which the right one mostly is one; null: cannot be told.",
    },
}
_PREDICTION = {
    "type": "object",
    "required": ["image"],
    "properties": {
        "image": {"type": "string", "description": "The file's name."},
        "error": {"type": "string", "description": "Why it cannot be read; then nothing else is."},
        **_ANSWER,
        "ood": {
            "type": ["boolean", "null"],
            "description": "Unknown: whether it looks like none of the classes.",
        },
        "ood_score": {"type": ["number", "null"], "description": "Above 1: unknown."},
        "tasks": {
            "type": "object",
            "additionalProperties": {"type": "object", "properties": _ANSWER},
            "description": "Of a model that answers several questions: each by its name.",
        },
    },
}
_PREDICTIONS = {
    "type": "object",
    "properties": {
        "model": {"type": "string"},
        "predictions": {"type": "array", "items": {"$ref": "#/components/schemas/Prediction"}},
    },
}


def _parameter(name: str, where: str, about: str) -> dict[str, Any]:
    schema = {"type": "string"}
    found = {"name": name, "in": where, "required": where == "path", "schema": schema}
    return found | ({"description": about} if about else {})


def _operation(
    summary: str,
    *names: str,
    answer: dict[str, Any] | None = None,
    text: bool = False,
    body: dict[str, Any] | None = None,
    refusals: tuple[int, ...] = (),
) -> dict[str, Any]:
    kind = "text/plain" if text else "application/json"
    schema = {"type": "string"} if text else answer or {"type": "object"}
    refused = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
    found: dict[str, Any] = {
        "summary": summary,
        "parameters": [_parameter(name, "path", "") for name in names],
        "responses": {"200": {"description": "OK", "content": {kind: {"schema": schema}}}},
    }
    found["responses"] |= {
        str(code): {"description": _REFUSALS[code], **refused} for code in refusals
    }
    if body:
        found["requestBody"] = {"required": True, "content": body}
    return found


_REFUSALS = {
    400: "There is no image in the request, or it is malformed.",
    401: "The token is missing or wrong.",
    404: "There is no such model.",
    413: "Too many bytes or images.",
    422: "None of the images can be read; the sentence says why.",
    503: "Too many requests at once: come back after Retry-After seconds.",
}
_FORM = {
    "schema": {
        "type": "object",
        "properties": {"images": {"type": "array", "items": _IMAGE}},
    }
}
_ASKING = (400, 401, 413, 422, 503)
_TENSORS = {"application/json": {"schema": {"type": "object"}}}
_PREDICT = _operation(
    "What is in one image (the body), or in each file of a form",
    answer={"$ref": "#/components/schemas/Predictions"},
    body={"application/octet-stream": {"schema": _IMAGE}, "multipart/form-data": _FORM},
    refusals=_ASKING,
)
_PREDICT["parameters"] = [_parameter("name", "query", "What the image in the body is called.")]
_CUSTOM_VISION = "/customvision/v3.0/Prediction/{project}/classify/iterations/{name}/image"
OPENAPI: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "An image classifier", "version": "1"},
    "paths": {
        "/predict": {"post": _PREDICT},
        "/healthz": {"get": _operation("Whether the server lives", text=True)},
        "/readyz": {"get": _operation("Whether it can answer", text=True)},
        "/metrics": {"get": _operation("Counts and times, for Prometheus", text=True)},
        "/v2": {"get": _operation("KServe v2: the server")},
        "/v2/health/live": {"get": _operation("KServe v2: whether the server lives")},
        "/v2/health/ready": {"get": _operation("KServe v2: whether it can answer")},
        "/v2/models/{name}": {
            "get": _operation("KServe v2: inputs, outputs and classes", "name", refusals=(404,))
        },
        "/v2/models/{name}/ready": {
            "get": _operation("KServe v2: whether the model can answer", "name", refusals=(404,))
        },
        "/v2/models/{name}/infer": {
            "post": _operation(
                "KServe v2: encoded images (image, BYTES) or pixels (UINT8), also as binary data",
                "name",
                body=_TENSORS,
                refusals=(*_ASKING, 404),
            )
        },
        _CUSTOM_VISION: {
            "post": _operation(
                "The answer in the shape of Custom Vision",
                *("project", "name"),
                body={"application/octet-stream": {"schema": _IMAGE}, "multipart/form-data": _FORM},
                refusals=(400, 401, 404, 413, 503),
            )
        },
    },
    "components": {
        "schemas": {"Prediction": _PREDICTION, "Predictions": _PREDICTIONS, "Error": _ERROR},
        "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
    },
    "security": [{}, {"token": []}],
}

_SCRIPT = """
const form = document.querySelector("form"), said = document.querySelector("output");
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = new FormData(), token = form.token.value;
  for (const file of form.images.files) body.append("images", file);
  said.textContent = "…";
  try {
    const headers = token ? {Authorization: `Bearer ${token}`} : {};
    const answer = await fetch("/predict", {method: "POST", body, headers});
    said.textContent = JSON.stringify(await answer.json(), null, 2);
  } catch (error) { said.textContent = "The server did not answer."; }
});
"""
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem;
  color: #1b1b1b; background: #fff; }
code, pre, output { font: 14px/1.5 ui-monospace, monospace; }
pre, output { display: block; overflow: auto; white-space: pre-wrap; padding: .8rem;
  background: #f3f3f3; border-radius: .5rem; }
output:empty { display: none; }
td { padding: .3rem .8rem .3rem 0; vertical-align: top; }
@media (prefers-color-scheme: dark) { body { color: #eee; background: #161616; }
  pre, output { background: #262626; } }
"""


def _hash(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


POLICY = (
    f"default-src 'none'; script-src {_hash(_SCRIPT)}; style-src {_hash(_STYLE)}; "
    "connect-src 'self'; img-src data:; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
)
_ROWS = "".join(
    f"<tr><td><code>{method.upper()} {html.escape(path)}</code></td>"
    f"<td>{html.escape(about['summary'])}</td></tr>"
    for path, methods in OPENAPI["paths"].items()
    for method, about in methods.items()
)
PAGE = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>An image classifier</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"><style>{_STYLE}</style></head><body>
<h1>An image classifier</h1>
<h2>Try it</h2>
<form><p><label>Images <input type="file" name="images" multiple required></label></p>
<p><label>Token, if the server asks for one
<input type="password" name="token" autocomplete="off"></label></p>
<p><button>What is in them?</button></p></form><output></output>
<h2>Ask from a program</h2>
<pre>curl --data-binary @cat.jpg http://127.0.0.1:8080/predict
curl -F a=@cat.jpg -F b=@cup.png http://127.0.0.1:8080/predict
curl -H "Authorization: Bearer $GRAFT_TOKEN" --data-binary @cat.jpg …</pre>
<p>Of many images, one that cannot be read has an <code>error</code> in its place. The whole
description is <a href="/openapi.json">openapi.json</a>.</p>
<h2>Every address</h2><table>{_ROWS}</table>
<script>{_SCRIPT}</script></body></html>
"""
