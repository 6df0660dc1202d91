"""What the pages show, in words of no CRM: what Emtiaz wrote, deals, who wrote what and when."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from hashlib import sha256

from infra.sandbox._serving.errors import Wire

TIMELINE_LENGTH = 25
_PERSIAN = re.compile("[\u0600-\u06ff]")
# The panel gives these a place of their own; all other outputs are listed below.
_PLACED = {"score", "trend", "class", "next_action", "why", "tags", "updated"}


@dataclass(frozen=True, slots=True)
class Field:
    """``value`` as it is stored, ``shown`` as a person reads it."""

    name: str
    label: str
    value: str
    shown: str
    type: str


@dataclass(frozen=True, slots=True)
class Panel:
    """What Emtiaz wrote. ``tags`` are labels by value; ``reasons`` parts of one joined text."""

    score: int
    fields: dict[str, Field]
    tags: Mapping[str, str]
    reasons: Sequence[str]
    details: Sequence[Field]
    direction: str


@dataclass(frozen=True, slots=True)
class DealLine:
    name: str
    stage: str
    state: str
    amount: str
    closed_at: str


@dataclass(frozen=True, slots=True)
class Moment:
    """What one actor wrote at one instant."""

    at: str
    who: str
    kind: str
    subject: str
    fields: Sequence[Field]


def panel_of(written: Mapping[str, Field], tags: Mapping[str, str]) -> Panel | None:
    """From the fields with a value, by output name; none where there is no score."""
    if "score" not in written:
        return None
    fields = {name: _under_emtiaz(field) for name, field in written.items()}
    why = fields.get("why")
    return Panel(
        score=round(float(fields["score"].value)),
        fields=fields,
        tags=tags,
        reasons=why.value.split(" · ") if why else (),
        details=[field for name, field in fields.items() if name not in _PLACED],
        direction=_direction(*(field.label + field.shown for field in fields.values())),
    )


def _direction(*texts: str) -> str:
    return "rtl" if any(_PERSIAN.search(text) for text in texts) else "ltr"


def _under_emtiaz(field: Field) -> Field:
    """Under the heading "Emtiaz" no label needs to begin with it."""
    label = field.label.removeprefix("Emtiaz ")
    return replace(field, label=label[:1].upper() + label[1:])


def moment(at: str, who: str, kind: str, subject: str, fields: Sequence[Field]) -> Moment:
    """Of one actor at one instant; ``who`` Emtiaz needs no name before its fields."""
    shown = [_under_emtiaz(field) for field in fields] if who == "Emtiaz" else fields
    return Moment(at, who, kind, subject, shown)


def newest(moments: Sequence[Moment]) -> Sequence[Moment]:
    """Of those in order of time."""
    return moments[: -TIMELINE_LENGTH - 1 : -1]


def money(amount: str, currency: str) -> str:
    """With both decimals.

    >>> money("1234.5", "USD")
    '1,234.50 USD'
    """
    return f"{Decimal(amount):,.2f} {currency}".strip() if amount else ""


def version_of(records: Iterable[tuple[str, str, int]]) -> str:
    """Of kinds, ids and numbers of revisions: changes when any of the records does."""
    text = " ".join(f"{kind}:{record_id}:{count}" for kind, record_id, count in records)
    return sha256(text.encode()).hexdigest()[:16]


def by_score(row: Wire) -> tuple[int, str]:
    return -row["panel"].score if row["panel"] else 1, row["name"]
