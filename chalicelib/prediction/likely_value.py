"""Between which sums will one customer's value come out, four times of five?

What a customer buys within a time is a mixture over the number of purchases. Of a customer with x
repeat purchases who is still one, the rate is Gamma(r+x, α+T) and the chance to drop out after a
purchase Beta(a, b+k), which gives each number its chance (``PurchaseModel.counts``). A sum of n
purchases is the quotient of a Gamma(p·n) by a Gamma(p·x+q), times v+x·m, and is laid on points that
are as likely as each other, as if its logarithm were normal. Open deals are added as if their sum
were normal. The shortest range is told that holds 80 % of all; where it is likelier than that that
nothing comes, it is nothing.

>>> likely([(0.5, 0.0), (0.3, 10.0), (0.15, 20.0), (0.05, 90.0)])
(0.0, 10.0)

Source: Fader, Hardie and Lee 2005 and note 025 of Fader and Hardie for the parts; Hyndman 1996 for
the shortest range.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from math import exp, log, sqrt
from statistics import NormalDist

from chalicelib.prediction.lifetime_value import combined
from chalicelib.prediction.purchases import History, PurchaseModel
from chalicelib.prediction.spend import SpendModel

HELD = 0.8

Weighed = tuple[float, float]
"""How likely a sum is, and the sum."""

_POINTS = 7
_Z = [NormalDist().inv_cdf((place + 0.5) / _POINTS) for place in range(_POINTS)]
_MOST_COUNTS = 16
_NEARLY = 1e-9

_WIDEST = 10.0
"""Deviation of a sum's logarithm beyond which a range tells nothing."""


def purchases_to_come(
    model: PurchaseModel,
    spend: SpendModel,
    h: History,
    mean: float,
    *,
    t: float,
    scale: float,
    paid: int | None = None,
) -> list[Weighed]:
    """Sums of what is bought within the next ``t``, each times ``scale``; none where there may be
    too many purchases to count, or where sums may be anything. ``mean`` is of all repeat
    purchases, or of ``paid`` of them.
    """
    chances = model.counts(h, t)
    if not chances:
        return []
    counts = list(_gathered(chances))
    x = h.frequency if paid is None else paid
    x = x if mean > 0 else 0
    q, v = spend.p * x + spend.q, spend.v + x * max(mean, 0.0)
    middle, spread = _log_gamma(q)
    found = [(weight, 0.0) for weight, n in counts if not n]
    for weight, n in counts:
        if n:
            own, wide = _log_gamma(spend.p * n)
            start, deviation = log(v * scale) + own - middle, sqrt(wide + spread)
            if deviation > _WIDEST:
                return []
            found += [(weight / _POINTS, exp(start + deviation * z)) for z in _Z]
    return found


def with_deals(
    sums: Sequence[Weighed], pipeline: float, deviation: float, overlap: float
) -> list[Weighed]:
    """What open deals will bring is added, without what both count."""
    if not pipeline:
        return list(sums)
    deals = [max(pipeline + deviation * z, 0.0) for z in _Z]
    return [
        (weight / _POINTS, combined(one, deal, overlap)) for weight, one in sums for deal in deals
    ]


def likely(sums: Iterable[Weighed], held: float = HELD) -> tuple[float, float]:
    """The shortest range of sums that is as likely as ``held``; the lowest of several."""
    known = sorted((one, weight) for weight, one in sums)
    until = list(accumulate(weight for _, weight in known))
    needed = held * until[-1] - _NEARLY
    best, high = (known[0][0], known[-1][0]), 0
    for low, (least, _) in enumerate(known):
        before = until[low - 1] if low else 0.0
        while high < len(known) and until[high] - before < needed:
            high += 1
        if high == len(known):
            break
        if known[high][0] - least < best[1] - best[0]:
            best = least, known[high][0]
    return best


def _gathered(chances: Sequence[float]) -> Iterator[tuple[float, float]]:
    """Of many numbers of purchases those that are near each other by their mean; 0 by itself."""
    step = len(chances) // _MOST_COUNTS + 1
    yield chances[0], 0.0
    for start in range(1, len(chances), step):
        numbers = range(start, min(start + step, len(chances)))
        weight = sum(chances[n] for n in numbers)
        if weight:
            yield weight, sum(n * chances[n] for n in numbers) / weight


def _log_gamma(k: float) -> tuple[float, float]:
    """Mean and variance of the logarithm of a Gamma(k), to a few thousandths."""
    n = k + 1
    mean = log(n) - 1 / (2 * n) - 1 / (12 * n * n) - 1 / k
    return mean, 1 / n + 1 / (2 * n * n) + 1 / (6 * n**3) + 1 / (k * k)
