"""Images that travel inside a page or an event rather than under an address of their own."""

import base64
import io

from PIL import Image


def data_address(image: Image.Image, side: int) -> str:
    """An RGB image as a data: address, a JPEG of at most `side` points in either direction."""
    small, out = image.copy(), io.BytesIO()
    small.thumbnail((side, side))
    small.save(out, "JPEG", quality=82)
    return "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode("ascii")
