"""What the schema says about every key: words for people, and what holds if it is left out.

They stand in a file of their own, by the place of the key on a page, so that ``schema.json`` shows
the shape alone. ``[]`` is any entry of a list, ``*`` any name, and what several places share, such
as a condition, or what a model brings, begins with its name, or with ``*`` for any.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

_FILE = Path(__file__).with_name("schema_words.json")

Schema = dict[str, Any]


def add_words(schema: Schema) -> None:
    """Into a composed schema. Where the schema has words of its own, those stay."""
    for key in keys(schema):
        for name, said in _said(key.place).items():
            key.schema.setdefault(name, said)


class Key(NamedTuple):
    """A key of a page by its place, and the schema of its value."""

    place: str
    schema: Schema
    is_needed: bool


def keys(schema: Schema) -> Iterator[Key]:
    """Every key of a page."""
    yield from _keys(schema, "")
    for name, definition in schema["$defs"].items():
        if name != "group":
            yield from _keys(definition, name)
    for form in schema["$defs"]["group"]["allOf"]:
        yield from _keys(form["then"], of_model(form["if"]["properties"]["model"]["const"]))


def of_model(name: str) -> str:
    """Where the keys of a model stand, apart from those of a section of the same name.

    >>> of_model("rfm"), of_model("loyalty")
    ('rfm', 'loyalty model')
    """
    return f"{name} model" if name == "loyalty" else name


def _keys(schema: Schema, path: str) -> Iterator[Key]:
    for name, inner in schema.get("properties", {}).items():
        if isinstance(inner, dict):
            place = f"{path}.{name}" if path else name
            yield Key(place, inner, name in schema.get("required", ()))
            yield from _keys(inner, place)
    for word, step in (("items", "[]"), ("additionalProperties", ".*")):
        if isinstance(schema.get(word), dict):
            yield from _keys(schema[word], path + step)


def _said(place: str) -> Mapping[str, Any]:
    """Of the place itself, of any group's, of any place that ends so."""
    words, (_, _, rest) = _words(), place.partition(".")
    last = place.rpartition(".")[2]
    names = (place, f"group.{rest}", f"*.{rest}", f"*.{last}")
    return next((words[name] for name in names if name in words), {})


@cache
def _words() -> Mapping[str, Mapping[str, Any]]:
    found: Mapping[str, Mapping[str, Any]] = json.loads(_FILE.read_text("utf-8"))
    return found
