"""A text of YAML with the place of everything in it, so that a mistake can be pointed at.

PyYAML composes nodes that know where they begin; only the place where an alias is used gets lost
on the way, and is kept here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.error import Mark
from yaml.events import AliasEvent
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.tokens import ScalarToken

_DIGITS = {
    ord(sign): str(value)
    for digits in ("۰۱۲۳۴۵۶۷۸۹", "٠١٢٣٤٥٦٧٨٩")
    for value, sign in enumerate(digits)
}
_DIGITS[ord("٫")] = "."

_MERGE, _TEXT = "tag:yaml.org,2002:merge", "tag:yaml.org,2002:str"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Counted from one, as editors do; ``length`` is that of what the caret underlines."""

    line: int
    column: int
    length: int = 1


@dataclass(frozen=True, slots=True)
class Spot:
    """Where something stands; ``used_at`` is the alias on the way to it, if there is one.

    ``node`` is None where only a key is meant.
    """

    place: Place
    used_at: Place | None = None
    node: Node | None = None


class Unreadable(Exception):
    """The text is no page of YAML: ``problems`` are pairs of place and what to write instead."""

    def __init__(self, *problems: tuple[Place, str]) -> None:
        self.problems = problems
        super().__init__("; ".join(message for _, message in problems))


class _Loader(yaml.SafeLoader):
    """Keeps where aliases are used, by the holder of the node and its key there."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.uses: dict[tuple[int, object], Place] = {}

    def compose_node(self, parent: Node | None, index: object) -> Node | None:
        if self.check_event(AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            key = id(index) if isinstance(index, Node) else index
            self.uses[id(parent), key] = _place(event.start_mark, event.end_mark)
        return super().compose_node(parent, index)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class YamlSource:
    """``value`` is the page as YAML says it, None for an empty one."""

    value: Any
    _root: Node | None
    _uses: Mapping[tuple[int, object], Place]

    @classmethod
    def of(cls, text: str) -> YamlSource:
        """Raises Unreadable."""
        try:
            loader = _Loader(text)
            root = loader.get_single_node()
            doubtful = _doubtful(root) if root else []
            if doubtful:
                raise Unreadable(*sorted(doubtful))
            value = loader.construct_document(root) if root else None
        except yaml.YAMLError as error:
            raise Unreadable(_misread(error, text)) from error
        except ValueError as error:  # a date such as 2026-02-30, or a number without end
            raise Unreadable(_wrong_scalar(root)) from error
        except RecursionError as error:
            message = "lists or mappings stand too deep within each other"
            raise Unreadable((Place(1, 1), message)) from error
        return cls(value, root, loader.uses)

    def spot(self, pointer: str, key: str = "") -> Spot:
        """Of a JSON Pointer, or as near to it as the page goes; of ``key`` in what stands there."""
        node, used_at, direct = self._root, None, None
        for part in _parts(pointer):
            found = _step(node, part)
            if found is None:
                break
            holder, index, inner = node, found[0], found[1]
            direct = self._uses.get((id(holder), index))
            used_at = direct or used_at
            node = inner
        if node is None:
            return Spot(Place(1, 1))
        if key and (own := _key_of(node, key)):
            return Spot(_first_line(own), used_at)
        if direct:  # what is wrong is the alias itself, not what it stands for
            return Spot(direct, node=node)
        return Spot(_first_line(node), used_at, node)


def _parts(pointer: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


def _step(node: Node | None, part: str) -> tuple[object, Node] | None:
    """The key under which the loader keeps aliases, and the node."""
    if isinstance(node, MappingNode):
        # A merge puts what it brings before the mapping's own keys, which win.
        for key, value in reversed(node.value):
            if str(key.value) == part:
                return id(key), value
    if isinstance(node, SequenceNode) and part.isdigit() and int(part) < len(node.value):
        return int(part), node.value[int(part)]
    return None


def _key_of(node: Node, name: str) -> Node | None:
    if not isinstance(node, MappingNode):
        return None
    keys: list[Node] = [key for key, _ in node.value]
    return next((key for key in keys if str(key.value) == name), None)


def hint(node: Node | None) -> str:
    """What YAML or the keyboard may have made of a value; empty where nothing is odd about it."""
    if isinstance(node, SequenceNode):
        return next(filter(None, map(_trap, node.value)), "")
    return _trap(node)


def _trap(node: Node | None) -> str:
    if not isinstance(node, ScalarNode):
        return ""
    kind, said = node.tag.rpartition(":")[2], node.value
    if node.style is None and kind in ("int", "float", "timestamp") and not _is_plain(said):
        return f"YAML reads {said} as a {_KINDS[kind]}: put it in quotes if it is a text"
    if kind == "bool" and said.lower() not in ("true", "false"):
        meant = "true" if said.lower() in ("yes", "on") else "false"
        return f"YAML reads {said} as {meant}: put it in quotes if it is a word"
    if kind == "null" and not said:
        return "nothing stands here: indent what belongs to it, or remove the key"
    if kind == "str":
        return _foreign_signs(said)
    return ""


def _is_plain(said: str) -> bool:
    return re.fullmatch(r"[-+]?(0|[1-9][0-9]*)(\.[0-9]+)?", said) is not None


_KINDS = {"int": "number", "float": "number", "timestamp": "date"}


def _foreign_signs(said: str) -> str:
    number = said.translate(_DIGITS)
    if number != said and _is_plain(number):
        return f"numbers of a policy have Latin digits: {number}"
    return "entries of a list are parted by the Latin comma ," if "،" in said else ""


def _place(start: Mark, end: Mark) -> Place:
    length = end.column - start.column if end.line == start.line else 1
    return Place(start.line + 1, start.column + 1, max(length, 1))


def _first_line(node: Node) -> Place:
    """A mapping or list is pointed at where it begins, a text underlined."""
    place = _place(node.start_mark, node.end_mark)
    return place if isinstance(node, ScalarNode) else Place(place.line, place.column)


def _children(node: Node) -> Iterator[Node]:
    if isinstance(node, MappingNode):
        for key, value in node.value:
            yield from (key, value)
    elif isinstance(node, SequenceNode):
        yield from node.value


def _doubtful(root: Node) -> list[tuple[Place, str]]:
    circles = [*_circles(root, set(), set())]
    if not circles and _size(root, {}) > _LARGEST:
        return [(Place(1, 1), "aliases (*) within each other make this page endless: write it out")]
    return circles or [found for node in _mappings(root, set()) for found in _keys(node)]


_LARGEST = 100_000
"""More than any page has, in values and keys."""


def _size(node: Node, known: dict[int, int]) -> int:
    """How many nodes there are once each alias is written out; there is no circle."""
    if id(node) not in known:
        known[id(node)] = 1 + sum(_size(child, known) for child in _children(node))
    return known[id(node)]


def _circles(node: Node, above: set[int], seen: set[int]) -> Iterator[tuple[Place, str]]:
    if id(node) in above:
        yield _first_line(node), "this stands within itself by an alias (*): write it out instead"
    if id(node) in seen:
        return
    seen.add(id(node))
    above.add(id(node))
    for child in _children(node):
        yield from _circles(child, above, seen)
    above.remove(id(node))


def _mappings(node: Node, seen: set[int]) -> Iterator[MappingNode]:
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, MappingNode):
        yield node
    for child in _children(node):
        yield from _mappings(child, seen)


def _keys(node: MappingNode) -> Iterator[tuple[Place, str]]:
    """Of equal keys YAML itself would silently take the last one, and ``on`` for true."""
    first: dict[str, Node] = {}
    for key, _ in node.value:
        if not isinstance(key, ScalarNode):
            yield _first_line(key), "a key must be a plain text, not a list or mapping"
        elif key.tag not in (_TEXT, _MERGE):
            kind = key.tag.rpartition(":")[2]
            yield _first_line(key), f"YAML takes the key {key.value} for a {kind}: put it in quotes"
        elif key.value in first and key.tag != _MERGE:
            line = first[key.value].start_mark.line + 1
            yield _first_line(key), f"{key.value} stands twice, first in line {line}: keep one"
        first.setdefault(str(key.value), key)


_DATE = "this looks like a date and is none: put it in quotes, or write one that exists"
_NUMBER = "this looks like a number and is none: put it in quotes, or write a shorter one"


def _wrong_scalar(node: Node | None) -> tuple[Place, str]:
    """The first that PyYAML cannot read as what it takes it for."""
    return next(_wrong_scalars(node), (Place(1, 1), _DATE))


def _wrong_scalars(node: Node | None) -> Iterator[tuple[Place, str]]:
    if isinstance(node, ScalarNode):
        try:
            yaml.constructor.SafeConstructor().construct_object(node)
        except ValueError:
            yield _first_line(node), _DATE if node.tag.endswith(":timestamp") else _NUMBER
    for child in _children(node) if node else ():
        yield from _wrong_scalars(child)


_ADVICE: tuple[tuple[str, str], ...] = (
    ("\\t", "YAML is indented by spaces: replace the tab"),
    (
        "mapping values are not allowed",
        "the line stands too far to the right, or a text with a colon needs quotes: 'like: this'",
    ),
    ("could not find expected ':'", "write a colon and a space after the key, as in name: Shop"),
    ("undefined alias", "no anchor of that name (&name) stands above: define it before *name"),
    ("duplicate anchor", "this anchor (&name) is there already: rename one"),
    ("expected ',' or ']'", "this list is not closed by ], or a comma is missing in it"),
    ("expected ',' or '}'", "this mapping is not closed by }, or a comma is missing in it"),
    (
        "expected <block end>",
        "this does not line up with what is above: indent it alike; quote a text as a whole",
    ),
    (
        "unknown escape character",
        "between double quotes \\ has a meaning of its own: use single quotes '…'",
    ),
    ("quoted scalar", "this quote is not closed"),
    ("cannot start any token", "put the text in quotes: it begins with a sign that YAML keeps"),
    ("but found another document", "a policy is one page: remove the line ---"),
    ("could not determine a constructor", "remove the tag: policies are plain data"),
    ("special characters are not allowed", "remove this invisible control character"),
    ("sequence entries are not allowed", "write the list below the key, each entry after a dash"),
    ("block sequence", "write the list below the key, each entry after a dash"),
    ("expected the node content", "something is missing here, or was left open above"),
    ("unhashable key", "a key must be a plain text, not a list or mapping"),
)

_BEGINNING = ("this list", "this mapping", "this quote", "write a colon")
"""Advice on what is only noticed further down: its beginning is what has to be looked at."""


def _misread(error: yaml.YAMLError, text: str) -> tuple[Place, str]:
    if isinstance(error, yaml.reader.ReaderError):
        before = text[: error.position] if isinstance(error.position, int) else ""
        line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
        return Place(line, column), _advice(str(error.reason))
    if not isinstance(error, yaml.MarkedYAMLError):
        return Place(1, 1), _advice(str(error))
    advice = _advice(error.problem or str(error), error.context or "")
    if error.problem_mark and (culprit := _culprit(advice, error.problem_mark, text)):
        return culprit
    marks = [mark for mark in (error.problem_mark, error.context_mark) if mark]
    mark = marks[-1 if advice.startswith(_BEGINNING) else 0]
    return Place(mark.line + 1, mark.column + 1), advice


def _culprit(advice: str, noticed: Mark, text: str) -> tuple[Place, str] | None:
    """The mistake further up that is noticed only here, if it is one of the common ones."""
    lines = text.splitlines()
    if quote := _runaway_quote(text, noticed.line):
        return quote
    above = noticed.line - 1
    if advice.startswith("the line stands") and above >= 0 and _is_bare(lines[above]):
        bare = lines[above]
        column = len(bare) - len(bare.lstrip()) + 1
        advice = "write a colon and a space after the key, as in name: Shop"
        return Place(above + 1, column, len(bare.strip())), advice
    return None


def _is_bare(line: str) -> bool:
    """Neither key nor entry nor comment."""
    said = line.strip()
    return bool(said) and ":" not in said and not said.startswith(("-", "#"))


def _runaway_quote(text: str, noticed: int) -> tuple[Place, str] | None:
    """One that was not closed in its line, and ends at the next quote, wherever that is."""
    try:
        for token in yaml.scan(text, Loader=yaml.SafeLoader):
            if isinstance(token, ScalarToken) and token.style in ("'", '"'):
                start, end = token.start_mark, token.end_mark
                if start.line < end.line == noticed:
                    return Place(start.line + 1, start.column + 1), "this quote is not closed"
    except yaml.YAMLError:
        return None
    return None


def _advice(said: str, context: str = "") -> str:
    known = (words for part, words in _ADVICE if part in said or part in context)
    return next(known, f"this is not YAML: {said}")
