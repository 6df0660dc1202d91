"""Fits models of purchases to how many customers have each history.

The counts per history are all that a fit needs. What is maximised is the mean log-likelihood, over
the logarithms of the four parameters, in times divided by the longest age, from two starts. A fit
of weak data may be penalised by (1/n)·Σ(ln θ - ln θ₀)² with θ₀ = (0.5, 10 weeks, 1, 2.5): a penalty
on θ itself would drag α to 0.

>>> cells = {History(0, 0.0, 20.0): 60, History(1, 4.0, 20.0): 30, History(4, 18.0, 20.0): 10}
>>> found = fit(cells, "mbg_nbd", penalty=True)
>>> found.customers, found.repeaters, found.converged
(100, 40, True)

Source: as :mod:`chalicelib.prediction.purchases`; Bickel, Götze and van Zwet 1997 for resampling
fewer than all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from math import exp, isfinite, log, sqrt
from random import Random

from chalicelib.core.model import Text
from chalicelib.core.prediction import Gate
from chalicelib.localization import purchase_gates as say
from chalicelib.prediction.purchases import Family, History, PurchaseModel, RateModel
from chalicelib.training.buyers import Population
from chalicelib.training.likelihood import Likelihood
from chalicelib.training.optimiser import STEEPEST, Minimum, Objective, Vector, minimise

FEWEST_CUSTOMERS = 100
FEWEST_REPEATERS = 50
FEWEST_GAPS = 3
"""Length of a history, in the median gap between two purchases."""

FEWEST_FOR_A_RATE = 10
"""Customers who came back, without whom there is no rate to speak of."""

UNIT_DAYS = 7.0
PATIENCE_DAYS = 26 * 7
"""By which every customer counts as seen for longer in the shrunken rate."""

_STARTS: tuple[Vector, ...] = ((0.0, -1.0, 0.0, 0.5), (-0.7, -2.5, 0.7, 1.5))
_USUAL = (0.5, 10.0 * 7, 1.0, 2.5)
"""r, α in days, a, b of a penalised fit that has seen nothing."""

_FAR = 5.0
"""In logarithms: what is farther than this from the usual has not been shown by the data."""

_ENOUGH_TO_RESAMPLE = 20_000
_ENOUGH_TO_COUNT = 2_000
_YEAR_DAYS = 365.25
_LEFT_OUT = 0.1
_STEEP = 1e-7
_ROUGHLY = 1e-3
_NEARLY = 1e-4


@dataclass(frozen=True, slots=True)
class Fit:
    """``gradient`` is the largest derivative of the mean log-likelihood by a parameter's logarithm.

    ``log_likelihood`` is without the penalty, in the unit of the histories.
    """

    model: PurchaseModel
    log_likelihood: float
    customers: int
    repeaters: int
    gradient: float
    evaluations: int
    penalised: bool
    determined: bool
    """Whether every parameter is where data can have put it."""

    @property
    def converged(self) -> bool:
        return self.gradient < STEEPEST and isfinite(self.log_likelihood)


def fit(
    cells: Mapping[History, int],
    family: Family,
    *,
    penalty: bool = False,
    unit_days: float = UNIT_DAYS,
    start: PurchaseModel | None = None,
    steepest: float = _STEEP,
) -> Fit:
    """The best of two starts, or what is reached from ``start`` alone, until no derivative of the
    mean log-likelihood is larger than ``steepest``.

    Raises ValueError where nobody has been known for any time; ask ``gate`` before.
    """
    likelihood = Likelihood(cells, family)
    longest = likelihood.longest
    usual = _logs(*_USUAL, scale=unit_days * longest)
    objective = _mean(likelihood, usual if penalty else None)
    starts = [_logs(start.r, start.alpha, start.a, start.b, scale=longest)] if start else _STARTS
    best, asked = _best(objective, starts, steepest)
    r, alpha, a, b = map(exp, best.at)
    purchases = sum(x * n for (x, _, _), n in cells.items())
    return Fit(
        model=PurchaseModel(family, r, alpha * longest, a, b),
        log_likelihood=likelihood.at(r, alpha, a, b)[0] - purchases * log(longest),
        customers=likelihood.customers,
        repeaters=sum(n for (x, _, _), n in cells.items() if x),
        gradient=best.steepest,
        evaluations=asked,
        penalised=penalty,
        determined=all(abs(at - mid) < _FAR for at, mid in zip(best.at, usual, strict=True)),
    )


def gate(population: Population) -> Gate:
    """Whether there is enough to fit a model to; a sentence for each thing that is lacking."""
    lacking = tuple(_lacking(population))
    enough = say.fitted_on(population.customers, population.repeaters)
    return Gate(not lacking, lacking or (enough,))


def rate_gate(population: Population) -> Gate:
    """Whether there is enough even for a shrunken rate."""
    repeaters = population.repeaters
    if not repeaters:
        return Gate(passed=False, sentences=(say.nobody_came_back(),))
    if repeaters < FEWEST_FOR_A_RATE:
        few = say.too_few_for_a_rate(repeaters, FEWEST_FOR_A_RATE)
        return Gate(passed=False, sentences=(few,))
    return Gate(passed=True, sentences=(say.rate_instead(),))


def best_fit(population: Population, family: Family, unit_days: float = UNIT_DAYS) -> Fit | None:
    """Penalised only where the data alone do not determine the model; None if neither converges."""
    plain = fit(population.cells, family, unit_days=unit_days)
    if plain.converged and plain.determined:
        return plain
    held = fit(population.cells, family, penalty=True, unit_days=unit_days)
    return held if held.converged and held.determined else None


def rate_of(population: Population, unit_days: float = UNIT_DAYS) -> RateModel:
    """The rate of all together, and the median gap between two purchases."""
    patience = PATIENCE_DAYS / unit_days
    purchases = sum(x * n for (x, _, _), n in population.cells.items())
    time = sum(age * n for (_, _, age), n in population.cells.items())
    rate = purchases / time if time else 0.0
    return RateModel(rate, patience, population.median_gap or patience)


def interval(
    cells: Mapping[History, int],
    family: Family,
    seed: int,
    refits: int = 30,
    *,
    unit_days: float = UNIT_DAYS,
    start: PurchaseModel | None = None,
    penalty: bool = False,
) -> float:
    """Half the width of an 80 % interval of the purchases expected in a year, as their share.

    The model is fitted again to ``refits`` populations drawn from this one, with replacement. Of a
    large population fewer are drawn than it has, and the width is scaled by the root of the share.
    """
    chance = Random(seed)  # noqa: S311  # a bootstrap, no secret
    known = start or fit(cells, family, penalty=penalty, unit_days=unit_days).model
    size = min(sum(cells.values()), _ENOUGH_TO_RESAMPLE)
    counted = _drawn(cells, min(size, _ENOUGH_TO_COUNT), chance)
    again = partial(
        fit, family=family, penalty=penalty, unit_days=unit_days, start=known, steepest=_NEARLY
    )
    drawn = (_drawn(cells, size, chance) for _ in range(refits))
    totals = sorted(_total(again(one).model, counted, unit_days) for one in drawn)
    edge = round(_LEFT_OUT * (refits - 1))
    middle = totals[refits // 2]
    width = (totals[-1 - edge] - totals[edge]) / 2
    return width / middle * sqrt(size / sum(cells.values())) if middle else 0.0


def _lacking(population: Population) -> Iterator[Text]:
    customers, repeaters = population.customers, population.repeaters
    if customers < FEWEST_CUSTOMERS:
        yield say.too_few_customers(customers, FEWEST_CUSTOMERS)
    if not repeaters:
        yield say.nobody_came_back()
    elif repeaters < FEWEST_REPEATERS:
        yield say.too_few_repeaters(repeaters, FEWEST_REPEATERS)
    gap = population.median_gap
    if gap and population.longest < FEWEST_GAPS * gap:
        yield say.too_short(population.longest / gap, FEWEST_GAPS)
    if customers > 1 and len(population.cells) == 1:
        yield say.all_alike()


def _mean(likelihood: Likelihood, usual: Vector | None) -> Objective:
    """The negative mean log-likelihood by the logarithms of the parameters, with the penalty."""
    n = likelihood.customers

    def objective(at: Vector) -> tuple[float, Vector]:
        parameters = r, alpha, a, b = tuple(map(exp, at))
        value, slopes = likelihood.at(r, alpha, a, b)
        drawn = [x - mid for x, mid in zip(at, usual, strict=True)] if usual else [0.0] * len(at)
        gradient = (
            (2 * pull - slope * parameter) / n
            for pull, slope, parameter in zip(drawn, slopes, parameters, strict=True)
        )
        return (sum(pull * pull for pull in drawn) - value) / n, tuple(gradient)

    return objective


def _logs(r: float, alpha: float, a: float, b: float, *, scale: float) -> Vector:
    return log(r), log(alpha / scale), log(a), log(b)


def _best(objective: Objective, starts: Sequence[Vector], steepest: float) -> tuple[Minimum, int]:
    """The lowest, and the evaluations of all. A later start is followed to the end only if what it
    comes near to is lower than what is known.
    """
    first, *others = starts
    best = minimise(objective, first, steepest=steepest)
    asked = best.evaluations
    for start in others:
        near = minimise(objective, start, steepest=_ROUGHLY)
        asked += near.evaluations
        if near.value < best.value:
            best = minimise(objective, near.at, steepest=steepest)
            asked += best.evaluations
    return best, asked


def _drawn(cells: Mapping[History, int], size: int, chance: Random) -> Mapping[History, int]:
    heights = list(accumulate(cells.values()))
    return Counter(chance.choices(list(cells), cum_weights=heights, k=size))


def _total(model: PurchaseModel, cells: Mapping[History, int], unit_days: float) -> float:
    year = _YEAR_DAYS / unit_days
    return sum(n * model.expected(History(*h), year) for h, n in cells.items())
