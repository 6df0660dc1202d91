"""The likelihood of purchase models and its gradient, over counted histories.

With k occasions to drop out (x in BG/NBD, x + 1 in the modified MBG/NBD) the log-likelihood of a
customer is, in both families::

    ln L = lnΓ(r+x) - lnΓ(r) + r·ln α - (r+x)·ln(α+T)
           + lnΓ(a+b) + lnΓ(b+k) - lnΓ(b) - lnΓ(a+b+k) + ln(1 + e^d)         (k = 0: without e^d)
    d    = ln a - ln(b+k-1) + (r+x)·(ln(α+T) - ln(α+t_x))

and with w = e^d/(1 + e^d), the chance that the customer has dropped out, and ψ the digamma
function, its derivatives are::

    r: ψ(r+x) - ψ(r) + ln α - ln(α+T) + w·(ln(α+T) - ln(α+t_x))
    α: r/α - (r+x)/(α+T) - w·(r+x)·(1/(α+t_x) - 1/(α+T))
    a: ψ(a+b) - ψ(a+b+k) + w/a
    b: ψ(a+b) - ψ(a+b+k) + ψ(b+k) - ψ(b) - w/(b+k-1)

It is what a fit spends its time on. So every Γ and ψ is taken once per number of purchases, every
logarithm of a time once per time that occurs, and a cell costs one power and one logarithm.

Source: Fader, Hardie and Lee 2005; Fader and Hardie, note 027; Batislam, Denizel and Filiztekin
2007.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, lgamma, log, log1p

from chalicelib.prediction.purchases import Family, History
from chalicelib.training.special_functions import digamma

Gradient = tuple[float, float, float, float]
"""By r, α, a, b."""


_Column = tuple[int, int, tuple[tuple[int, int], ...]]
"""Customers of one frequency and age: the place of the age, how many, and of each recency its place
and how many have it. A tuple, for a small population has almost as many columns as customers."""


@dataclass(frozen=True, slots=True)
class _Row:
    """Customers of one frequency."""

    frequency: int
    customers: int
    columns: tuple[_Column, ...]


class Likelihood:
    """Of one population in one family. ``longest`` is the unit of time: α is divided by it."""

    def __init__(self, cells: Mapping[History, int], family: Family) -> None:
        """Of how many customers have each history; raises ValueError where nobody has an age."""
        self.family = family
        self.customers = sum(cells.values())
        self.longest = max((age for _, _, age in cells), default=0.0)
        if self.longest <= 0:
            raise ValueError("a likelihood needs customers who are known for some time")
        ages = sorted({age for _, _, age in cells})
        recencies = sorted({recency for _, recency, _ in cells})
        self._rows = _rows(cells, _places(ages), _places(recencies))
        self._ages = [age / self.longest for age in ages]
        self._recencies = [recency / self.longest for recency in recencies]

    def at(self, r: float, alpha: float, a: float, b: float) -> tuple[float, Gradient]:
        """The sum over all customers and its derivatives."""
        times = _Times(alpha, self._ages, self._recencies)
        ahead = self.family == "mbg_nbd"
        psi_r, psi_b, psi_ab = digamma(r), digamma(b), digamma(a + b)
        fixed = r * log(alpha) - lgamma(r) + lgamma(a + b) - lgamma(b)
        value = by_r = by_alpha = by_a = by_b = 0.0
        for row in self._rows:
            n, rate = row.customers, r + row.frequency
            k = row.frequency + 1 if ahead else row.frequency
            part = times.alive(row, rate) if not k else times.maybe(row, rate, log(a / (b + k - 1)))
            value += part.value + n * (fixed + lgamma(rate) + lgamma(b + k) - lgamma(a + b + k))
            by_r += part.by_rate + n * (digamma(rate) - psi_r + times.log_alpha)
            by_alpha += part.by_alpha + n * r / alpha
            drop = psi_ab - digamma(a + b + k)
            by_a += n * drop + part.dropped / a
            by_b += n * (drop + digamma(b + k) - psi_b)
            by_b -= part.dropped / (b + k - 1) if k else 0.0
        return value, (by_r, by_alpha, by_a, by_b)


_Sums = tuple[float, float, float, float]
"""Of a row's customers: value, how many dropped out, slopes by r + x and by α."""


@dataclass(frozen=True, slots=True)
class _Part:
    """What the times of a row's customers add: to the value, how many dropped out, two slopes."""

    value: float
    dropped: float
    by_rate: float
    by_alpha: float


class _Times:
    """Logarithms and inverses of α and every time that occurs."""

    def __init__(self, alpha: float, ages: Iterable[float], recencies: Iterable[float]) -> None:
        self.log_alpha = log(alpha)
        self._log_ages = [log(alpha + age) for age in ages]
        self._log_recencies = [log(alpha + recency) for recency in recencies]
        self._per_age = [1 / (alpha + age) for age in ages]
        self._per_recency = [1 / (alpha + recency) for recency in recencies]

    def alive(self, row: _Row, rate: float) -> _Part:
        """Of customers who cannot have dropped out."""
        logs = sum(n * self._log_ages[age] for age, n, _ in row.columns)
        per = sum(n * self._per_age[age] for age, n, _ in row.columns)
        return _Part(-rate * logs, 0.0, -logs, -rate * per)

    def maybe(self, row: _Row, rate: float, last: float) -> _Part:
        """Of the others; ``last`` is the logarithm of the odds to drop out at one purchase."""
        sure = self.alive(row, rate)
        try:
            value, gone, by_rate, by_alpha = self._gone(row, rate, last)
        except OverflowError:
            value, gone, by_rate, by_alpha = self._long_gone(row, rate, last)
        return _Part(sure.value + value, gone, sure.by_rate + by_rate, sure.by_alpha + by_alpha)

    def _gone(self, row: _Row, rate: float, last: float) -> _Sums:
        """The sums of ln(1 + e^d), of w, and of w's part in the slopes."""
        logs, per = self._log_recencies, self._per_recency
        powers = [rate * one for one in logs]
        value = dropped = by_rate = by_alpha = 0.0
        for age, _, counted in row.columns:
            height = last + rate * self._log_ages[age]
            gone = gone_logs = gone_per = 0.0
            for at, n in counted:
                odds = exp(height - powers[at])
                value += n * log1p(odds)
                share = n * odds / (1.0 + odds)
                gone += share
                gone_logs += share * logs[at]
                gone_per += share * per[at]
            dropped += gone
            by_rate += gone * self._log_ages[age] - gone_logs
            by_alpha += gone * self._per_age[age] - gone_per
        return value, dropped, by_rate, rate * by_alpha

    def _long_gone(self, row: _Row, rate: float, last: float) -> _Sums:
        """The same where odds are beyond what a float holds, by e^-d."""
        value = dropped = by_rate = by_alpha = 0.0
        for age, _, counted in row.columns:
            for at, n in counted:
                waited = self._log_ages[age] - self._log_recencies[at]
                d = last + rate * waited
                less = exp(-abs(d))
                share = n / (1 + less) if d > 0 else n * less / (1 + less)
                value += n * (max(d, 0.0) + log1p(less))
                dropped += share
                by_rate += share * waited
                by_alpha += share * (self._per_age[age] - self._per_recency[at])
        return value, dropped, by_rate, rate * by_alpha


def _places(times: Sequence[float]) -> Mapping[float, int]:
    return {time: place for place, time in enumerate(times)}


def _rows(
    cells: Mapping[History, int], ages: Mapping[float, int], recencies: Mapping[float, int]
) -> tuple[_Row, ...]:
    found: defaultdict[int, defaultdict[int, list[tuple[int, int]]]]
    found = defaultdict(lambda: defaultdict(list))
    for (frequency, recency, age), n in cells.items():
        found[frequency][ages[age]].append((recencies[recency], n))
    return tuple(_row(frequency, found[frequency]) for frequency in sorted(found))


def _row(frequency: int, by_age: Mapping[int, list[tuple[int, int]]]) -> _Row:
    columns = tuple(_of_age(age, sorted(by_age[age])) for age in sorted(by_age))
    return _Row(frequency, sum(n for _, n, _ in columns), columns)


def _of_age(age: int, counted: Sequence[tuple[int, int]]) -> _Column:
    return age, sum(n for _, n in counted), tuple(counted)
