"""Fits what customers spend per repeat purchase, by how many they have and what they cost.

Gamma-Gamma by maximum likelihood over the logarithms of p, q and v, with amounts divided by their
median::

    ln L = lnΓ(px+q) - lnΓ(px) - lnΓ(q) + q·ln v + (px-1)·ln m + px·ln x - (px+q)·ln(xm+v)

Only customers count who bought again and whose mean m is positive. It takes spend not to depend on
how often one buys: a correlation of more than 0.3 is told, and beyond 0.5 a regression of ln m on x
takes its place. Fewer than 50 customers get means drawn towards that of all.

>>> found = fit_spend([(2, 10.0), (1, 30.0), (0, 0.0)])
>>> found.model, found.n
(ShrunkenSpend(mean=20.0, weight=3), 2)

Source: Fader and Hardie, note 025; Fader, Hardie and Lee 2005 (JMR), for the correlation.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, isfinite, lgamma, log, sqrt
from statistics import fmean, median

from chalicelib.core.model import Json, Text
from chalicelib.core.prediction import Gate
from chalicelib.localization import purchase_gates as say
from chalicelib.prediction.spend import ShrunkenSpend, SpendByFrequency, Spending, SpendModel
from chalicelib.training.optimiser import STEEPEST, Minimum, Vector, minimise
from chalicelib.training.special_functions import digamma

FEWEST = 50
WATCHED, DEPENDENT = 0.3, 0.5
"""Correlations of spend with how often one buys that are told, and that change the model."""

LEAST_Q = 1.05
"""Where q ≤ 1 the mean over the customers is infinite."""

_STARTS: tuple[Vector, ...] = ((0.0, 0.7, 0.0), (1.5, 1.2, 0.5))
_FAR = 9.0

Row = tuple[int, float]
"""Repeat purchases and their mean amount."""


@dataclass(frozen=True, slots=True)
class SpendFit:
    """``model`` is None where nobody spent anything; ``mean`` is that of the customers' means."""

    model: Spending | None
    gate: Gate
    n: int
    mean: float | None = None
    correlation: float | None = None
    log_likelihood: float | None = None

    def to_json(self, currency: str) -> dict[str, Json]:
        """What training publishes of it."""
        stated: dict[str, Json] = {
            "mean": self.mean, "currency": currency, "correlation": self.correlation, "n": self.n,
        }  # fmt: skip
        match self.model:
            case SpendModel(p, q, v):
                return stated | {"method": "gamma_gamma", "p": p, "q": q, "v": v}
            case ShrunkenSpend():
                return stated | {"method": "shrunken"}
            case SpendByFrequency(start, slope, variance, most):
                line: dict[str, Json] = {"start": start, "slope": slope}
                return stated | line | {"method": "regression", "variance": variance, "most": most}
        return stated


def fit_spend(rows: Iterable[Row]) -> SpendFit:
    known = [(x, m) for x, m in rows if x > 0 and m > 0 and isfinite(m)]
    if not known:
        return SpendFit(None, Gate(passed=False, sentences=(say.no_spend(),)), 0)
    mean = fmean(m for _, m in known)
    if len(known) < FEWEST:
        return _shrunken(known, mean, say.shrunken_spend(len(known), FEWEST))
    if min(m for _, m in known) == max(m for _, m in known):
        return _shrunken(known, mean, say.spend_all_alike())
    correlation = _correlation(known)
    if correlation is not None and abs(correlation) > DEPENDENT:
        told = Gate(passed=True, sentences=(say.spend_by_frequency(correlation),))
        return SpendFit(_line(known), told, len(known), mean, correlation)
    return _gamma_gamma(known, mean, correlation)


def _shrunken(rows: Sequence[Row], mean: float, why: Text) -> SpendFit:
    gate = Gate(passed=True, sentences=(why,))
    return SpendFit(ShrunkenSpend(mean), gate, len(rows), mean, _correlation(rows))


def _gamma_gamma(rows: Sequence[Row], mean: float, correlation: float | None) -> SpendFit:
    likelihood = _Likelihood(rows)
    best = likelihood.best()
    sentences = [say.spend_fitted_on(len(rows))]
    if exp(best.at[1]) <= 1:
        best = likelihood.best(least_q=LEAST_Q)
        sentences.append(say.no_mean())
    shape, rest, scale = best.at  # the rest of q may be nothing: then q is the least it may be
    if best.steepest >= STEEPEST or max(abs(shape), rest, abs(scale)) > _FAR:
        return _shrunken(rows, mean, say.spend_without_maximum())
    if correlation is not None and abs(correlation) > WATCHED:
        sentences.append(say.spend_and_frequency(correlation))
    p, q, v = likelihood.parameters(best.at)
    return SpendFit(
        model=SpendModel(p, q, v * likelihood.scale),
        gate=Gate(passed=True, sentences=tuple(sentences)),
        n=len(rows),
        mean=mean,
        correlation=correlation,
        log_likelihood=-best.value * len(rows) - len(rows) * log(likelihood.scale),
    )


class _Likelihood:
    """Of amounts divided by ``scale``, which are gathered by the number of purchases."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.scale = median(m for _, m in rows)
        self._n = len(rows)
        self._least_q = 0.0
        spent: defaultdict[int, list[float]] = defaultdict(list)
        for x, m in rows:
            spent[x].append(x * m / self.scale)
        self._spent: Mapping[int, Sequence[float]] = spent
        self._logs = {x: sum(map(log, sums)) for x, sums in spent.items()}

    def best(self, least_q: float = 0.0) -> Minimum:
        """The lower of what is reached from two starts, with q above ``least_q``."""
        self._least_q = least_q
        found = [minimise(self.at, start, steepest=1e-8) for start in _STARTS]
        return min(found, key=lambda one: one.value)

    def parameters(self, at: Vector) -> tuple[float, float, float]:
        p, q, v = map(exp, at)
        return p, q + self._least_q, v

    def at(self, at: Vector) -> tuple[float, Vector]:
        """The negative mean by ln p, ln(q - least), ln v, with its gradient."""
        p, q, v = self.parameters(at)
        value = by_p = by_q = by_v = 0.0
        for x, sums in self._spent.items():
            n, logs = len(sums), self._logs[x]
            psi = digamma(p * x + q)
            whole = [v + one for one in sums]
            wholes, per = sum(map(log, whole)), sum(1 / one for one in whole)
            value += n * (lgamma(p * x + q) - lgamma(p * x) - lgamma(q) + q * log(v))
            value += p * x * logs - (logs - n * log(x)) - (p * x + q) * wholes
            by_p += x * (n * (psi - digamma(p * x)) + logs - wholes)
            by_q += n * (psi - digamma(q) + log(v)) - wholes
            by_v += n * q / v - (p * x + q) * per
        slopes = (p * by_p, (q - self._least_q) * by_q, v * by_v)
        return -value / self._n, tuple(-slope / self._n for slope in slopes)


def _correlation(rows: Sequence[Row]) -> float | None:
    """Pearson's, of purchases and their mean amount; None where either is the same for all."""
    middle, mean = fmean(x for x, _ in rows), fmean(m for _, m in rows)
    both = sum((x - middle) * (m - mean) for x, m in rows)
    spread = sum((x - middle) ** 2 for x, _ in rows) * sum((m - mean) ** 2 for _, m in rows)
    return both / sqrt(spread) if spread > 0 else None


def _line(rows: Sequence[Row]) -> SpendByFrequency:
    """Least squares of ln m on x."""
    middle, height = fmean(x for x, _ in rows), fmean(log(m) for _, m in rows)
    spread = sum((x - middle) ** 2 for x, _ in rows)
    slope = sum((x - middle) * (log(m) - height) for x, m in rows) / spread
    start = height - slope * middle
    left = sum((log(m) - start - slope * x) ** 2 for x, m in rows)
    return SpendByFrequency(start, slope, left / (len(rows) - 2), max(x for x, _ in rows))
