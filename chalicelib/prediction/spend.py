"""What will a customer spend per purchase? Three answers, by how much is known of all.

In the Gamma-Gamma model the amounts of a customer are Gamma(p, ν) with ν ~ Gamma(q, v) over the
customers, and do not depend on how often one buys. Of x repeat purchases with a mean of m::

    E[M | x, m] = p·(v + x·m) / (p·x + q - 1),  the population's mean p·v/(q - 1) for x = 0

Amounts are in the unit they were fitted in; purchases that were netted to nothing count in x, and
bring no spend.

>>> model = SpendModel(p=6.25, q=3.74, v=15.44)
>>> round(model.expected(0, 0.0), 2), round(model.expected(2, 22.35), 2)
(35.22, 24.66)

Source: Fader and Hardie, note 025 (2013); Colombo and Jiang 1999; Fader, Hardie and Lee 2005 (JMR).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp
from typing import Protocol

from chalicelib.core.model import Json


class Spending(Protocol):
    """What a model of any kind is asked."""

    def expected(self, frequency: int, mean: float) -> float: ...


@dataclass(frozen=True, slots=True)
class SpendModel:
    """Gamma-Gamma; ``v`` is in the unit of money."""

    p: float
    q: float
    v: float

    @property
    def mean(self) -> float:
        """Of a customer of whom nothing is known; needs q > 1."""
        return self.p * self.v / (self.q - 1)

    def expected(self, frequency: int, mean: float) -> float:
        spent = frequency * max(mean, 0.0)
        if not spent:
            return self.mean
        return self.p * (self.v + spent) / (self.p * frequency + self.q - 1)


@dataclass(frozen=True, slots=True)
class ShrunkenSpend:
    """The own mean, drawn towards that of all as if ``weight`` purchases had been of it.

    >>> ShrunkenSpend(mean=100).expected(1, 20), ShrunkenSpend(mean=100).expected(0, 0)
    (80.0, 100)
    """

    mean: float
    weight: float = 3

    def expected(self, frequency: int, mean: float) -> float:
        spent = frequency * max(mean, 0.0)
        if not spent:
            return self.mean
        return (spent + self.weight * self.mean) / (frequency + self.weight)


@dataclass(frozen=True, slots=True)
class SpendByFrequency:
    """Where spend depends on how often one buys: log-normal with a mean of ``start + slope·x`` in
    logarithms and ``variance``, in place of the mean of all.
    """

    start: float
    slope: float
    variance: float
    most: int
    """The largest x that it was fitted on; beyond it the line is not drawn on."""

    def expected(self, frequency: int, mean: float) -> float:
        line = self.start + self.slope * min(frequency, self.most)
        return ShrunkenSpend(exp(line + self.variance / 2)).expected(frequency, mean)


def spending_of(parameters: Mapping[str, Json]) -> Spending:
    """The model that training published; raises KeyError or ValueError for what is none."""

    def value(name: str) -> float:
        return float(str(parameters[name]))

    method = parameters["method"]
    if method == "gamma_gamma":
        return SpendModel(value("p"), value("q"), value("v"))
    if method == "shrunken":
        return ShrunkenSpend(value("mean"))
    if method == "regression":
        most = int(value("most"))
        return SpendByFrequency(value("start"), value("slope"), value("variance"), most)
    raise ValueError(f"no such model of spend: {method!r}")
