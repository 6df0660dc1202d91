"""Changes to a page, and the page that they make.

A page that was read from YAML shares what its anchors and aliases share: a rule that stands in two
groups by an alias is one object, and a change to it changes both.

>>> page = {"publish": {"step": 5}, "rules": [{"id": "a"}, {"id": "b"}]}
>>> changed(page, [Change("/publish/step", 3), Change("/rules/0", op="remove")])
{'publish': {'step': 3}, 'rules': [{'id': 'b'}]}
>>> page["publish"]["step"]
5

Source: pointers are RFC 6901, operations those of RFC 6902.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Literal

from chalicelib.core.model import Json


@dataclass(frozen=True, slots=True)
class Change:
    """``add`` puts a new key into a mapping, or with ``-`` an entry at the end of a list."""

    pointer: str
    value: Json = None
    op: Literal["add", "replace", "remove"] = "replace"

    def to_json(self, page: Mapping[str, Any]) -> dict[str, Json]:
        """With what stood there before."""
        row: dict[str, Json] = {"op": self.op, "path": self.pointer}
        if self.op != "add":
            row["before"] = value_at(page, self.pointer)
        return row if self.op == "remove" else {**row, "value": self.value}


def value_at(page: Mapping[str, Any], pointer: str) -> Any:
    """Raises KeyError or IndexError where nothing stands."""
    node: Any = page
    for part in _parts(pointer):
        node = node[int(part)] if isinstance(node, list) else node[part]
    return node


def changed(page: Mapping[str, Any], changes: Iterable[Change]) -> dict[str, Any]:
    """A copy; pointers are those of the page as it was, whatever is removed."""
    copy: dict[str, Any] = deepcopy(dict(page))
    removals: dict[int, tuple[list[Any], set[int]]] = {}
    for change in changes:
        above, _, last = change.pointer.rpartition("/")
        holder, key = value_at(copy, above), _unescaped(last)
        if change.op == "remove" and isinstance(holder, list):
            removals.setdefault(id(holder), (holder, set()))[1].add(int(key))
        else:
            _apply(holder, key, change)
    for holder, indexes in removals.values():
        for index in sorted(indexes, reverse=True):
            del holder[index]
    return copy


def _apply(holder: Any, key: str, change: Change) -> None:
    match holder, change.op:
        case list(), "add":
            if change.value not in holder:  # by an alias it may be there already
                holder.append(change.value)
        case list(), _:
            holder[int(key)] = change.value
        case _, "remove":
            holder.pop(key, None)
        case _:
            holder[key] = change.value


def _parts(pointer: str) -> list[str]:
    return [_unescaped(part) for part in pointer.split("/")[1:]]


def _unescaped(part: str) -> str:
    return part.replace("~1", "/").replace("~0", "~")
