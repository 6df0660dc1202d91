"""The ledger as a customer reads it: what happened, how many points, and the balance after it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from chalicelib.core.loyalty import Program
from chalicelib.core.model import Text
from chalicelib.localization.loyalty import ENTRIES
from chalicelib.loyalty.entries import Entry


@dataclass(frozen=True, slots=True)
class Line:
    """``points`` is what the entry changed, ``balance`` all that is left after it, less the debt.

    Points that are pending are in the balance.
    """

    at: datetime
    kind: str
    points: int
    balance: int
    text: Text
    actor: str
    of: str


def statement(entries: Iterable[Entry], program: Program) -> list[Line]:
    """In the order in which entries were recorded.

    >>> from datetime import UTC
    >>> from zoneinfo import ZoneInfo
    >>> now, shop = datetime(2026, 3, 21, tzinfo=UTC), Program(ZoneInfo("UTC"), "jalali", "IRR")
    >>> entries = [Entry("earn:a:1", "earn", 30, now, now, "a", (("a", 30),)),
    ...            Entry("redeem:7", "redeem", 12, now, now, "7", (("a", -12),), reason="A cup")]
    >>> [(line.points, line.balance, line.text.en) for line in statement(entries, shop)]
    [(30, 30, 'Earned'), (-12, 18, 'Redeemed: A cup')]
    """
    balance, lines = 0, []
    names = {rule.id: rule.text for rule in program.earning}
    names |= {mission.id: mission.text for mission in program.missions}
    names |= {reward.id: reward.text for reward in program.rewards}
    for entry in entries:
        change = sum(points for _, points in entry.touched) - entry.debt
        balance += change
        text = _text(entry, names)
        lines.append(
            Line(entry.occurred_at, entry.kind, change, balance, text, entry.actor, entry.of)
        )
    return lines


def _text(entry: Entry, names: dict[str, Text]) -> Text:
    kind = ENTRIES[entry.kind]
    reward = str(entry.detail.get("reward")) if entry.detail else ""
    rule = entry.of.partition(":")[0] if entry.kind in {"earn", "reverse_earn", "debt"} else ""
    about = names.get(reward) or names.get(rule)
    if about is None:
        about = Text(entry.reason, entry.reason) if entry.reason else None
    return Text(f"{kind.en}: {about.en}", f"{kind.fa}: {about.fa}") if about else kind
