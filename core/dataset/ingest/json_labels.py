"""JSON that tells what is on images: COCO, Label Studio, LabelMe, VIA, CreateML, and plain lists.

Whatever the form, out come tables: (file, label) of annotation files, columns of plain lists of
objects, and (number, name) of lists of classes. Several labels of one image stand in one cell with
`TAG` between them.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from core.dataset.ingest.entries import is_image_name
from core.dataset.ingest.table import TAG, Kind
from core.errors import UnreadableTable

Rows = Iterable[Iterable[object]]
Read = tuple[Kind, str, Rows]
"""Kind, form and rows of a Table."""

_NO_LABELS = "It contains no image labels in a known format."
_NAMED_WITH_NUMBERS = re.compile(r"(id|idx|index|num(ber)?)_?(to|2)_?(label|class|name)s?")
_LABEL_STUDIO = re.compile(r"choices|.*labels|taxonomy")
"""Kinds of results that hold words of a list."""
_LONGEST_WORD = 1000


def json_rows(name: str, text: str) -> Read:
    """What a JSON file says of images. Raises UnreadableTable when that is nothing."""
    if PurePosixPath(name).suffix.lower() in (".jsonl", ".ndjson"):
        lines = [json.loads(line) for line in text.splitlines() if line.strip()]
        return _of_list([each for each in lines if isinstance(each, dict)])
    content = json.loads(text)
    if isinstance(content, dict):
        return _of_dict(content)
    if isinstance(content, list):
        return _of_list(content)
    raise UnreadableTable(_NO_LABELS)


def _of_dict(content: dict[str, Any]) -> Read:
    if "_via_img_metadata" in content and isinstance(content["_via_img_metadata"], dict):
        content = content["_via_img_metadata"]
    if _has_lists(content, "images", "annotations"):
        return "labels", "COCO", _coco(content)
    if isinstance(content.get("imagePath"), str) and isinstance(content.get("shapes"), list):
        return "labels", "LabelMe", [(content["imagePath"], _joined(_labelme(content)))]
    values = list(content.values())
    if values and all(isinstance(each, dict) and "filename" in each for each in values):
        return "labels", "VIA", [(each["filename"], _joined(_via(each))) for each in values]
    if _has_lists(content, "columns", "data"):
        return "table", "", [content["columns"], *filter(_is_list, content["data"])]
    if names := _names(content):
        return "names", "", names
    if values and all(isinstance(each, dict) for each in values):
        return _of_dicts(content)
    if plain := _by_file(content):
        return "labels", "", plain
    lists = [each for each in values if _is_list(each) and each and isinstance(each[0], dict)]
    if lists:
        return _of_list(max(lists, key=len))
    raise UnreadableTable(_NO_LABELS)


def _of_dicts(content: Mapping[str, Mapping[str, Any]]) -> Read:
    """Columns of rows, as pandas writes them, or rows by the names of files."""
    keys = list(content)
    if sum(map(is_image_name, keys)) * 2 > len(keys):
        return "table", "", _flat([{"file": key, **value} for key, value in content.items()])
    columns = [list(value) for value in content.values()]
    if all(each == columns[0] for each in columns):
        rows = [[value.get(row) for value in content.values()] for row in columns[0]]
        return "table", "", [keys, *([_cell(each) for each in row] for row in rows)]
    raise UnreadableTable(_NO_LABELS)


def _of_list(content: Sequence[Any]) -> Read:
    rows = [each for each in content if isinstance(each, dict)]
    if not rows:
        words = [each for each in content if isinstance(each, str)]
        if words and len(words) == len(content) and not any(map(is_image_name, words)):
            return "names", "", [(str(number), word) for number, word in enumerate(words)]
        pairs = [each for each in content if isinstance(each, list) and len(each) > 1]
        if pairs and len(pairs) == len(content):
            return "table", "", [[_cell(each) for each in pair] for pair in pairs]
        raise UnreadableTable(_NO_LABELS)
    if all(isinstance(each.get("data"), dict) for each in rows):
        return "labels", "Label Studio", list(_label_studio(rows))
    if all(isinstance(each.get("image"), str) and _is_list(each.get("annotations"))
           for each in rows):  # fmt: skip
        return (
            "labels",
            "CreateML",
            [(each["image"], _joined(_labels(each["annotations"], "label"))) for each in rows],
        )
    if all(isinstance(each.get("imagePath"), str) and _is_list(each.get("shapes"))
           for each in rows):  # fmt: skip
        return "labels", "LabelMe", [(each["imagePath"], _joined(_labelme(each))) for each in rows]
    return "table", "", _flat(rows)


def _coco(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Of each image the names of the categories of its annotations."""
    categories: Any = content.get("categories")
    named = {
        _key(each.get("id")): str(each.get("name"))
        for each in (categories if _is_list(categories) else ())
        if isinstance(each, dict)
    }
    labels: dict[str, list[str]] = {}
    for each in content["annotations"]:
        if isinstance(each, dict):
            number = _key(each.get("category_id"))
            labels.setdefault(_key(each.get("image_id")), []).append(named.get(number, number))
    for image in content["images"]:
        if isinstance(image, dict) and isinstance(image.get("file_name"), str):
            yield image["file_name"], _joined(labels.get(_key(image.get("id")), ()))


def _label_studio(tasks: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Of each task the words that were chosen, for all of it or for regions."""
    for task in tasks:
        path = next((each for each in task["data"].values() if _is_path(each)), None)
        done: Any = task.get("annotations") or task.get("completions")
        if path is None:
            continue
        words: list[str] = []
        for annotation in done if _is_list(done) else ():
            cancelled = isinstance(annotation, dict) and annotation.get("was_cancelled")
            results: Any = annotation.get("result") if isinstance(annotation, dict) else None
            for result in results if _is_list(results) and not cancelled else ():
                value = result.get("value") if isinstance(result, dict) else None
                for kind, chosen in value.items() if isinstance(value, dict) else ():
                    if _LABEL_STUDIO.fullmatch(str(kind)) and _is_list(chosen):
                        words += [each[-1] if _is_list(each) and each else each for each in chosen]
        yield path, _joined(words)


def _labelme(content: Mapping[str, Any]) -> list[str]:
    flags = content.get("flags")
    checked = [key for key, on in flags.items() if on is True] if isinstance(flags, dict) else []
    return checked or _labels(content["shapes"], "label")


def _via(entry: Mapping[str, Any]) -> list[str]:
    """What the attributes of the file say, or those of its regions."""
    about = entry.get("file_attributes")
    words = [each for each in about.values() if each] if isinstance(about, dict) else []
    regions = entry.get("regions")
    each_region = regions.values() if isinstance(regions, dict) else regions or ()
    marked = [each.get("region_attributes") for each in each_region if isinstance(each, dict)]
    return words or [word for each in marked if isinstance(each, dict) for word in each.values()]


def _labels(marked: Sequence[Any], key: str) -> list[str]:
    return [each[key] for each in marked if isinstance(each, dict) and each.get(key) is not None]


def _names(content: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names of classes by number, whichever of the two comes first."""
    pairs = list(content.items())
    for key in ("id2label", "label2id", "idx_to_class", "class_to_idx", "class_indices", "names"):
        inner = content.get(key)
        if isinstance(inner, dict) and inner:
            return _names(inner)
        if _is_list(inner) and inner and all(isinstance(each, str) for each in inner):
            return [(str(number), word) for number, word in enumerate(inner)]
    if pairs and all(key.isdigit() and isinstance(value, str) for key, value in pairs):
        return [] if any(is_image_name(value) for _, value in pairs) else pairs
    numbers = [value for _, value in pairs if isinstance(value, int) and value is not True]
    if pairs and len(set(numbers)) == len(pairs) and not any(map(is_image_name, content)):
        return [(str(value), key) for key, value in pairs]
    return []


def _by_file(content: Mapping[str, Any]) -> list[tuple[str, str]]:
    """{file: label}, {file: labels} or {label: files}."""
    keys = list(content)
    if 2 * sum(map(is_image_name, keys)) > len(keys):
        return [(key, _cell(value)) for key, value in content.items()]
    lists = [(key, value) for key, value in content.items() if _is_list(value)]
    files = [each for _, value in lists for each in value if isinstance(each, str)]
    if files and 2 * sum(map(is_image_name, files)) > len(files):
        return [(each, key) for key, value in lists for each in value if isinstance(each, str)]
    if all(isinstance(value, str) for value in content.values()) and len(keys) > 1:
        return [(key, value) for key, value in content.items()]
    return []


def _flat(rows: Sequence[Mapping[str, Any]]) -> Iterator[list[str]]:
    """A header and the cells below it; nested values become words."""
    header = list(dict.fromkeys(key for row in rows for key in row))
    yield header
    for row in rows:
        yield [_cell(row.get(key)) for key in header]


def _cell(value: Any) -> str:
    """One value as text: the words of a list with TAG between them, of an object its path."""
    if _is_list(value):
        return _joined(value)
    if isinstance(value, dict):
        if _is_list(value.get("choices")):
            return _joined(value["choices"])
        words = [value.get(key) for key in ("path", "name", "label", "value")]
        return next((word for word in words if isinstance(word, str)), "")
    if value is None or isinstance(value, bool):
        return "" if value is None else str(int(value))
    return str(value)


def _joined(words: Iterable[Any]) -> str:
    """Each word once, in order of the alphabet."""
    cells = {_cell(word)[:_LONGEST_WORD] for word in words if not _is_list(word)}
    return TAG.join(sorted(cells - {""}))


def _key(value: Any) -> str:
    return "" if isinstance(value, dict | list) else str(value)


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and bool(re.search(r"[/\\=]|\.\w{3,4}$", value))


def _has_lists(content: Mapping[str, Any], *keys: str) -> bool:
    return all(_is_list(content.get(key)) for key in keys)
