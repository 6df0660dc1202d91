"""How well chances that knew a past day only foretold what came afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import starmap
from math import sqrt
from statistics import fmean

from chalicelib.core.model import Json
from chalicelib.training.metrics import Z, auc, expected_calibration_error, log_loss, mean_interval
from chalicelib.training.satisfaction import wilson
from infra.prediction.pictures import Point
from infra.prediction.ranking import Group, grouped, shares, slices

Case = tuple[float, bool]
"""What was foretold, and whether it came."""


@dataclass(frozen=True, slots=True)
class Tenth:
    """Of the people, by what was foretold of them; the interval of 95 % is Wilson's."""

    people: float
    foretold: float
    happened: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ChanceTrial:
    """``name`` is the model's."""

    name: str
    cut_off: date
    until: date
    cases: Sequence[Case]

    @property
    def chances(self) -> list[float]:
        return [chance for chance, _ in self.cases]

    @property
    def outcomes(self) -> list[bool]:
        return [came for _, came in self.cases]

    @property
    def share(self) -> float:
        """Of all to whom it happened: in hindsight no one chance for everybody was better."""
        return self.came / len(self.cases)

    @property
    def came(self) -> int:
        return sum(self.outcomes)

    @property
    def area(self) -> tuple[float, float, float] | None:
        """AUC with its interval of 95 %, after Hanley and McNeil 1982; None if all are alike."""
        found = auc(self.chances, self.outcomes)
        if found is None:
            return None
        did, others = self.came, len(self.cases) - self.came
        q1, q2 = found / (2 - found), 2 * found**2 / (1 + found)
        spread = found * (1 - found) + (did - 1) * (q1 - found**2) + (others - 1) * (q2 - found**2)
        half = Z * sqrt(spread / (did * others))
        return found, max(found - half, 0.0), min(found + half, 1.0)

    @property
    def brier(self) -> tuple[float, float, float]:
        squares = [(chance - came) ** 2 for chance, came in self.cases]
        return sum(squares) / len(squares), *mean_interval(squares)

    @property
    def base_brier(self) -> float:
        return fmean((self.share - came) ** 2 for came in self.outcomes)

    @property
    def ece(self) -> float:
        return expected_calibration_error(self.chances, self.outcomes)

    @property
    def log_loss(self) -> float:
        return log_loss(self.chances, self.outcomes)

    @property
    def base_log_loss(self) -> float:
        return log_loss([self.share] * len(self.cases), self.outcomes)

    @property
    def holds(self) -> bool:
        """Whether it foretold better than the share of all; if all did, or nobody, who knows."""
        return self.area is None or self.log_loss < self.base_log_loss

    @property
    def tenths(self) -> list[Tenth]:
        return [*starmap(_tenth, self._sums())]

    @property
    def points(self) -> list[Point]:
        return [Point(one.foretold, one.happened, one.low, one.high) for one in self.tenths]

    @property
    def verdict(self) -> str:
        """In a line: how many were foretold, and how many came."""
        told, cases = sum(self.chances), len(self.cases)
        return f"{_WORDS[self.name]}: {told:,.0f} of {cases:,} foretold, {self.came:,} in fact"

    @property
    def of(self) -> str:
        return _OF[self.name]

    def lift(self, steps: int) -> dict[str, list[float]]:
        return {"model": shares(self._groups, steps)}

    def lifts(self) -> Iterator[tuple[Tenth, float, float, float]]:
        """How many times as many of a tenth did as of all, with the interval."""
        for one in self.tenths if self.share else ():
            yield one, one.happened / self.share, one.low / self.share, one.high / self.share

    def to_json(self) -> dict[str, Json]:
        area = self.area
        brier, low, high = self.brier
        return {
            "cut_off": self.cut_off.isoformat(),
            "until": self.until.isoformat(),
            "cases": len(self.cases),
            "came": self.came,
            "foretold": sum(self.chances),
            "auc": area[0] if area else None,
            "auc_interval": [*area[1:]] if area else None,
            "brier": brier,
            "brier_interval": [low, high],
            "ece": self.ece,
            "log_loss": self.log_loss,
            "base_log_loss": self.base_log_loss,
            "holds": self.holds,
            "deciles": [
                {
                    "people": one.people,
                    "foretold": one.foretold,
                    "happened": one.happened,
                    "interval": [one.low, one.high],
                    "lift": lift,
                    "lift_interval": [least, most],
                }
                for one, lift, least, most in self.lifts()
            ],
        }

    @property
    def _groups(self) -> list[Group]:
        return grouped((chance, 1, int(came)) for chance, came in self.cases)

    def _sums(self) -> Iterator[tuple[float, float, float]]:
        for some in slices(self._groups, 10):
            people = sum(one.customers for one in some)
            told = sum(one.customers * one.expected for one in some)
            yield people, told, sum(one.bought for one in some)


_WORDS = {
    "propensity": "Leads reaching the target",
    "subscriptions": "Subscribers leaving",
    "deals": "Deals won",
}
_OF = {"propensity": "leads", "subscriptions": "subscribers", "deals": "open deals"}


def _tenth(people: float, told: float, came: float) -> Tenth:
    return Tenth(people, told / people, came / people, *wilson(came, people))
