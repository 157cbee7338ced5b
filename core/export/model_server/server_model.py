"""The model behind every address: images in, rows or outputs of the graph out. Beside server.py."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from classify import BATCH, Row, answer_of
from server_reading import Readers
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request


@dataclass(frozen=True)
class Sent:
    """An image file of a request."""

    name: str
    content: bytes


class ServedModel:
    """A loaded graph. Requests are answered side by side, each on one thread."""

    def __init__(
        self,
        run: Callable[[np.ndarray], list[np.ndarray]],
        about: dict[str, Any],
        name: str,
        readers: Readers,
        *,
        threads: int,
    ) -> None:
        """`run` and `about` are what classify.load gives."""
        self.about, self.name = about, name
        self.size: int = about["preprocessing"]["size"]
        self.has_unknown = about["unknown_threshold"] is not None
        tasks = about.get("tasks") or {"": about["classes"]}
        self.classes: list[str] = [each for classes in tasks.values() for each in classes]
        """In the order of the graph's probabilities."""
        self.readers = readers
        self._run = run
        self._threads = asyncio.Semaphore(threads)

    async def rows(self, sent: Sequence[Sent]) -> list[Row]:
        """What is in each image, as classify.py says it, or why that cannot be said."""
        found = await self.squares(sent)
        squares = [each for each in found if not isinstance(each, str)]
        answers = iter(zip(*await self.outputs(np.stack(squares)), strict=True) if squares else ())
        return [
            {"image": each.name, "error": square}
            if isinstance(square, str)
            else {"image": each.name, **answer_of(self.about, *next(answers))}
            for each, square in zip(sent, found, strict=True)
        ]

    async def squares(self, sent: Sequence[Sent]) -> list[np.ndarray | str]:
        """Uint8 (size, size, 3) of each image, or a sentence why there is none."""
        return await asyncio.gather(*(self.readers.square(each.content) for each in sent))

    async def outputs(self, pixels: np.ndarray) -> list[np.ndarray]:
        """What the graph says of uint8 (n, size, size, 3): probabilities (n, classes), and
        unknown (n,) where it has that."""
        parts = []
        for first in range(0, len(pixels), BATCH):
            async with self._threads:
                part = pixels[first : first + BATCH]
                parts.append(await run_in_threadpool(self._run, part))
        return [np.concatenate(each) for each in zip(*parts, strict=True)]


async def images_of(request: Request, most: int) -> list[Sent]:
    """The image files of a request: each file of a form, or the body itself under the name that
    stands in the query. Raises HTTPException 400 where there is none, 413 for more than `most`."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        content = await request.body()
        if not content:
            raise HTTPException(400, "There is no image in this request: send one as its body.")
        return [Sent(request.query_params.get("name", "image"), content)]
    try:
        async with request.form(max_files=most, max_fields=most) as form:
            files = [each for _, each in form.multi_items() if not isinstance(each, str)]
            sent = [
                Sent(each.filename or f"image {number}", await each.read())
                for number, each in enumerate(files, 1)
            ]
    except Exception as error:  # noqa: BLE001  # a form can be malformed in any way
        raise _of_form(error, most) from None
    if not sent:
        raise HTTPException(400, "There is no image in this form: send at least one file.")
    return sent


def _of_form(error: Exception, most: int) -> Exception:
    """What to raise when a form could not be read."""
    if isinstance(error, ClientDisconnect) or getattr(error, "status_code", 400) != 400:
        return error
    if "Too many" in getattr(error, "detail", ""):
        return HTTPException(413, f"A form has at most {most} images: send fewer at once.")
    return HTTPException(400, "This form cannot be read: send its files again.")
