"""What differs between two policies by meaning, not by lines.

Rules, groups and all else with an ``id`` are found again by it, wherever they stand; lists of words
are sets; what is left out is compared by what holds then. Only of actions the order counts, for the
first that fits is taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from chalicelib.core.facts import canonical
from chalicelib.core.model import Json
from chalicelib.policy.defaults import filled

Kind = Literal["added", "removed", "changed", "moved", "renamed"]

_ORDERED = frozenset({"actions"})
_UNORDERED = frozenset({"all", "any", "in", "has_word", "contains"}) | frozenset(
    {"class", "grade", "temperature", "segment", "stage"}
)
"""Lists in conditions of which the order says nothing."""

_PAIRS = frozenset({"cap", "between", "at_least", "value_shares", "thresholds", "r", "f", "m"})
"""Lists in which the place counts, and which are shown as one value."""


@dataclass(frozen=True, slots=True)
class Change:
    """``path`` are the keys that lead to it, with ids for the places of lists.

    ``before`` and ``after`` are parts of the pages; of what was moved, the name that stood before.
    """

    kind: Kind
    path: tuple[str, ...]
    before: Json = None
    after: Json = None

    def to_json(self) -> dict[str, Json]:
        return {
            "kind": self.kind,
            "path": list(self.path),
            "before": self.before,
            "after": self.after,
        }


def differences(old: Mapping[str, Json], new: Mapping[str, Json]) -> tuple[Change, ...]:
    """In the order of the new page; both have passed validation.

    >>> from chalicelib.policy.difference import _between
    >>> old = {"rules": [{"id": "ceo", "points": 15}, {"id": "phone", "points": 5}]}
    >>> new = {"rules": [{"id": "tel", "points": 5}, {"id": "ceo", "points": 20}]}
    >>> for one in _between(old, new, ()): print(one.kind, one.path, one.before, one.after)
    renamed ('rules', 'tel') phone tel
    changed ('rules', 'ceo', 'points') 15 20
    """
    return tuple(_between(filled(old), filled(new), ()))


def _between(old: Any, new: Any, path: tuple[str, ...]) -> Iterator[Change]:
    if isinstance(old, Mapping) and isinstance(new, Mapping) and not _is_condition(path):
        yield from _mappings(old, new, path)
    elif isinstance(old, list) and isinstance(new, list):
        yield from _lists(old, new, path)
    elif not _same(*map(_sorted, (old, new))):
        yield Change("changed", path, old, new)


def _sorted(condition: Any) -> Any:
    """With the lists in order of which the order says nothing."""
    if not isinstance(condition, Mapping):
        return condition
    return {name: _in_order(name, part) for name, part in condition.items()}


def _in_order(name: str, part: Any) -> Any:
    if isinstance(part, list) and name in _UNORDERED:
        return sorted(map(_sorted, part), key=canonical)
    return _sorted(part)


def _is_condition(path: tuple[str, ...]) -> bool:
    """Half a condition says nothing, so they are shown whole."""
    return bool(path) and path[-1] in ("when", "opted_out")


def _mappings(
    old: Mapping[str, Any], new: Mapping[str, Any], path: tuple[str, ...]
) -> Iterator[Change]:
    for name, value in new.items():
        if name in old:
            yield from _between(old[name], value, (*path, name))
        else:
            yield Change("added", (*path, name), after=value)
    for name in old:
        if name not in new:
            yield Change("removed", (*path, name), before=old[name])


def _lists(old: Sequence[Any], new: Sequence[Any], path: tuple[str, ...]) -> Iterator[Change]:
    if _named(old) and _named(new) and (old or new):
        yield from _entries(old, new, path)
    elif path and path[-1] in _PAIRS:
        if not _same(old, new):
            yield Change("changed", path, [*old], [*new])
    else:
        yield from _sets(old, new, path)


def _named(rows: Sequence[Any]) -> bool:
    return all(isinstance(row, Mapping) and "id" in row for row in rows)


def _entries(old: Sequence[Any], new: Sequence[Any], path: tuple[str, ...]) -> Iterator[Change]:
    was, now = {row["id"]: row for row in old}, {row["id"]: row for row in new}
    renamed = _renamed(was, now)
    for name, row in now.items():
        if name in was:
            yield from _between(was[name], row, (*path, name))
        elif name in renamed:
            yield Change("renamed", (*path, name), renamed[name], name)
        else:
            yield Change("added", (*path, name), after=row)
    gone = [name for name in was if name not in now and name not in renamed.values()]
    yield from (Change("removed", (*path, name), before=was[name]) for name in gone)
    if path and path[-1] in _ORDERED:
        yield from _moves([*was], [*now], path)


def _renamed(was: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, str]:
    """New ids by which something is called that is otherwise as it was, and the old ones."""
    lost = {_nameless(row): name for name, row in was.items() if name not in now}
    fresh = {name: _nameless(row) for name, row in now.items() if name not in was}
    return {name: lost[content] for name, content in fresh.items() if content in lost}


def _nameless(row: Mapping[str, Any]) -> str:
    return canonical({key: value for key, value in row.items() if key != "id"})


def _moves(was: Sequence[str], now: Sequence[str], path: tuple[str, ...]) -> Iterator[Change]:
    """Who stands behind others than before, though none of them is new."""
    kept, before = [name for name in now if name in was], [name for name in was if name in now]
    while kept != before:
        name = next(one for one, other in zip(kept, before, strict=True) if one != other)
        ahead = kept[kept.index(name) - 1] if kept.index(name) else None
        then = before[before.index(name) - 1]
        yield Change("moved", (*path, name), then, ahead)
        before.remove(name)
        before.insert(kept.index(name), name)


def _sets(old: Sequence[Any], new: Sequence[Any], path: tuple[str, ...]) -> Iterator[Change]:
    was, now = {canonical(one) for one in old}, {canonical(one) for one in new}
    added = [one for one in new if canonical(one) not in was]
    gone = [one for one in old if canonical(one) not in now]
    if added:
        yield Change("added", path, after=added)
    if gone:
        yield Change("removed", path, before=gone)


def _same(old: Any, new: Any) -> bool:
    """70 is 70.0, but true is not 1."""
    if isinstance(old, bool) or isinstance(new, bool):
        return old is new
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(_same, old, new))
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return old.keys() == new.keys() and all(_same(old[name], new[name]) for name in old)
    return bool(old == new)
