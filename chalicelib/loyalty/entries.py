"""Ledger entries: what is written once and never edited.

Every entry says how many points moved in which *lots* (``touched``). A lot is opened by whatever
grants points, and keeps what is left of them with their dates. ``of`` is what the entry is about:
the key of what was earned, the id of a redemption, a lot. Ids are deterministic: they name what
the entry is about and, where that may happen again, how often it has happened.

Source: Salesforce Loyalty Management (credit, debit and expiry ledgers), Open Loyalty (transfers),
Odoo (loyalty history that links issuer and redeemer).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast, get_args

from chalicelib.core.facts import iso, parse_instant
from chalicelib.core.model import Json

EntryKind = Literal[
    "earn", "activate", "redeem", "redeem_cancel", "reverse_earn", "expire", "adjust", "debt",
    "repay", "merge",
]  # fmt: skip
ENTRY_KINDS: tuple[EntryKind, ...] = get_args(EntryKind)

SYSTEM = "emtiaz"
"""Who acts where rules or time do."""

MOVED = "/"
"""Between the id of a record that was merged and the ids of what it brought along."""


def brought_by(entry_id: str) -> str:
    """The id of the record that brought an entry along when it was merged, empty if none did.

    Ids of a ledger's own entries begin with their kind and a colon, which no CRM's ids have.

    >>> brought_by("7/earn:r:x.a:1:1"), brought_by("earn:purchase:purchase:a/b:1")
    ('7', '')
    """
    record, sign, _ = entry_id.partition(MOVED)
    return record if sign and ":" not in record else ""


def is_of_record(name: str, record: str) -> bool:
    """Whether a merge brought what has this name from that very record, by whatever way.

    >>> is_of_record("9/7/redeem:a", "7"), is_of_record("9/7/redeem:a", "9")
    (True, False)
    """
    *way, _ = name.split(MOVED)
    return bool(way) and way[-1] == record


@dataclass(frozen=True, slots=True)
class Lot:
    """Points that were granted at once. ``key`` is what they were granted for.

    ``expires_at`` is None for what never dies, or dies ``inactive_days`` after the last earning or
    redemption.
    """

    id: str
    key: str
    rule: str
    earned_at: datetime
    available_at: datetime
    expires_at: datetime | None = None
    inactive_days: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """``points`` is the size of it, ``touched`` what it did to lots, ``debt`` what to the debt.

    Of what a refund takes back, ``lapsed`` had already expired and ``forgiven`` is not asked for.
    ``opens`` are new lots. ``detail`` is what else is worth keeping: a reward, a code, a tier.
    """

    id: str
    kind: EntryKind
    points: int
    occurred_at: datetime
    recorded_at: datetime
    of: str = ""
    touched: tuple[tuple[str, int], ...] = ()
    debt: int = 0
    lapsed: int = 0
    forgiven: int = 0
    opens: tuple[Lot, ...] = ()
    actor: str = SYSTEM
    reason: str = ""
    detail: Mapping[str, Json] | None = None

    def to_json(self) -> dict[str, Json]:
        """Without what is empty.

        >>> from datetime import UTC
        >>> now = datetime(2026, 3, 21, tzinfo=UTC)
        >>> entry = Entry("expire:a:1", "expire", 5, now, now, "a", (("a", -5),))
        >>> Entry.from_json(entry.to_json()) == entry
        True
        """
        row: dict[str, Json] = {
            "id": self.id,
            "kind": self.kind,
            "points": self.points,
            "occurred_at": iso(self.occurred_at),
            "recorded_at": iso(self.recorded_at),
            "of": self.of,
            "touched": [[lot, points] for lot, points in self.touched],
            "actor": self.actor,
            "reason": self.reason,
        }
        more: dict[str, Json] = {
            "debt": self.debt,
            "lapsed": self.lapsed,
            "forgiven": self.forgiven,
            "opens": [lot_json(lot) for lot in self.opens],
            "detail": dict(self.detail) if self.detail else None,
        }
        return row | {name: value for name, value in more.items() if value}

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Entry:
        return cls(
            id=row["id"],
            kind=cast(EntryKind, row["kind"]),
            points=row["points"],
            occurred_at=parse_instant(row["occurred_at"]),
            recorded_at=parse_instant(row["recorded_at"]),
            of=row["of"],
            touched=tuple((lot, points) for lot, points in row["touched"]),
            debt=row.get("debt", 0),
            lapsed=row.get("lapsed", 0),
            forgiven=row.get("forgiven", 0),
            opens=tuple(map(lot_from_json, row.get("opens", ()))),
            actor=row["actor"],
            reason=row["reason"],
            detail=row.get("detail"),
        )


def lot_json(lot: Lot) -> dict[str, Json]:
    return {
        "id": lot.id,
        "key": lot.key,
        "rule": lot.rule,
        "earned_at": iso(lot.earned_at),
        "available_at": iso(lot.available_at),
        "expires_at": iso(lot.expires_at) if lot.expires_at else None,
        "inactive_days": lot.inactive_days,
    }


def lot_from_json(row: Mapping[str, Any]) -> Lot:
    """Of what ``lot_json`` made, whose instants are in UTC."""
    expires = row["expires_at"]
    return Lot(
        id=row["id"],
        key=row["key"],
        rule=row["rule"],
        earned_at=datetime.fromisoformat(row["earned_at"]),
        available_at=datetime.fromisoformat(row["available_at"]),
        expires_at=datetime.fromisoformat(expires) if expires else None,
        inactive_days=row["inactive_days"],
    )
