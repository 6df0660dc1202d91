"""What one subject owes to others: facts of theirs that its own collection brings about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast

from chalicelib.core.facts import Fact, iso, parse_instant
from chalicelib.core.model import Json


@dataclass(frozen=True, slots=True)
class Debts:
    """``standing`` are the facts that others should hold on behalf of the debtor.

    ``owed`` says that some of them may not have been delivered yet. A fact that was taken back
    stands among them, saying nothing, until it is. ``as_of`` is the newest version that any had.
    """

    standing: tuple[Fact, ...] = ()
    owed: bool = False
    as_of: datetime | None = None

    def __bool__(self) -> bool:
        return bool(self.standing) or self.as_of is not None

    def to_json(self) -> dict[str, Json]:
        return {
            "standing": [fact.to_json() for fact in self.standing],
            "owed": self.owed,
            "as_of": iso(self.as_of) if self.as_of else None,
        }

    @classmethod
    def from_json(cls, row: Mapping[str, Json]) -> Debts:
        standing, as_of = cast(list[Mapping[str, Json]], row["standing"]), row["as_of"]
        return cls(
            standing=tuple(map(Fact.from_json, standing)),
            owed=bool(row["owed"]),
            as_of=parse_instant(str(as_of)) if as_of else None,
        )

    def delivered(self) -> Debts:
        """The same once all creditors have them."""
        standing = tuple(fact for fact in self.standing if not says_nothing(fact))
        return Debts(standing, owed=False, as_of=self.as_of)


NO_DEBTS = Debts()


def says_nothing(due: Fact) -> bool:
    """Whether it takes back what an earlier version of it said."""
    return due.data == _nothing(due)


def taken_back(due: Fact, at: datetime) -> Fact:
    """The version that takes a due back."""
    return replace(due, data=_nothing(due), modified_at=at)


def _nothing(due: Fact) -> dict[str, Json]:
    match due.data:
        case {"credit": credit, "amount": {"currency": currency}}:
            return {"credit": credit, "amount": {"amount": 0, "currency": currency}}
        case _:
            return {}
