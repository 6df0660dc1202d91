"""Did those whom something reached buy more often, among others who are alike?

People are parted into strata, and only within a stratum are those who were reached compared with
those who were not. With a of n₁ reached and c of n₀ others who bought, N = n₁ + n₀ together::

    difference = Σ w (a/n₁ - c/n₀) / Σ w                 w = n₁ n₀ / N
    odds ratio = Σ a (n₀ - c) / N  /  Σ c (n₁ - a) / N

summed over strata. This is association: what else parts the two, within a stratum, is not known.

Of 40 who saw a demo 20 bought, of 60 others 10, all alike otherwise:

>>> found = association([Stratum(bought=20, reached=40, others_bought=10, others=60)])
>>> round(found.difference, 3), [round(bound, 3) for bound in found.interval]
(0.333, [0.152, 0.515])
>>> round(found.log_odds, 3)
1.609

Source: Mantel and Haenszel 1959; the variance of the difference is that of Sato 1989, "On the
variance estimator of the Mantel-Haenszel risk difference", that of the logarithm of the odds ratio
is that of Robins, Breslow and Greenland 1986; both hold for few large strata and for many small
ones. The probability is that of Cochran's and Mantel's test without a correction.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

Z = 1.959964

FEWEST_PEOPLE = 30
FEWEST_OUTCOMES = 10
"""Below so many on either side a normal interval is not to be trusted, and nothing is said."""


class Stratum(NamedTuple):
    """Of ``reached`` people ``bought`` did, of ``others`` ``others_bought``."""

    bought: int
    reached: int
    others_bought: int
    others: int

    @property
    def people(self) -> int:
        return self.reached + self.others

    @property
    def outcomes(self) -> int:
        return self.bought + self.others_bought


@dataclass(frozen=True)
class Association:
    """Over the strata that hold people of both sorts, since the others compare nobody.

    ``difference`` is that of the shares who bought, -1 to 1; ``log_odds`` is the logarithm of
    the odds ratio, with its standard error in ``error``. ``probability`` is that of seeing so much
    or more where nothing is the matter.
    """

    strata: tuple[Stratum, ...]
    difference: float
    deviation: float
    log_odds: float
    error: float
    probability: float

    @property
    def interval(self) -> tuple[float, float]:
        """Of the difference, 95 %."""
        half = Z * self.deviation
        return max(-1.0, self.difference - half), min(1.0, self.difference + half)

    @property
    def log_odds_interval(self) -> tuple[float, float]:
        return self.log_odds - Z * self.error, self.log_odds + Z * self.error

    @cached_property
    def total(self) -> Stratum:
        return Stratum(*map(sum, zip(*self.strata, strict=True)))


def too_few(strata: Iterable[Stratum]) -> str:
    """Why nothing can be said; empty where there is enough.

    >>> too_few([Stratum(3, 12, 5, 400)])
    '12 people reached, 30 needed'
    """
    total = [sum(column) for column in zip(*_comparing(strata), strict=True)] or [0] * 4
    bought, reached, others_bought, others = total
    outcomes = bought + others_bought
    return next(
        (
            f"{count} {what}, {fewest} needed"
            for count, what, fewest in (
                (reached, "people reached", FEWEST_PEOPLE),
                (others, "others to compare with", FEWEST_PEOPLE),
                (outcomes, "of them bought later", FEWEST_OUTCOMES),
                (reached + others - outcomes, "of them did not buy later", FEWEST_OUTCOMES),
            )
            if count < fewest
        ),
        "",
    )


def association(strata: Iterable[Stratum]) -> Association:
    """Raises ValueError where no stratum holds people of both sorts."""
    comparing = tuple(_comparing(strata))
    if not comparing:
        raise ValueError("nobody to compare with")
    difference, deviation = _difference(comparing)
    log_odds, error = _log_odds(comparing)
    probability = _probability(comparing)
    return Association(comparing, difference, deviation, log_odds, error, probability)


def _comparing(strata: Iterable[Stratum]) -> Iterable[Stratum]:
    return [one for one in strata if one.reached and one.others]


def _difference(strata: Sequence[Stratum]) -> tuple[float, float]:
    weight = math.fsum(one.reached * one.others / one.people for one in strata)
    top = math.fsum(
        (one.bought * one.others - one.others_bought * one.reached) / one.people for one in strata
    )
    difference = top / weight
    variance = math.fsum(difference * _p(one) + _q(one) for one in strata) / weight**2
    return difference, math.sqrt(max(variance, 0.0))


def _p(one: Stratum) -> float:
    """Sato's P."""
    n1, n0 = one.reached, one.others
    top = n1**2 * one.others_bought - n0**2 * one.bought + n1 * n0 * (n0 - n1) / 2
    return top / one.people**2


def _q(one: Stratum) -> float:
    """Sato's Q."""
    left, right = one.others - one.others_bought, one.reached - one.bought
    return (one.bought * left + one.others_bought * right) / (2 * one.people)


class _Cells(NamedTuple):
    """Shares of concordant and discordant pairs, and of people, in one stratum."""

    r: float
    s: float
    p: float
    q: float


def _cells(one: Stratum, more: float = 0.0) -> _Cells:
    a, b = one.bought + more, one.reached - one.bought + more
    c, d = one.others_bought + more, one.others - one.others_bought + more
    people = a + b + c + d
    return _Cells(a * d / people, b * c / people, (a + d) / people, (b + c) / people)


def _log_odds(strata: Sequence[Stratum]) -> tuple[float, float]:
    """Half a person more in every cell where one side has none, which draws it towards nothing."""
    cells = [_cells(one) for one in strata]
    if not any(one.r for one in cells) or not any(one.s for one in cells):
        cells = [_cells(one, 0.5) for one in strata]
    r, s = math.fsum(one.r for one in cells), math.fsum(one.s for one in cells)
    variance = (
        math.fsum(one.p * one.r for one in cells) / (2 * r * r)
        + math.fsum(one.p * one.s + one.q * one.r for one in cells) / (2 * r * s)
        + math.fsum(one.q * one.s for one in cells) / (2 * s * s)
    )
    return math.log(r / s), math.sqrt(variance)


def _probability(strata: Sequence[Stratum]) -> float:
    surplus = math.fsum(one.bought - one.reached * one.outcomes / one.people for one in strata)
    variance = math.fsum(_variance(one) for one in strata)
    return two_sided(surplus / math.sqrt(variance)) if variance > 0 else 1.0


def _variance(one: Stratum) -> float:
    """Of the hypergeometric number of those reached who bought."""
    n = one.people
    return one.reached * one.others * one.outcomes * (n - one.outcomes) / (n * n * (n - 1))


def two_sided(z: float) -> float:
    """The probability of a normal deviate at least so far from nothing.

    >>> round(two_sided(-1.959964), 4)
    0.05
    """
    return math.erfc(abs(z) / math.sqrt(2))


def discoveries(probabilities: Sequence[float], share: float = 0.05) -> list[bool]:
    """Which of the many that were looked at are findings.

    Of those that are called so, on average no more than ``share`` are nothing; also where they
    depend on each other as tests of one population mostly do.

    >>> discoveries([0.01, 0.04, 0.02, 0.9])
    [True, False, True, False]

    Source: Benjamini and Hochberg 1995; Benjamini and Yekutieli 2001 for dependence.
    """
    ordered = sorted(probabilities)
    count = len(ordered)
    within = [one for rank, one in enumerate(ordered, start=1) if one <= share * rank / count]
    limit = max(within, default=-1.0)
    return [one <= limit for one in probabilities]
