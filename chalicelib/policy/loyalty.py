"""The section ``loyalty``: from the page to the programme that ``chalicelib.loyalty`` goes by."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from chalicelib.core.loyalty import (
    Dates,
    EarningRule,
    Expiry,
    Fits,
    Level,
    Measured,
    Mission,
    MissionWindow,
    Multiplier,
    Program,
    Refunds,
    Reward,
    TierRules,
    TierWindow,
)
from chalicelib.core.model import Money, Text
from chalicelib.localization.periods import midnight
from chalicelib.localization.reading import day_of
from chalicelib.policy.occurrences import compile_where
from chalicelib.policy.scope import Scope

Page = Mapping[str, Any]

_FILE = Path(__file__).with_name("loyalty_schema.json")
_PAID_WITH_POINTS = "paid_with_points"
_EXCLUDED = ("tax", "delivery", "gift_cards")
_MONTH: Page = {"period": "month"}
_YEAR: Page = {"kind": "year"}
_NEXT_YEAR: Page = {"kind": "end_of_next_period"}


def schemas() -> dict[str, dict[str, Any]]:
    """``section``, and definitions that it refers to."""
    found: dict[str, dict[str, Any]] = json.loads(_FILE.read_text("utf-8"))
    return found


def compile_loyalty(section: Page | None, scope: Scope) -> Program | None:
    """None for a policy without the section. Defaults are those of the schema."""
    return None if section is None else _Compiler(scope).program(section)


class _Compiler:
    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    def program(self, section: Page) -> Program:
        earning = tuple(map(self._rule, section.get("earning", ())))
        by_amount = frozenset(rule.id for rule in earning if rule.step is not None)
        return Program(
            time_zone=self.scope.time_zone,
            calendar=self.scope.calendar,
            currency=self.scope.currency,
            earning=earning,
            multipliers=tuple(
                self._multiplier(row, by_amount) for row in section.get("multipliers", ())
            ),
            missions=tuple(map(self._mission, section.get("missions", ()))),
            tiers=self._tiers(section["tiers"]) if "tiers" in section else None,
            rewards=tuple(map(self._reward, section.get("rewards", ()))),
            expiry=self._expiry(section.get("expiry")) or Expiry("days", 365),
            pending_days=section.get("pending_days", 0),
            excluded=(*section.get("excluded", _EXCLUDED), _PAID_WITH_POINTS),
            refunds=Refunds(**section.get("refunds", {})),
            notify_days=section.get("notify_days", 10),
            expired_grace_days=section.get("expired_grace_days", 0),
            point_value=self._units(section.get("point_value", 0)),
        )

    def _rule(self, row: Page) -> EarningRule:
        amount = row.get("per_amount")
        rule = EarningRule(
            id=row["id"],
            event=row["event"],
            points=row.get("points", 0),
            text=Text(**row["text"]),
            fits=_fits(row),
            max_per_day=row.get("max_per_day"),
            max_total=row.get("max_total"),
            dates=self._dates(row),
            expiry=self._expiry(row.get("expiry")),
            pending_days=row.get("pending_days"),
            qualifies=row.get("qualifies", True),
        )
        if amount is None:
            return rule
        return replace(
            rule,
            points=amount.get("points", 10),
            step=self._money(amount["step"]),
            linear=amount.get("rounding") == "linear_floor",
        )

    def _multiplier(self, row: Page, by_amount: frozenset[str]) -> Multiplier:
        return Multiplier(
            id=row["id"],
            factor=_exact(row["factor"]),
            rules=frozenset(row.get("rules", by_amount)),
            tiers=frozenset(row["tiers"]) if "tiers" in row else None,
            fits=_fits(row),
            dates=self._dates(row),
        )

    def _mission(self, row: Page) -> Mission:
        sums = "sum" in row
        return Mission(
            id=row["id"],
            event=row["event"],
            target=self._money(row["sum"]) if sums else row["count"],
            points=row["points"],
            window=self._mission_window(row.get("window", _MONTH)),
            text=Text(**row["text"]),
            fits=_fits(row),
            sums=sums,
            once_per_window=row.get("once_per_window", True),
            reverse_on_refund=row.get("reverse_on_refund", True),
            streak=row.get("streak", 1),
            expiry=self._expiry(row.get("expiry")),
            qualifies=row.get("qualifies", True),
        )

    def _mission_window(self, row: Page) -> MissionWindow:
        return MissionWindow(
            period=row.get("period"),
            calendar=row.get("calendar", self.scope.calendar),
            days=row.get("days"),
            dates=self._dates(row),
        )

    def _tiers(self, row: Page) -> TierRules:
        metric = row.get("metric", "points")
        window, validity = row.get("window", _YEAR), row.get("validity", _NEXT_YEAR)
        calendar = window.get("calendar", self.scope.calendar)
        return TierRules(
            levels=tuple(self._level(level, metric) for level in row["levels"]),
            metric=metric,
            window=TierWindow(window["kind"], window.get("days", 0), calendar),
            index=tuple(self._measured(part) for part in row.get("index", ())),
            # A score has no window and nothing that could be reviewed: the tier follows it.
            validity="none" if metric == "score" else validity["kind"],
            validity_days=validity.get("days", 0),
            validity_calendar=calendar,
            grace_days=row.get("grace_days", 30),
            downgrade=row.get("downgrade", "one_step"),
            immediate_downgrade=row.get("immediate_downgrade", False),
            pending_lifts=row.get("pending_lifts", False),
        )

    def _level(self, row: Page, metric: str) -> Level:
        least = row["at_least"]
        minimum = self._units(least) if metric == "spend" else _exact(least)
        return Level(row["id"], minimum, Text(**row["text"]))

    def _measured(self, row: Page) -> Measured:
        target = row["target"]
        wanted = self._units(target) if row["of"] == "spend" else _exact(target)
        return Measured(row["of"], _exact(row["weight"]), wanted)

    def _reward(self, row: Page) -> Reward:
        return Reward(
            id=row["id"],
            kind=row["kind"],
            cost=row["cost"],
            text=Text(**row["text"]),
            value=self._money(row["value"]) if "value" in row else None,
            percent=row.get("percent"),
            stock=row.get("stock"),
            dates=self._dates(row),
            tiers=frozenset(row["tiers"]) if "tiers" in row else None,
            codes=tuple(row.get("codes", ())),
        )

    def _expiry(self, row: Page | None) -> Expiry | None:
        if row is None:
            return None
        return Expiry(
            kind=row["kind"],
            days=row.get("days", 0),
            to_day_end=row.get("round", "day_end") == "day_end",
            periods=row.get("periods", 1),
            calendar=row.get("calendar", self.scope.calendar),
        )

    def _dates(self, row: Page) -> Dates:
        """The last day is part of it."""
        return Dates(self._midnight(row.get("from"), 0), self._midnight(row.get("until"), 1))

    def _midnight(self, text: str | None, later: int) -> datetime | None:
        day = day_of(text, self.scope.time_zone)
        return midnight(day + timedelta(days=later), self.scope.time_zone) if day else None

    def _money(self, amount: float) -> int:
        """From whole units of the currency to the smallest."""
        return Money.from_decimal(Decimal(str(amount)), self.scope.currency).amount

    def _units(self, amount: float) -> Fraction:
        """The same, exactly."""
        exponent = Money.from_decimal(Decimal(1), self.scope.currency).amount
        return _exact(amount) * exponent


def _fits(row: Page) -> Fits | None:
    return compile_where(row["where"]) if "where" in row else None


def _exact(value: float) -> Fraction:
    """1.5 on the page is three halves."""
    return Fraction(str(value))
