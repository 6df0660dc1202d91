r"""Changes to a page of YAML in its own text: all but the changed values stays as it was written.

PyYAML knows from where to where a value reaches, so a new value is put exactly there and comments,
order, indentation and line breaks are kept. What stands at an anchor is changed for every alias.

>>> print(edited("a: 1  # one\nb: {c: [1, 2]}\n", [
...     Change("/a", 2), Change("/b/c", [3]), Change("/b/d", True, "add")]), end="")
a: 2  # one
b: {d: true, c: [3]}
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from chalicelib.advice.changes import Change
from chalicelib.core.model import Json


class _Splice(NamedTuple):
    start: int
    end: int
    text: str


def edited(text: str, changes: Iterable[Change]) -> str:
    """``text`` with values replaced and keys added. Raises KeyError for a place that is not there.

    The result has to be read again: it is for the caller to see that it is the page that was meant.
    """
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    splices = sorted({_splice(text, root, change) for change in changes}, reverse=True)
    for one in splices:
        text = text[: one.start] + one.text + text[one.end :]
    return text


def _splice(text: str, root: Node | None, change: Change) -> _Splice:
    above, _, last = change.pointer.rpartition("/")
    if change.op == "add":
        holder = _at(root, above)
        if isinstance(holder, MappingNode) and holder.value:
            return _new_key(holder, last, change.value)
        raise KeyError(change.pointer)
    start, end = _reach(_at(root, change.pointer))
    named = _NAME.match(text, start)
    return _Splice(named.end() if named else start, end, _flow(change.value))


_NAME = re.compile(r"([&!]\S*\s+)+")
"""An anchor or a tag, which PyYAML takes for a part of the value."""


def _new_key(holder: MappingNode, key: str, value: Json) -> _Splice:
    """Before the second one, since behind the last there may be a comment on something else."""
    mark = holder.value[min(1, len(holder.value) - 1)][0].start_mark
    end = ", " if holder.flow_style else "\n" + " " * mark.column
    return _Splice(mark.index, mark.index, f"{key}: {_flow(value)}{end}")


def _reach(node: Node) -> tuple[int, int]:
    """Where a scalar or a list in brackets begins and ends; others are not replaced as a whole."""
    is_plain = isinstance(node, ScalarNode) or (
        isinstance(node, SequenceNode) and bool(node.flow_style)
    )
    if not is_plain:
        raise KeyError(f"{node.start_mark}: only values and lists in brackets can be replaced")
    return node.start_mark.index, node.end_mark.index


def _at(root: Node | None, pointer: str) -> Node:
    node = root
    for part in pointer.split("/")[1:]:
        node = next(_children(node, part.replace("~1", "/").replace("~0", "~")), None)
        if node is None:
            raise KeyError(pointer)
    if node is None:
        raise KeyError(pointer)
    return node


def _children(node: Node | None, part: str) -> Iterator[Node]:
    if isinstance(node, MappingNode):
        yield from (value for key, value in reversed(node.value) if key.value == part)
    elif isinstance(node, SequenceNode) and part.isdigit() and int(part) < len(node.value):
        yield node.value[int(part)]


def _flow(value: Json) -> str:
    """In one line, as people write it: words without quotes where YAML reads them as words."""
    match value:
        case dict():
            return "{" + ", ".join(f"{key}: {_flow(one)}" for key, one in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_flow, value)) + "]"
        case str() if value.isidentifier() and yaml.safe_load(value) == value:
            return value
        case _:
            return json.dumps(value, ensure_ascii=False)
