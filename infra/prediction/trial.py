"""A model of purchases that knows a past day only, and what happened afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from chalicelib.core.model import Json
from chalicelib.localization.purchase_gates import no_maximum
from chalicelib.prediction.purchases import Family, History, PurchaseModel
from chalicelib.training.backtest import Backtest, backtest
from chalicelib.training.buyers import Past, apart, past_of, population_of, two_thirds
from chalicelib.training.purchases import UNIT_DAYS, best_fit, gate
from infra.prediction.evidence import Evidence
from infra.prediction.pictures import Point
from infra.prediction.ranking import ranked, rule_of_thumb, shares, tenths


class UntriedError(Exception):
    """Why there is nothing to try, in a sentence."""


@dataclass(frozen=True, slots=True)
class Trial:
    """``since`` is the day of anybody's first purchase, but for those who began so long before that
    they are left out: ``apart`` counts them.
    """

    model: PurchaseModel
    past: Past
    since: date
    cut_off: date
    end: date
    result: Backtest
    apart: int = 0

    @property
    def verdict(self) -> str:
        """In a line: how near the total came."""
        ratio = self.result.total_ratio
        if ratio is None:
            return f"Foretold {self.result.predicted:,.0f} purchases, of which none was made"
        low, high = self.result.interval or (ratio, ratio)
        return (
            f"Foretold {ratio:.0%} of the {self.result.actual:,} purchases that were made "
            f"({low:.0%} – {high:.0%})"
        )

    @property
    def tenths(self) -> list[Point]:
        return tenths(ranked(self.past, self._expected))

    @property
    def naive_top_tenth(self) -> float | None:
        made = shares(ranked(self.past, rule_of_thumb(self.past)), 10)
        return made[1] if self.result.actual else None

    def lift(self, steps: int) -> dict[str, list[float]]:
        """Curves of the model and of its rival, see ``pictures.lift``."""
        return {
            "model": shares(ranked(self.past, self._expected), steps),
            "rule of thumb x/T·t": shares(ranked(self.past, rule_of_thumb(self.past)), steps),
        }

    def to_json(self) -> dict[str, Json]:
        return {
            "cut_off": self.cut_off.isoformat(),
            "until": self.end.isoformat(),
            "began_long_before": self.apart,
            "model": self.model.to_json(),
            **self.result.to_json(),
            "naive_top_decile": self.naive_top_tenth,
            "counts_hold": self.result.counts_hold,
            "calibration": [
                {"expected": one.expected, "actual": one.actual, "interval": [one.low, one.high]}
                for one in self.tenths
            ],
            "weekly": [list(one) for one in self.result.weekly],
        }

    def weeks(self) -> list[tuple[date, float, float]]:
        """When each began, repeat purchases made and foretold."""
        return [
            (self.since + timedelta(days=one.number * UNIT_DAYS), one.actual, one.expected)
            for one in self.result.weekly
        ]

    def _expected(self, h: History) -> float:
        return self.model.expected(h, self.past.horizon)


def tried(known: Evidence, cut_off: date | None, family: Family) -> Trial:
    """Of purchases, by default from two thirds of the time on.

    Raises UntriedError with the gate's sentences, as of the cut-off day.
    """
    if not known.buyers:
        raise UntriedError("nobody has bought anything")
    end = known.end
    bought, early = apart([one.bought.days for one in known.buyers], end)
    since = min(days[0] for days in bought)
    day = cut_off or two_thirds(since, end)
    if day >= end:
        raise UntriedError(f"nothing lies between {day} and {end}: choose an earlier --cut-off")
    population = population_of(bought, day, UNIT_DAYS)
    enough = gate(population)
    if not enough.passed:
        lacking = ". ".join(one.en for one in enough.sentences)
        raise UntriedError(f"by {day} there was too little to fit a model to. {lacking}")
    found = best_fit(population, family)
    if found is None:
        raise UntriedError(no_maximum().en)
    past = past_of(bought, day, end, UNIT_DAYS)
    return Trial(found.model, past, since, day, end, backtest(past, found.model), early)
