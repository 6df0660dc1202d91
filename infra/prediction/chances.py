"""Chances of leads and of subscribers that knew a past day only, and what happened afterwards.

Attributes, a date of renewal among them, are as they are in the file, since no history of them is
kept: what was filled in later flatters a model of leads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import starmap
from math import sqrt
from statistics import fmean
from typing import Any

from chalicelib.core.model import Json
from chalicelib.core.policy import FittedModels, Policy
from chalicelib.core.prediction import LeadPrediction, PredictionPolicy, SubscriptionPrediction
from chalicelib.pipeline.foresight import foreseen
from chalicelib.pipeline.lessons import Lessons, first_seen, lessons_of, renewals_of, snapshot_at
from chalicelib.scoring.fitted import CARDS, Fitted, fitted
from chalicelib.scoring.future import bought_by, renewal_of
from chalicelib.scoring.profile import profile_of
from chalicelib.training.buyers import two_thirds
from chalicelib.training.metrics import Z, auc, expected_calibration_error, log_loss, mean_interval
from chalicelib.training.satisfaction import wilson
from infra.prediction.evidence import Evidence
from infra.prediction.pictures import Point
from infra.prediction.ranking import Group, grouped, shares, slices
from infra.prediction.trial import UntriedError

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
    """``name`` is the model's; ``base`` the share of those it learned of to whom it happened."""

    name: str
    cut_off: date
    until: date
    base: float
    cases: Sequence[Case]

    @property
    def chances(self) -> list[float]:
        return [chance for chance, _ in self.cases]

    @property
    def outcomes(self) -> list[bool]:
        return [came for _, came in self.cases]

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
        return fmean((self.base - came) ** 2 for came in self.outcomes)

    @property
    def ece(self) -> float:
        return expected_calibration_error(self.chances, self.outcomes)

    @property
    def log_loss(self) -> float:
        return log_loss(self.chances, self.outcomes)

    @property
    def base_log_loss(self) -> float:
        return log_loss([self.base] * len(self.cases), self.outcomes)

    @property
    def holds(self) -> bool:
        """Whether it foretold better than the share of all that was known."""
        return self.log_loss < self.base_log_loss

    @property
    def tenths(self) -> list[Tenth]:
        return [*starmap(_tenth, self._sums())]

    @property
    def points(self) -> list[Point]:
        return [Point(one.foretold, one.happened, one.low, one.high) for one in self.tenths]

    @property
    def verdict(self) -> str:
        """In a line: how many were foretold, and how many came."""
        told, people = sum(self.chances), len(self.cases)
        return (
            f"{_WORDS[self.name]}: {told:,.0f} of {people:,} were foretold, and {self.came:,} did"
        )

    def lift(self, steps: int) -> dict[str, list[float]]:
        return {"model": shares(self._groups, steps)}

    def lifts(self) -> Iterator[tuple[Tenth, float, float, float]]:
        """How many times as many of a tenth did as of all, with the interval."""
        share = self.came / len(self.cases)
        for one in self.tenths if share else ():
            yield one, one.happened / share, one.low / share, one.high / share

    def to_json(self) -> dict[str, Json]:
        area = self.area
        brier, low, high = self.brier
        return {
            "cut_off": self.cut_off.isoformat(),
            "until": self.until.isoformat(),
            "people": len(self.cases),
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


_WORDS = {"propensity": "Reach the target", "subscriptions": "Do not renew"}


def _tenth(people: float, told: float, came: float) -> Tenth:
    return Tenth(people, told / people, came / people, *wilson(came, people))


def leads_tried(known: Evidence, asked: LeadPrediction, cut_off: date | None) -> ChanceTrial:
    """Of all who had not bought by the cut-off day, which is the last with a whole horizon after
    it. Raises UntriedError with the gate's sentences.
    """
    horizon = timedelta(days=asked.horizon_days)
    try:
        day = cut_off or known.end - horizon
    except OverflowError as error:
        raise UntriedError(f"nothing lies before {known.end}") from error
    if day + horizon > known.end:
        raise UntriedError(
            f"the {asked.horizon_days} days after {day} are not over by {known.end}: "
            "choose an earlier --cut-off"
        )
    policy = replace(known.policy, prediction=PredictionPolicy(leads=asked))
    made, taught = _fitted(known, policy, day, "propensity")
    assert made.propensity
    chance, at = made.propensity.probability, known.end_of(day)
    found = []
    for profile in known.profiles("trying leads"):
        first = first_seen(profile)
        if first and first <= at and (seen := snapshot_at(at, profile, policy, asked)):
            _, came, row = seen
            found.append((chance(row), came))
    base = sum(did for _, did, _ in taught.snapshots) / len(taught.snapshots)
    return _trial(ChanceTrial("propensity", day, day + horizon, base, found))


def renewals_tried(
    known: Evidence, asked: SubscriptionPrediction, cut_off: date | None
) -> ChanceTrial:
    """Of all whose next renewal came between the cut-off day and the end: by default in the last
    third of the time. Raises UntriedError with the gate's sentences.
    """
    bought = [one.bought.days[0] for one in known.buyers]
    day = cut_off or two_thirds(min(bought, default=known.end), known.end)
    if day >= known.end:
        raise UntriedError(
            f"nothing lies between {day} and {known.end}: choose an earlier --cut-off"
        )
    policy = replace(known.policy, prediction=PredictionPolicy(subscriptions=asked))
    made, taught = _fitted(known, policy, day, "subscriptions")
    assert made.subscriptions
    found = []
    for profile in known.profiles("trying renewals"):
        due = renewal_of(profile, policy)
        if due is None or due <= day:  # whoever was late by then had missed that renewal already
            continue
        then, _ = profile_of(
            profile.subject, profile.facts, known.end_of(day), policy.machine_traffic
        )
        before = renewals_of(then, policy, bought_by(then, policy), day)
        after = renewals_of(profile, policy, bought_by(profile, policy), known.end)
        if before and after and (after.survived > before.survived or after.lost):
            left = after.survived == before.survived
            found.append((made.subscriptions.leaves_at(before.survived), left))
    return _trial(ChanceTrial("subscriptions", day, known.end, _lost_share(taught), found))


def _lost_share(taught: Lessons) -> float:
    """Of the renewals that were due."""
    lost = sum(taught.lost.values())
    renewed = sum((due - 1) * n for due, n in taught.lost.items())
    renewed += sum(survived * n for survived, n in taught.stayed.items())
    return lost / (lost + renewed)


def _fitted(known: Evidence, policy: Policy, day: date, name: str) -> tuple[Fitted, Lessons]:
    """By the functions that training uses, of what was known by the end of that day."""
    at = known.end_of(day)
    taught = lessons_of(known.collections("learning of the past"), policy, at)
    parameters: Any = foreseen(taught, policy, {}, at)
    if name not in parameters:
        lacking = ". ".join(one["en"] for one in parameters[CARDS][name]["sentences"])
        raise UntriedError(f"by {day} there was too little to fit a model to. {lacking}")
    return fitted(FittedModels("trial", parameters)), taught


def _trial(found: ChanceTrial) -> ChanceTrial:
    if not found.cases:
        raise UntriedError(
            f"of nobody known by {found.cut_off} is it known what came by {found.until}"
        )
    return found
