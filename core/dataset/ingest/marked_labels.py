"""XML and YAML that tell what is on images: Pascal VOC, CVAT, and the names of YOLO's classes."""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from xml.etree import ElementTree

from core.dataset.ingest.table import TAG, Kind
from core.errors import UnreadableTable

Read = tuple[Kind, str, Iterable[Iterable[object]]]
"""Kind, form and rows of a Table."""

_NO_LABELS = "It contains no image labels in a known format."
_GROWING = re.compile(r"<!(DOCTYPE|ENTITY)", re.IGNORECASE)


def xml_rows(name: str, raw: bytes) -> Read:
    """What an XML file says of images. Raises UnreadableTable when that is nothing."""
    if _GROWING.search(raw.replace(b"\0", b"").decode("latin-1")):
        raise UnreadableTable(
            "It declares XML entities, which label files do not need: save it without them."
        )
    root = ElementTree.fromstring(raw)
    if root.tag == "annotation":
        stem = str(PurePosixPath(name).with_suffix(""))
        words = [each.text or "" for each in root.iterfind("object/name")]
        file = (root.findtext("filename") or stem).strip()
        return "labels", "Pascal VOC", [(file, _joined(words), stem)]
    if root.tag == "annotations":
        images = list(root.iterfind("image"))
        rows = [(each.get("name", ""), _joined(_cvat(each)), "") for each in images]
        return "labels", "CVAT", rows
    raise UnreadableTable(_NO_LABELS)


def _cvat(image: ElementTree.Element) -> list[str]:
    """The tags of an image, or what is marked in it."""
    tags = [each.get("label", "") for each in image.iterfind("tag")]
    return tags or [each.get("label", "") for each in image]


def _joined(words: Iterable[str]) -> str:
    return TAG.join(sorted({word.strip() for word in words} - {""}))


def yaml_rows(text: str) -> Read:
    """The names of classes in a YOLO data.yaml. Raises UnreadableTable without any."""
    import yaml  # type: ignore[import-untyped]  # only for such files

    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UnreadableTable(_NO_LABELS) from error
    names = content.get("names") if isinstance(content, dict) else None
    if isinstance(names, list):
        names = dict(enumerate(names))
    if not isinstance(names, dict) or not names:
        raise UnreadableTable(_NO_LABELS)
    return (
        "names",
        "",
        [
            (str(number), str(name))
            for number, name in names.items()
            if isinstance(name, str | int | float) and isinstance(number, int | str)
        ],
    )
