"""The digamma function, which the standard library has none of."""

from __future__ import annotations

from math import log

_FROM = 10.0


def digamma(x: float) -> float:
    """ψ(x) for x > 0: by recurrence up to x ≥ 10, then the asymptotic series to x⁻¹⁰.

    Source: NIST Digital Library of Mathematical Functions, 5.5.2 and 5.11.2.

    >>> round(digamma(1.0), 12)  # less Euler's constant
    -0.577215664902
    >>> round(digamma(1000.0), 12)
    6.907255195649
    """
    below = 0.0
    while x < _FROM:
        below += 1 / x
        x += 1
    y = 1 / (x * x)
    series = y * (1 / 12 - y * (1 / 120 - y * (1 / 252 - y * (1 / 240 - y / 132))))
    return log(x) - 0.5 / x - series - below
