"""Who leaves at the next renewal? By tenure alone: the shifted beta-geometric model.

Everybody leaves at each renewal with a chance of their own, which is Beta(α, β) over all customers.
Those with a high one leave first, so that whoever is left is the likelier to stay::

    S(t) = B(α, β+t)/B(α, β),  chance to leave at the next renewal after t survived = α/(α+β+t)

>>> model = ShiftedBetaGeometric(alpha=0.668, beta=3.806)
>>> [round(model.survival(t), 3) for t in (1, 2, 7)], round(model.leaves_at(7), 3)
([0.851, 0.747, 0.489], 0.058)

Source: Fader and Hardie 2007, "How to project customer retention", whose "high end" the example is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import exp, lgamma, log

from chalicelib.core.model import Json

_SHORT, _LONG = 14, 56


@dataclass(frozen=True, slots=True)
class ShiftedBetaGeometric:
    alpha: float
    beta: float

    def survival(self, renewals: int) -> float:
        """The chance to be still there after so many renewals."""
        a, b = self.alpha, self.beta
        return exp(lgamma(b + renewals) - lgamma(b) + lgamma(a + b) - lgamma(a + b + renewals))

    def leaves_at(self, renewals: int) -> float:
        """The chance that who has survived so many renewals leaves at the next one."""
        return self.alpha / (self.alpha + self.beta + renewals)

    def to_json(self) -> dict[str, Json]:
        return {"alpha": self.alpha, "beta": self.beta}

    @classmethod
    def from_json(cls, stated: Mapping[str, Json]) -> ShiftedBetaGeometric:
        return cls(float(str(stated["alpha"])), float(str(stated["beta"])))


def usage_trend(days: Sequence[date], as_of: date) -> float | None:
    """Use of late over use of the longer past: both counted with half-lives of 14 and 56 days, and
    about 1 for steady use. None without any; days after ``as_of`` are not looked at.

    >>> from datetime import timedelta
    >>> daily = [date(2024, 1, 1) + timedelta(days=n) for n in range(365)]
    >>> round(usage_trend(daily, daily[-1]), 2)
    1.03
    >>> round(usage_trend(daily[:-28], daily[-1]), 2)
    0.37
    """
    ages = [(as_of - day).days for day in days if day <= as_of]
    late, ever = (_decayed(ages, half_life) for half_life in (_SHORT, _LONG))
    return _LONG / _SHORT * late / ever if ever else None


def _decayed(ages: Sequence[int], half_life: int) -> float:
    return sum(exp(-age * log(2) / half_life) for age in ages)
