"""A strategy's options as a screen or a command line shows them."""

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from core.errors import BadRecipe
from core.recipe import in_one_sentence
from core.transfer.options import Options
from core.transfer.strategy import Strategy

_VALIDATED_FROM = 1000
"""Training images from which a part of them is set aside for validation."""


def resolve(
    strategy: Strategy, chosen: dict[str, Any], *, images: int, classes: int, family: str
) -> Options:
    """The strategy's options: its defaults for this many images, and what was chosen over them.

    Raises BadRecipe naming each option that does not exist or is out of range.
    """
    known = strategy.options.model_fields
    for name in chosen:
        if name not in known:
            raise BadRecipe(f"There is no option “{name}”. There are: {', '.join(known)}.")
    try:
        own = strategy.defaults(images, classes, family)
        return strategy.options(**{**_of_size(strategy.options, images), **own, **chosen})
    except ValidationError as error:
        schema = strategy.options.model_json_schema()["properties"]
        faulty = dict.fromkeys(str(fault["loc"][0]) for fault in error.errors() if fault["loc"])
        ranges = {name: _range(schema[name]) for name in faulty if name in schema}
        allowed = "".join(
            f" Allowed for {name}: {words}." for name, words in ranges.items() if words
        )
        raise BadRecipe(in_one_sentence(error) + allowed) from error


def _of_size(options: type[Options], images: int) -> dict[str, Any]:
    """No image of a small set is spared for a curve that decides nothing."""
    validated = "validation_fraction" in options.model_fields and images < _VALIDATED_FROM
    return {"validation_fraction": 0.0} if validated else {}


@dataclass(frozen=True, slots=True)
class OptionInfo:
    """One option as a screen or a command line shows it."""

    name: str
    title: str
    help: str
    type: str
    """int, float, bool, choice, number-or-auto; weights, a number for each label column, or texts,
    some words for each class."""
    default: Any
    minimum: float | None
    maximum: float | None
    exclusive: tuple[bool, bool]
    """Whether the minimum, and the maximum, are themselves not allowed."""
    choices: tuple[str, ...]
    range: str
    """What is allowed, in words; empty for whatever is."""
    main: bool


def describe(strategy: Strategy, images: int, classes: int, family: str) -> list[OptionInfo]:
    """Every option with its default for this many images, the main ones first."""
    defaults = resolve(strategy, {}, images=images, classes=classes, family=family)
    schema = strategy.options.model_json_schema()["properties"]
    infos = [_info(name, schema[name], getattr(defaults, name)) for name in schema]
    return sorted(infos, key=lambda info: not info.main)


def _info(name: str, schema: dict[str, Any], default: Any) -> OptionInfo:
    numeric = next((s for s in schema.get("anyOf", [schema]) if s.get("type") != "null"), schema)
    kinds = {"integer": "int", "number": "float", "boolean": "bool", "object": "weights"}
    kind = kinds.get(numeric.get("type", ""), "")
    if numeric.get("additionalProperties", {}).get("type") == "string":
        kind = "texts"
    if "anyOf" in schema:
        kind = "number-or-auto"
    lowest = numeric.get("minimum", numeric.get("exclusiveMinimum"))
    highest = numeric.get("maximum", numeric.get("exclusiveMaximum"))
    choices = tuple(schema.get("enum", ()))
    return OptionInfo(
        name, schema["title"], schema["description"], "choice" if choices else kind, default,
        lowest, highest, ("exclusiveMinimum" in numeric, "exclusiveMaximum" in numeric), choices,
        _range(schema), bool(schema.get("main")),
    )  # fmt: skip


def _range(schema: dict[str, Any]) -> str:
    """Which values a field of options takes, in words."""
    if "enum" in schema:
        return f"one of {', '.join(schema['enum'])}"
    numeric = next((s for s in schema.get("anyOf", [schema]) if s.get("type") != "null"), schema)
    if numeric.get("type") == "boolean":
        return "true or false"
    if within := numeric.get("additionalProperties"):
        return f"each {_range(within)}"
    if "maxLength" in numeric:
        return f"up to {numeric['maxLength']} characters"
    if {"minimum", "maximum"} <= numeric.keys():
        return f"{numeric['minimum']:g} to {numeric['maximum']:g}"
    bounds = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most",
              "exclusiveMaximum": "below"}  # fmt: skip
    words = ", ".join(
        f"{bound} {numeric[key]:g}" for key, bound in bounds.items() if key in numeric
    )
    return f"{words}; or empty: chosen automatically" if "anyOf" in schema else words
