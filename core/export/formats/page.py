"""A page in one file: the model, and all that runs it, in a single HTML for any browser.

It opens by double click or from a mail, without a network, and sends nothing anywhere. Before it is
handed out it is opened in a browser of this machine and asked about real images; where there is no
browser, its graph is run by onnxruntime. The result says which.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from core.events import Event, Finished, Progress
from core.export.formats import ExportContext, ExportFormat
from core.export.one_page import one_page
from core.export.onnx_graph import write_onnx
from core.export.page_trial import try_page
from core.export.rehearsal import outcome
from core.files import replaced


def write(context: ExportContext, file: Path) -> Iterator[Event]:
    """Write the page; it must agree with the app first.

    Ends as `outcome` does, with "tried_in" ("browser" or "onnxruntime") besides. Raises BadInput
    for a model of other than plain colour images, NotFound without a model or the images that it
    was tested on, GraftError when the page does not agree with the app.
    """
    began = time.monotonic()
    yield Progress("Building the page", 0, 2)
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".export.") as folder:
        space = Path(folder)
        graph, page = space / "bundle" / "model.onnx", space / "model.html"
        write_onnx(context, graph)
        today = datetime.now(UTC).date()
        text = one_page(context.facts, context.description, graph.read_bytes(), today=today)
        page.write_bytes(text.encode())
        yield Progress("Trying the page out in a browser", 1, 2)
        tried_in, found = try_page(context, page, graph, space)
        with replaced(file) as draft:
            os.replace(page, draft)
            draft.chmod(0o644)
    yield Progress("Trying the page out in a browser", 2, 2)
    ended = outcome(began, "page", file, found)
    yield Finished(ended.seconds, {**ended.result, "tried_in": tried_in})


FORMAT = ExportFormat(
    title="Page for any browser",
    purpose="For everyone: one file to mail or to open on a phone. It needs nothing, not even the "
    "Internet.",
    suffix=".html",
    write=write,
    order=10,
    is_guessed=True,
)
