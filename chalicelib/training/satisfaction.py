"""How satisfied customers are as a whole: NPS and CSAT with their margins, and alarms.

``NPS = 100 · (P - D) / n`` of answers 0-10, with promoters P (9-10) and detractors D (0-6). One
answer has the variance ``P/n + D/n - (P/n - D/n)²``, so 95 % of all samples lie within
``1.96 · √(variance / n) · 100``.

>>> nps([10, 9, 9, 8, 7, 3])  # doctest: +ELLIPSIS
Nps(value=33.333..., margin=59.640..., answers=6)
>>> csat([5, 4, 4, 2])  # doctest: +ELLIPSIS
Csat(share=0.75, low=0.300..., high=0.954..., answers=4)

Source: Reichheld 2003, "The one number you need to grow"; Wilson 1927 for the interval.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Z = 1.96
"""Of a normal distribution, 95 % lie within so many standard deviations."""

ENOUGH = 30
"""A value of fewer answers may be shown, but says too little to be coloured."""


@dataclass(frozen=True, slots=True)
class Nps:
    """``value`` is -100 to 100, ``margin`` its half interval of 95 % in the same points."""

    value: float
    margin: float
    answers: int

    @property
    def is_telling(self) -> bool:
        return self.answers >= ENOUGH


@dataclass(frozen=True, slots=True)
class Csat:
    """``share`` of the satisfied, 0-1, with Wilson's interval of 95 %."""

    share: float
    low: float
    high: float
    answers: int


def nps(answers: Sequence[float]) -> Nps | None:
    """Of answers 0-10; None without any."""
    count = len(answers)
    if not count:
        return None
    promoters = sum(answer >= 9 for answer in answers) / count  # noqa: PLR2004  # Reichheld's
    detractors = sum(answer <= 6 for answer in answers) / count  # noqa: PLR2004  # classes
    net = promoters - detractors
    variance = max(promoters + detractors - net**2, 0.0)
    return Nps(100 * net, 100 * Z * math.sqrt(variance / count), count)


def csat(answers: Sequence[float]) -> Csat | None:
    """Of answers 1-5, of which 4 and 5 are satisfied; None without any."""
    count = len(answers)
    if not count:
        return None
    satisfied = sum(answer >= 4 for answer in answers)  # noqa: PLR2004  # "satisfied" and better
    return Csat(satisfied / count, *wilson(satisfied, count), count)


def wilson(hits: float, count: float) -> tuple[float, float]:
    """The interval of 95 % of a share, which holds for few trials and near 0 and 1 too.

    >>> [round(bound, 4) for bound in wilson(0, 10)]
    [0.0, 0.2775]
    """
    share, spread = hits / count, Z**2 / count
    middle = share + spread / 2
    half = Z * math.sqrt(share * (1 - share) / count + spread / (4 * count))
    return max(0.0, (middle - half) / (1 + spread)), min(1.0, (middle + half) / (1 + spread))


def has_declined(before: Nps | None, now: Nps | None) -> bool:
    """Whether a segment fell by more than both margins together.

    >>> has_declined(Nps(40, 10, 200), Nps(15, 12, 150)), has_declined(Nps(40, 10, 200), None)
    (True, False)
    """
    return bool(before and now and before.value - now.value > before.margin + now.margin)


def mean_satisfaction(customers: Iterable[float]) -> float | None:
    """What answers are shrunk to: the mean over customers of their own mean answer, 0-100.

    >>> mean_satisfaction([100, 50, 75]), mean_satisfaction([])
    (75.0, None)
    """
    means = list(customers)
    return math.fsum(means) / len(means) if means else None
