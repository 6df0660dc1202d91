"""Whom to call first: the words that the policy, the card and the call list share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time

from chalicelib.core.facts import iso, money, parse_instant
from chalicelib.core.model import Json, Money, Text
from chalicelib.core.structs import struct


@dataclass(frozen=True, slots=True)
class ServiceLevel:
    """How soon somebody is to be answered."""

    days: float
    text: Text


@dataclass(frozen=True, slots=True)
class AssignTo:
    """Those of a pool who have the skill; all of it where none is named."""

    pool: str
    skill: str | None


@struct
class Advice:
    """What the actions of a policy say of somebody: each from the first that fits and names it."""

    text: Text | None = None
    campaign: Text | None = None
    service_level: ServiceLevel | None = None
    assign_to: AssignTo | None = None


@dataclass(frozen=True, slots=True)
class Rep:
    """Somebody of ours who calls; ``id`` is that of the CRM's owner."""

    id: str
    skills: frozenset[str]
    minutes_per_day: int


@dataclass(frozen=True, slots=True)
class Hours:
    """When people are called, in the policy's zone; ``days`` as Python counts them, Monday 0."""

    days: frozenset[int]
    opens: time
    closes: time


@dataclass(frozen=True, slots=True)
class Floors:
    """Shares of the minutes that are kept for whom the index alone would leave out."""

    new: float
    existing: float
    exploration: float


@dataclass(frozen=True, slots=True)
class CallRules:
    """``rest_days`` pass between two calls to one person; without ``hours``, any time is good.

    Only with ``write_owner`` may whoever shall call be made the owner in the CRM.
    """

    rest_days: float
    floors: Floors
    hours: Hours | None
    pools: Mapping[str, tuple[Rep, ...]]
    write_owner: bool = False


@struct
class Priority:
    """What a call is worth now.

    ``chance`` is that of a purchase, ``value`` what it would bring, ``gain`` what calling adds to
    that, and ``index`` the gain per minute, both in smallest units of the value's currency.
    ``score`` is the index on a scale from 0 to 100, which is published. ``low`` marks those whom
    no index will ever bring to the top. ``waiting_since`` is the first thing that they did since
    somebody last spoke to them.
    """

    score: int
    index: float
    gain: float
    chance: float
    value: Money
    minutes: float
    existing: bool
    low: bool
    opted_out: bool
    owner: str | None
    last_contact_at: datetime | None
    waiting_since: datetime | None
    service_level_days: float
    assign_to: AssignTo | None

    def to_json(self) -> dict[str, Json]:
        return {
            "score": self.score,
            "index": round(self.index, 4),
            "gain": round(self.gain, 2),
            "chance": round(self.chance, 4),
            "value": self.value.to_json(),
            "minutes": self.minutes,
            "existing": self.existing,
            "low": self.low,
            "opted_out": self.opted_out,
            "owner": self.owner,
            "last_contact_at": iso(self.last_contact_at) if self.last_contact_at else None,
            "waiting_since": iso(self.waiting_since) if self.waiting_since else None,
            "service_level_days": self.service_level_days,
            "assign_to": _assign_to_json(self.assign_to),
        }

    @classmethod
    def from_json(cls, row: Mapping[str, Json]) -> Priority:
        """Raises KeyError or ValueError for what ``to_json`` has not made."""
        value = money(row["value"])
        if value is None:
            raise ValueError("a priority needs a value")
        return cls(
            score=int(_number(row["score"])),
            index=_number(row["index"]),
            gain=_number(row["gain"]),
            chance=_number(row["chance"]),
            value=value,
            minutes=_number(row["minutes"]),
            existing=bool(row["existing"]),
            low=bool(row["low"]),
            opted_out=bool(row["opted_out"]),
            owner=_text(row["owner"]),
            last_contact_at=_instant(row["last_contact_at"]),
            waiting_since=_instant(row["waiting_since"]),
            service_level_days=_number(row["service_level_days"]),
            assign_to=_assign_to(row["assign_to"]),
        )


def _assign_to_json(assign_to: AssignTo | None) -> Json:
    return None if assign_to is None else {"pool": assign_to.pool, "skill": assign_to.skill}


def _assign_to(row: Json) -> AssignTo | None:
    return AssignTo(str(row["pool"]), _text(row["skill"])) if isinstance(row, dict) else None


def _number(value: Json) -> float:
    if isinstance(value, int | float):
        return value
    raise ValueError(f"{value!r} is no number")


def _text(value: Json) -> str | None:
    return None if value is None else str(value)


def _instant(value: Json) -> datetime | None:
    return None if value is None else parse_instant(str(value))
