"""From a page that has passed validation: what to do next, and whom to call first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import time
from decimal import Decimal
from typing import Any

from chalicelib.core.calls import AssignTo, CallRules, Floors, Hours, Rep, ServiceLevel
from chalicelib.core.model import Money, Text
from chalicelib.core.policy import ADVISERS, Action, Adviser, Mark, PriorityPolicy
from chalicelib.scoring import priority
from chalicelib.scoring.models import Context

Page = Mapping[str, Any]

REST_DAYS = 7
FLOORS = {"new": 0.3, "existing": 0.3, "exploration": 0.1}
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def action(row: Page) -> Action:
    return Action(
        id=row["id"],
        when=_when(row["when"]),
        text=_text(row.get("text")),
        campaign=_text(row.get("campaign")),
        service_level=_service_level(row.get("service_level")),
        assign_to=_assign_to(row.get("assign_to")),
    )


def mark(row: Page) -> Mark:
    tag = f"mark:{row['id'].replace('_', '-')}"
    return Mark(tag, _when(row["when"]), Text(**row["text"]))


def _when(row: Page) -> Mapping[str, frozenset[str]]:
    return {name: frozenset(values) for name, values in row.items()}


def advisers(actions: Iterable[Action]) -> Mapping[Adviser, tuple[Action, ...]]:
    """The actions that have each member; members that none has are left out."""
    rows = list(actions)
    found = {name: tuple(row for row in rows if getattr(row, name)) for name in ADVISERS}
    return {name: having for name, having in found.items() if having}


def priority_policy(section: Page | None, context: Context) -> PriorityPolicy | None:
    if section is None:
        return None
    usual = Decimal(str(section["deal_value"]))
    opted_out = section.get("opted_out")
    return PriorityPolicy(
        chances=priority.line_through(section.get("chances", priority.CHANCES)),
        uplift=section.get("uplift", priority.UPLIFT),
        minutes=section.get("minutes", priority.MINUTES),
        usual=Money.from_decimal(usual, context.currency),
        service_level_days=section.get("service_level_days", priority.SERVICE_LEVEL_DAYS),
        contacts=frozenset(section.get("contacts", priority.CONTACTS)),
        opted_out=context.condition(opted_out) if opted_out else None,
        owner=section.get("owner"),
        calls=_rules(section),
    )


def _rules(section: Page) -> CallRules:
    return CallRules(
        rest_days=section.get("rest_days", REST_DAYS),
        floors=Floors(**(FLOORS | section.get("floors", {}))),
        hours=_hours(section.get("hours")),
        pools={name: tuple(map(_rep, reps)) for name, reps in section.get("pools", {}).items()},
        write_owner=section.get("write_owner", False),
    )


def _hours(row: Page | None) -> Hours | None:
    if row is None:
        return None
    days = frozenset(map(DAYS.index, row["days"]))
    return Hours(days, time.fromisoformat(row["opens"]), time.fromisoformat(row["closes"]))


def _rep(row: Page) -> Rep:
    return Rep(row["id"], frozenset(row.get("skills", ())), row["minutes_per_day"])


def _text(row: Page | None) -> Text | None:
    return None if row is None else Text(row["en"], row["fa"])


def _service_level(row: Page | None) -> ServiceLevel | None:
    return None if row is None else ServiceLevel(row["days"], Text(**row["text"]))


def _assign_to(row: Page | None) -> AssignTo | None:
    return None if row is None else AssignTo(row["pool"], row.get("skill"))
