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

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import exp, exp2, fsum, lgamma

from chalicelib.core.model import Json

_SHORT, _LONG, _FORGOTTEN = 14, 56, 90


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


def usage_trend(uses: Iterable[tuple[float, float]]) -> float | None:
    """Use of late over use of the longer past, of pairs of days ago and how often: both counted
    with half-lives of 14 and 56 days, and about 1 for steady use.

    0 of who has not used it for 90 days, None of who never has. What is to come is not looked at.

    >>> daily = [(day, 1) for day in range(365)]
    >>> round(usage_trend(daily), 2), round(usage_trend(daily[28:]), 2), usage_trend(daily[90:])
    (1.03, 0.37, 0.0)
    """
    past = [one for one in uses if one[0] >= 0]
    if not past:
        return None
    if min(past)[0] >= _FORGOTTEN:
        return 0.0
    late, ever = (_decayed(past, half_life) for half_life in (_SHORT, _LONG))
    return _LONG / _SHORT * late / ever if ever else None


def _decayed(uses: Iterable[tuple[float, float]], half_life: int) -> float:
    return fsum(times * exp2(-age / half_life) for age, times in uses)
