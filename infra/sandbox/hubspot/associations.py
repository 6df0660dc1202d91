"""Which records belong together, by HubSpot's numbered association types."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from infra.sandbox.hubspot.records import (
    COMPANIES,
    CONTACTS,
    DEALS,
    FEEDBACK_SUBMISSIONS,
    LINE_ITEMS,
    NOTES,
    TASKS,
    TICKETS,
    End,
    ObjectType,
)


@dataclass(frozen=True, slots=True)
class Kinship:
    """The association types of a pair of kinds: the plain one, and the primary where it exists."""

    plain: int
    primary: int | None = None

    def holds(self, type_id: int) -> bool:
        return type_id in (self.plain, self.primary)


KINSHIPS: Mapping[tuple[ObjectType, ObjectType], Kinship] = {
    (CONTACTS, COMPANIES): Kinship(279, 1),
    (COMPANIES, CONTACTS): Kinship(280, 2),
    (DEALS, CONTACTS): Kinship(3),
    (CONTACTS, DEALS): Kinship(4),
    (DEALS, COMPANIES): Kinship(341, 5),
    (COMPANIES, DEALS): Kinship(342, 6),
    (CONTACTS, TICKETS): Kinship(15),
    (TICKETS, CONTACTS): Kinship(16),
    (COMPANIES, TICKETS): Kinship(340, 25),
    (TICKETS, COMPANIES): Kinship(339, 26),
    (DEALS, TICKETS): Kinship(27),
    (TICKETS, DEALS): Kinship(28),
    (DEALS, LINE_ITEMS): Kinship(19),
    (LINE_ITEMS, DEALS): Kinship(20),
    (CONTACTS, FEEDBACK_SUBMISSIONS): Kinship(97),
    (FEEDBACK_SUBMISSIONS, CONTACTS): Kinship(98),
    (CONTACTS, NOTES): Kinship(201),
    (NOTES, CONTACTS): Kinship(202),
    (CONTACTS, TASKS): Kinship(203),
    (TASKS, CONTACTS): Kinship(204),
    (COMPANIES, NOTES): Kinship(189),
    (NOTES, COMPANIES): Kinship(190),
    (COMPANIES, TASKS): Kinship(191),
    (TASKS, COMPANIES): Kinship(192),
    (DEALS, NOTES): Kinship(213),
    (NOTES, DEALS): Kinship(214),
    (DEALS, TASKS): Kinship(215),
    (TASKS, DEALS): Kinship(216),
    (TICKETS, FEEDBACK_SUBMISSIONS): Kinship(99),
    (FEEDBACK_SUBMISSIONS, TICKETS): Kinship(100),
}

# A contact, a deal or a ticket has one primary company; a company is primary for many.
_ONE_PRIMARY = {(CONTACTS, COMPANIES), (DEALS, COMPANIES), (TICKETS, COMPANIES)}
_ONE_PARENT = (LINE_ITEMS, DEALS)


@dataclass(slots=True)
class Associations:
    """Both directions are kept: ``types[from][to]`` is the set of type ids.

    ``buried`` are the links that archived records had, and whether they were primary.
    """

    types: dict[End, dict[End, set[int]]] = field(default_factory=dict)
    buried: dict[End, dict[End, bool]] = field(default_factory=dict)

    def of(self, end: End, kind: ObjectType) -> dict[str, frozenset[int]]:
        """Associated records of a kind with their type ids, in the order of their making."""
        return {
            other: frozenset(type_ids)
            for (other_kind, other), type_ids in self._links(end).items()
            if other_kind is kind
        }

    def primary(self, end: End, kind: ObjectType) -> str | None:
        primary = KINSHIPS[end[0], kind].primary
        return next((to for to, types in self.of(end, kind).items() if primary in types), None)

    def join(self, one: End, other: End, *, primary: bool) -> tuple[bool, ...]:
        """Returns what is new, as flags of being primary: a primary link is also a plain one."""
        if primary:
            self._unseat_primary(one, other)
        return tuple(flag for flag in (False, True)[: 1 + primary] if self._add(one, other, flag))

    def adopted(self, one: End, other: End) -> bool:
        """Whether a line item would get a second deal by joining the two."""
        child, parent = (one, other) if one[0] is LINE_ITEMS else (other, one)
        if (child[0], parent[0]) != _ONE_PARENT:
            return False
        return bool(self.of(child, parent[0]).keys() - {parent[1]})

    def part(self, one: End, other: End) -> bool:
        """Returns whether there was anything to part."""
        self.types.get(other, {}).pop(one, None)
        return self.types.get(one, {}).pop(other, None) is not None

    def forget(self, end: End) -> dict[End, bool]:
        """Returns what there was, and whether it was primary."""
        links = {other: _is_primary(end, other, ids) for other, ids in self._links(end).items()}
        for other in links:
            self.part(end, other)
        return links

    def bury(self, end: End) -> dict[End, bool]:
        """Forget until the record comes back. Returns what there was."""
        self.buried[end] = self.forget(end)
        return self.buried[end]

    def revive(self, end: End, find: Callable[[End], End | None]) -> None:
        """``find`` gives the present place of an end, None if there is none (any more)."""
        for other, primary in self.buried.pop(end, {}).items():
            if present := find(other):
                self.join(end, present, primary=primary)
            elif other in self.buried:
                self.buried[other][end] = primary

    def erase(self, end: End) -> None:
        self.forget(end)
        self.buried.pop(end, None)

    def inherit(self, heir: End, end: End) -> None:
        """The heir's own primary company stays; all else is joined to what it had."""
        for other, primary in self.forget(end).items():
            seated = (end[0], other[0]) in _ONE_PRIMARY and self.primary(heir, other[0])
            self.join(heir, other, primary=primary and not seated)

    def _links(self, end: End) -> dict[End, set[int]]:
        return self.types.get(end, {})

    def _add(self, one: End, other: End, primary: bool) -> bool:
        fresh = False
        for start, stop in ((one, other), (other, one)):
            held = self.types.setdefault(start, {}).setdefault(stop, set())
            type_id = _type_id(start, stop, primary)
            fresh = fresh or type_id not in held
            held.add(type_id)
        return fresh

    def _unseat_primary(self, one: End, other: End) -> None:
        # Trap of the API: a new primary silently takes the place of the one before.
        start, stop = (one, other) if (one[0], other[0]) in _ONE_PRIMARY else (other, one)
        before = self.primary(start, stop[0])
        if before is None or before == stop[1]:
            return
        loser = (stop[0], before)
        self.types[start][loser].discard(_type_id(start, loser, primary=True))
        self.types[loser][start].discard(_type_id(loser, start, primary=True))


def _is_primary(start: End, stop: End, type_ids: set[int]) -> bool:
    return KINSHIPS[start[0], stop[0]].primary in type_ids


def _type_id(start: End, stop: End, primary: bool) -> int:
    kinship = KINSHIPS[start[0], stop[0]]
    type_id = kinship.primary if primary else kinship.plain
    assert type_id is not None
    return type_id
