"""From counted buyers to what training publishes of purchases: gate, fit, trial, interval, card.

A model is fitted where the gate is passed, and the shrunken rate serves where it is not and enough
came back to have a rate. Either is tried on the past before use: where the total is off by more
than a quarter, or could not be tried, expected counts are not to be shown, only who comes before
whom.

>>> few = Population({History(0, 0.0, 10.0): 30, History(1, 5.0, 10.0): 4}, {5.0: 4})
>>> learned = learn(few, seed=7)
>>> learned.parameters is None
True
>>> for sentence in learned.gate.sentences:
...     print(sentence.en)
34 of the 100 customers that a model of purchases needs
4 of the 50 customers with a second purchase that are needed
The history is 2 usual gaps between purchases long, and 3 are needed
Only 4 came back: below 10 not even a rate of purchases is told
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.core.model import Json, Text
from chalicelib.core.prediction import Gate, ModelCard
from chalicelib.localization import purchase_gates as say
from chalicelib.prediction.calibration import Calibration
from chalicelib.prediction.purchases import Family, History, Purchasing, RateModel
from chalicelib.training.backtest import Backtest, Chance, backtest, chances_within
from chalicelib.training.buyers import Past, Population
from chalicelib.training.calibration import FEWEST_FOR_ISOTONIC, calibrated
from chalicelib.training.purchases import (
    UNIT_DAYS,
    Fit,
    best_fit,
    gate,
    interval,
    rate_gate,
    rate_of,
)

NAME = "purchases"

TOLD_DAYS = (30, 90)
"""Within which a purchase is told of."""

_NOBODY = History(0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class LearnedPurchases:
    """``model`` is what to ask, and None where there is nothing to go by.

    ``gate`` is that of a fitted model: it may be closed while the rate serves as ``model``.
    ``calibration`` sets its chances right, None where they are as the model has them. ``apart``
    counts customers who began so long before the others that the trial goes without them.
    """

    gate: Gate
    model: Purchasing | None = None
    fit: Fit | None = None
    rate: RateModel | None = None
    backtest: Backtest | None = None
    interval: float | None = None
    usual: History = _NOBODY
    customers: int = 0
    unit_days: float = UNIT_DAYS
    calibration: Calibration | None = None
    apart: int = 0

    def without(self, apart: int) -> LearnedPurchases:
        """Where the trial left out so many."""
        if not apart:
            return self
        told = Gate(self.gate.passed, (*self.gate.sentences, say.began_long_before(apart)))
        return replace(self, gate=told, apart=apart)

    @property
    def counts(self) -> bool:
        """Whether expected counts may be shown."""
        return self.backtest is not None and self.backtest.counts_hold

    @property
    def parameters(self) -> dict[str, Json] | None:
        """As they are published; None where nothing may be."""
        if self.rate is None:
            return None
        x, recency, age = self.usual
        fitted: Mapping[str, Json] = self.fit.model.to_json() if self.fit else {}
        return {
            "method": "model" if self.fit else "rate",
            **fitted,
            **self.rate.to_json(),
            "unit_days": self.unit_days,
            "median_gap_days": self.rate.median_gap * self.unit_days,
            "medians": {"frequency": x, "recency": recency, "age": age},
            "counts": self.counts,
            "interval": self.interval,
            "calibration": self.calibration.to_json() if self.calibration else None,
            "n": self.customers,
            "log_likelihood": self.fit.log_likelihood if self.fit else None,
        }

    def card(self, trained_at: datetime | None = None) -> ModelCard:
        figures: dict[str, Json] = {"customers": self.customers, "interval": self.interval}
        if self.fit:
            figures["log_likelihood"] = self.fit.log_likelihood
            figures["repeaters"] = self.fit.repeaters
            figures["penalised"] = self.fit.penalised
        if self.backtest:
            figures["backtest"] = self.backtest.to_json()
            figures["calibrated"] = self.calibration is not None
        if self.apart:
            figures["began_long_before"] = self.apart
        return ModelCard(NAME, self.gate, figures, trained_at)


def learn(
    population: Population,
    past: Past | None = None,
    *,
    seed: int,
    family: Family = "mbg_nbd",
    unit_days: float = UNIT_DAYS,
    refits: int = 30,
) -> LearnedPurchases:
    """``past`` is what the same customers were on a past day, and what followed."""
    told = gate(population)
    found = best_fit(population, family, unit_days) if told.passed else None
    if found is None:
        return _by_rate(population, past, told, unit_days)
    trial, calibration, sentences = _tried(population, past, family, unit_days)
    weak = (say.weak_data(),) if found.penalised else ()
    share = interval(
        population.cells,
        family,
        seed,
        refits,
        unit_days=unit_days,
        start=found.model,
        penalty=found.penalised,
    )
    told_all = (*told.sentences, *weak, *sentences, say.mean_within(share))
    return LearnedPurchases(
        gate=Gate(passed=True, sentences=told_all),
        model=found.model,
        fit=found,
        rate=rate_of(population, unit_days),
        backtest=trial,
        interval=share,
        usual=population.usual,
        customers=population.customers,
        unit_days=unit_days,
        calibration=calibration,
    )


def _by_rate(
    population: Population, past: Past | None, told: Gate, unit_days: float
) -> LearnedPurchases:
    lacking = (say.no_maximum(),) if told.passed else told.sentences
    rated = rate_gate(population)
    sentences = (*lacking, *(one for one in rated.sentences if one not in lacking))
    closed = Gate(passed=False, sentences=sentences)
    if not rated.passed:
        return LearnedPurchases(closed, customers=population.customers, unit_days=unit_days)
    rate = rate_of(population, unit_days)
    before = Population(past.cells, population.gaps) if past else None
    trial = None
    if past and before and rate_gate(before).passed:
        trial = backtest(past, rate_of(before, unit_days))
    return LearnedPurchases(
        gate=closed,
        model=rate,
        rate=rate,
        backtest=trial,
        usual=population.usual,
        customers=population.customers,
        unit_days=unit_days,
    )


def _tried(
    population: Population, past: Past | None, family: Family, unit_days: float
) -> tuple[Backtest | None, Calibration | None, tuple[Text, ...]]:
    """The trial on the past, if it had enough customers by then, and what it comes to."""
    before = Population(past.cells, population.gaps) if past else None
    fitted = best_fit(before, family, unit_days) if before and gate(before).passed else None
    if not past or not fitted:
        return None, None, (say.not_tried(),)
    trial = backtest(past, fitted.model)
    ratio = trial.total_ratio
    if ratio is None:
        return trial, None, (say.not_tried(),)
    if not trial.counts_hold:
        return trial, None, (say.total_fails(ratio),)
    calibration, told = _set_right(past, fitted.model)
    return trial, calibration, (say.total_holds(ratio), told)


def _set_right(past: Past, model: Purchasing) -> tuple[Calibration | None, Text]:
    """Where the trial is too short for the longest time that is told of, nothing is."""
    longest = TOLD_DAYS[-1]
    if past.horizon * past.unit_days < longest:
        return None, say.calibration_too_short(longest)
    told = [(days, chances_within(past, model, days)) for days in TOLD_DAYS]
    found, last = calibrated(told), told[-1][1]
    people, buyers = sum(one.customers for one in last), sum(one.buyers for one in last)
    if found is None:
        return None, say.not_calibrated(people, FEWEST_FOR_ISOTONIC)
    return found, say.calibrated_by(people, longest, _mean(last), buyers / people)


def _mean(told: list[Chance]) -> float:
    return sum(one.chance * one.customers for one in told) / sum(one.customers for one in told)
