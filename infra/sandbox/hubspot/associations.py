"""Which records belong together, by HubSpot's numbered association types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from infra.sandbox.hubspot.records import COMPANIES, CONTACTS, DEALS, ObjectType


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
}

# A contact or a deal has one primary company; a company is primary for many.
_ONE_PRIMARY = {(CONTACTS, COMPANIES), (DEALS, COMPANIES)}

End = tuple[ObjectType, str]


@dataclass(slots=True)
class Associations:
    """Both directions are kept: ``types[from][to]`` is the set of type ids."""

    types: dict[End, dict[End, set[int]]] = field(default_factory=dict)

    def of(self, end: End, kind: ObjectType) -> dict[str, frozenset[int]]:
        """Associated records of a kind with their type ids, in the order of their making."""
        return {
            other: frozenset(type_ids)
            for (other_kind, other), type_ids in self.types.get(end, {}).items()
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

    def part(self, one: End, other: End) -> bool:
        """Returns whether there was anything to part."""
        self.types.get(other, {}).pop(one, None)
        return self.types.get(one, {}).pop(other, None) is not None

    def forget(self, end: End) -> None:
        for other in list(self.types.get(end, {})):
            self.part(end, other)

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


def _type_id(start: End, stop: End, primary: bool) -> int:
    kinship = KINSHIPS[start[0], stop[0]]
    type_id = kinship.primary if primary else kinship.plain
    assert type_id is not None
    return type_id
