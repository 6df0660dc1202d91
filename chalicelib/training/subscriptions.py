"""Learns who leaves at which renewal, by tenure alone, and makes the rows for a model of periods.

``lost[t]`` left at their t-th renewal, ``stayed[t]`` are still there after t renewals, t ≥ 1. The
log-likelihood is Σ lost_t·(ln S(t-1) + ln(chance to leave)) + Σ stayed_t·ln S(t), over the
logarithms of α and β.

>>> lost = {1: 131, 2: 126, 3: 90, 4: 60, 5: 42, 6: 34, 7: 26}
>>> found = fit_renewals(lost, {7: 491})
>>> round(found.model.alpha, 3), round(found.model.beta, 3)
(0.668, 3.806)

Source: Fader and Hardie 2007, whose "high end" customers the example is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log

from chalicelib.core.model import Json
from chalicelib.core.prediction import Gate
from chalicelib.localization import purchase_gates as say
from chalicelib.prediction.subscriptions import ShiftedBetaGeometric
from chalicelib.training.optimiser import STEEPEST, Vector, minimise

FEWEST = 30
"""Who left, and who stayed at a renewal."""

_FAR = 9.0

Value = str | float | bool | None


@dataclass(frozen=True, slots=True)
class RenewalFit:
    """``model`` is None where the gate is not passed; ``n`` counts customers."""

    model: ShiftedBetaGeometric | None
    gate: Gate
    n: int
    log_likelihood: float | None = None

    def to_json(self) -> dict[str, Json]:
        """What training publishes of it."""
        return {**(self.model.to_json() if self.model else {}), "n": self.n}


def fit_renewals(lost: Mapping[int, int], stayed: Mapping[int, int]) -> RenewalFit:
    gone, still = _tenures(lost), _tenures(stayed)
    n = gone.total() + still.total()
    survivals = _survived(gone, still)
    if not n:
        return RenewalFit(None, Gate(passed=False, sentences=(say.no_renewals(),)), 0)
    renewed = sum(survivals.values())
    if gone.total() < FEWEST or renewed < FEWEST:
        few = say.too_few_renewals(gone.total(), renewed, FEWEST)
        return RenewalFit(None, Gate(passed=False, sentences=(few,)), n)
    best = minimise(lambda at: _mean(at, gone, survivals, n), (0.0, 0.0))
    if best.steepest >= STEEPEST or any(abs(at) > _FAR for at in best.at):
        return RenewalFit(None, Gate(passed=False, sentences=(say.no_maximum(),)), n)
    model = ShiftedBetaGeometric(*map(exp, best.at))
    told = Gate(passed=True, sentences=(say.renewals_fitted_on(gone.total(), renewed),))
    return RenewalFit(model, told, n, -best.value * n)


@dataclass(frozen=True, slots=True)
class Period:
    """One customer in one period of a subscription, as known at its start.

    ``features`` are those of that day: plan, price change, usage trend, tickets, failed payments.
    """

    renewals: int
    features: Mapping[str, Value]
    left: bool


def hazard_rows(periods: Sequence[Period]) -> tuple[list[Mapping[str, Value]], list[bool]]:
    """Rows and outcomes for :func:`chalicelib.training.propensity.train`: a discrete-time hazard is
    a logistic model of periods, with the tenure as one of its fields.
    """
    rows: list[Mapping[str, Value]] = [
        {**one.features, "tenure": tenure(one.renewals)} for one in periods
    ]
    return rows, [one.left for one in periods]


def tenure(renewals: int) -> str:
    """A bin of renewals survived.

    >>> [tenure(n) for n in (0, 1, 2, 3, 5, 6, 12, 40)]
    ['0', '1', '2', '3-5', '3-5', '6-11', '12+', '12+']
    """
    for low, high in ((0, 0), (1, 1), (2, 2), (3, 5), (6, 11)):
        if low <= renewals <= high:
            return str(low) if low == high else f"{low}-{high}"
    return "12+"


def _tenures(counts: Mapping[int, int]) -> Counter[int]:
    return Counter({t: n for t, n in counts.items() if t >= 1 and n > 0})


def _survived(gone: Counter[int], still: Counter[int]) -> Mapping[int, int]:
    """How many came through their t-th renewal."""
    return dict(_survivals(gone, still))


def _survivals(gone: Counter[int], still: Counter[int]) -> Iterator[tuple[int, int]]:
    last = max([*gone, *still], default=0)
    for t in range(1, last + 1):
        left_later = sum(n for at, n in gone.items() if at > t)
        yield t, left_later + sum(n for at, n in still.items() if at >= t)


def _mean(
    at: Vector, gone: Mapping[int, int], survived: Mapping[int, int], n: int
) -> tuple[float, Vector]:
    """The negative mean log-likelihood by ln α and ln β, and its gradient.

    As a product over renewals: of each, β+t-1 to α for staying, out of α+β+t-1.
    """
    alpha, beta = map(exp, at)
    value = by_alpha = by_beta = 0.0
    for t, stay in survived.items():
        leave, whole, kept = gone.get(t, 0), alpha + beta + t - 1, beta + t - 1
        value += leave * log(alpha / whole) + stay * log(kept / whole)
        by_alpha += leave / alpha - (leave + stay) / whole
        by_beta += stay / kept - (leave + stay) / whole
    return -value / n, (-alpha * by_alpha / n, -beta * by_beta / n)
