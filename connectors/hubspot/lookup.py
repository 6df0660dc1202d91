"""From the ids that somebody knows records by to the records, which may have moved or gone.

After a merge the survivor answers for the ids that it swallowed: single reads are documented
to, of batch reads it is not known. So both are understood: an answer under an id that nobody
asked for, and no answer at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from connectors.hubspot.api import HubSpotApi
from connectors.hubspot.records import Record, swallowed_ids


@dataclass(frozen=True, slots=True)
class Found:
    """``records`` by the id that they have now; ``moved`` leads to it from merged ids.

    ``gone`` are in the bin. An id that is in none of the three is not known to HubSpot.
    """

    records: Mapping[str, Record]
    moved: Mapping[str, str]
    gone: frozenset[str] = frozenset()

    def get(self, asked: str) -> Record | None:
        return self.records.get(self.moved.get(asked, asked))

    def unanswered(self, asked: Iterable[str]) -> list[str]:
        return sorted({one for one in asked if self.get(one) is None})

    def joined(self, other: Found) -> Found:
        return Found({**self.records, **other.records}, {**self.moved, **other.moved})


@dataclass(frozen=True, slots=True)
class Lookup:
    """How records of one type are asked for; ``past`` are properties wanted with history."""

    api: HubSpotApi
    object_type: str
    properties: Sequence[str]
    past: Sequence[str] = ()

    def read(self, ids: Iterable[str]) -> Found:
        """Those that are there, for one call per full batch."""
        asked = frozenset(ids)
        answered = {
            record["id"]: record
            for record in self.api.records(self.object_type, asked, self.properties, self.past)
        }
        moved = {
            swallowed: identity
            for identity, record in answered.items()
            for swallowed in swallowed_ids(record) & asked
            if swallowed not in answered
        }
        wanted = asked.union(moved.values())
        return Found({one: answered[one] for one in wanted if one in answered}, moved)

    def resolve(self, ids: Iterable[str]) -> Found:
        """What became of each. Only what a batch does not answer costs more calls."""
        asked = frozenset(ids)
        found = self.read(asked)
        if not (missing := found.unanswered(asked)):
            return found
        gone = self._binned(missing)
        now_under = self._followed(one for one in missing if one not in gone)
        found = found.joined(self._read_more(found, now_under))
        moved = {one: identity for one, identity in found.moved.items() if one in asked}
        return Found(found.records, moved, gone)

    def _binned(self, ids: Iterable[str]) -> frozenset[str]:
        asked = frozenset(ids)
        records = self.api.records(self.object_type, asked, (), archived=True)
        return asked.intersection(one["id"] for one in records if one.get("archived", True))

    def _followed(self, ids: Iterable[str]) -> dict[str, str]:
        """The id that each record has now, asked one by one; those without an answer are absent."""
        answers = {one: self.api.record_id(self.object_type, one) for one in ids}
        return {asked: identity for asked, identity in answers.items() if identity is not None}

    def _read_more(self, found: Found, now_under: Mapping[str, str]) -> Found:
        """The survivors, and what a batch had failed to give, each read once."""
        read = self.read(set(now_under.values()) - found.records.keys())
        known = found.joined(read)
        moved = {
            asked: survivor["id"]
            for asked, identity in now_under.items()
            if (survivor := known.get(identity)) and survivor["id"] != asked
        }
        return Found(read.records, {**read.moved, **moved})
