"""Which category goes with which: whoever bought c, how much more often do they buy d?

Of n customers, n_c have ever bought c, n_d have bought d and n_cd both::

    lift(c→d) = P(d|c) / P(d) = n_cd · n / (n_c · n_d)
    bound     = lift · exp(-1.96 · √(1/n_cd - 1/n_c - 1/n_d + (2·lift - 1)/n))

A pair is kept from 20 joint customers on, if its bound, the lower end of the two-sided 95 %
interval, is above 1. Pairs are judged one by one, without a correction for how many they are.

Of 200 customers 80 bought tea, 50 bought cups, and 40 bought both:

>>> tea, both, cups = frozenset(["tea"]), frozenset(["tea", "cups"]), frozenset(["cups"])
>>> fitted = cross_sell([both] * 40 + [tea] * 40 + [cups] * 10 + [frozenset()] * 110)
>>> fitted["goes_with"]["tea"], fitted["n"]
([['cups', 2.0, 1.6878]], 200)

Source: lift is that of Brin, Motwani, Ullman and Tsur 1997 (there "interest"); the interval is
normal in the logarithm, as that of Katz, Baptista, Azen and Pike 1978 for ratios of risks. As
whoever bought c is among all, the variance is that of the delta method for four cells of one
multinomial sample (Agresti 2013, Categorical Data Analysis, chapter 16.1).
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from itertools import permutations

from chalicelib.core.model import Json

FEWEST_JOINT = 20
_Z = 1.96
_DIGITS = 4


def cross_sell(customers: Iterable[frozenset[str]]) -> Mapping[str, Json]:
    """``goes_with`` maps c to ``[d, lift, bound]``, best bound first; ``n`` counts customers."""
    n, bought, joint = 0, Counter[str](), Counter[tuple[str, str]]()
    for categories in customers:
        n += 1
        bought.update(categories)
        joint.update(permutations(sorted(categories), 2))
    found: defaultdict[str, list[tuple[float, str, float]]] = defaultdict(list)
    for (c, d), both in joint.items():
        lift, bound = lift_and_bound(both, bought[c], bought[d], n)
        if both >= FEWEST_JOINT and bound > 1:
            found[c].append((-bound, d, lift))
    return {"goes_with": {c: _rows(found[c]) for c in sorted(found)}, "n": n}


def lift_and_bound(both: int, c: int, d: int, n: int) -> tuple[float, float]:
    """Of at least one joint customer."""
    lift = both * n / (c * d)
    # Rounding may leave a little less than nothing where all have bought both.
    variance = max(0.0, 1 / both - 1 / c - 1 / d + (2 * lift - 1) / n)
    return lift, lift * math.exp(-_Z * math.sqrt(variance))


def _rows(found: list[tuple[float, str, float]]) -> Json:
    return [[d, round(lift, _DIGITS), round(-less, _DIGITS)] for less, d, lift in sorted(found)]
