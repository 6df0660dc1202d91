"""Gauss's hypergeometric function ₂F₁, as far as purchase models need it.

Its power series for c > 0 and 0 ≤ z < 1, stopped where a term is below 1e-15 of the sum. A sum that
grows beyond what a float holds is scaled down, and the logarithm of the scale is kept, so that
nothing overflows. With a or b far below -1 the terms alternate and their digits cancel: callers
choose another form of the function there.

Source: NIST Digital Library of Mathematical Functions, 15.2.1.
"""

from __future__ import annotations

from math import exp, log

_PRECISION = 1e-15
_LARGE = 1e200
_LOG_LARGE = log(_LARGE)
_MOST_TERMS = 200_000


def hyp2f1(a: float, b: float, c: float, z: float) -> float:
    """₂F₁(a, b; c; z); raises OverflowError where a float cannot hold it.

    >>> round(hyp2f1(1, 1, 2, 0.5), 12) == round(2 * log(2), 12)
    True
    >>> hyp2f1(3, 0, 1, 0.9)
    1.0
    """
    total, scale = scaled_hyp2f1(a, b, c, z)
    return total * exp(scale) if scale else total


def scaled_hyp2f1(a: float, b: float, c: float, z: float) -> tuple[float, float]:
    """``(s, l)`` with ₂F₁(a, b; c; z) = s·eˡ.

    >>> total, scale = scaled_hyp2f1(5000, 5000, 5001, 0.5)
    >>> scale > 0
    True
    """
    total = term = 1.0
    scale = 0.0
    for n in range(1, _MOST_TERMS):
        ratio = a * b * z / (c * n)
        term *= ratio
        total += term
        if ratio < 1 and -_PRECISION * total <= term <= _PRECISION * total:
            break
        if total > _LARGE:
            total, term, scale = total / _LARGE, term / _LARGE, scale + _LOG_LARGE
        a, b, c = a + 1.0, b + 1.0, c + 1.0
    return total, scale
