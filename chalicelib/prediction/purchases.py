"""Who is still a customer, and how much will they buy? Models of purchases without a contract.

A customer buys at a rate λ ~ Gamma(r, α) while alive, and drops out for good with a chance
p ~ Beta(a, b): in BG/NBD after each repeat purchase, in the modified MBG/NBD after the first
purchase too. So a BG/NBD customer who bought once is alive for sure by construction, and the
modified one is not; it is the default, and the other is there to compare with publications.

Times are in the model's unit, weeks as a rule, counted from the first purchase. In both families
everything follows from k, the occasions to drop out that there were, x or in the modified x + 1::

    P(alive)   = 1 / (1 + e^d),  d = ln a - ln(b+k-1) + (r+x)·(ln(α+T) - ln(α+t_x));  1 for k = 0
    E(t)       = (a+b+k-1)/(a-1)·[1 - (1-z)^(a-1)·₂F₁(a+b+k-1-r-x, a-1; a+b+k-1; z)]·P(alive)
                 with z = t/(α+T+t)
    P(any, t)  = P(alive)·[1 - ((α+T)/(α+T+t))^(r+x)]

E(t) is Euler's transformation of the form in print, which overflows from some hundred purchases on.

>>> model = PurchaseModel("bg_nbd", r=0.243, alpha=4.414, a=0.793, b=2.426)
>>> bought = History(frequency=2, recency=30.43, age=38.86)
>>> round(model.alive(bought), 3), round(model.expected(bought, 39), 3)
(0.727, 1.226)

Source: Fader, Hardie and Lee 2005 (Marketing Science 24), whose worked customer the example is;
Fader and Hardie, notes 004, 021 and 027; Batislam, Denizel and Filiztekin 2007 and Wagner and Hoppe
2008 for the modified family.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import exp, expm1, lgamma, log, log1p
from typing import Literal, NamedTuple, Protocol, get_args

from chalicelib.core.model import Json
from chalicelib.prediction.hypergeometric import scaled_hyp2f1

Family = Literal["bg_nbd", "mbg_nbd"]
FAMILIES: tuple[Family, ...] = get_args(Family)


class History(NamedTuple):
    """Of one customer: repeat purchases x, time t_x from the first to the last one, time T from the
    first to now. Several purchases on a day are one.

    A tuple, since a population is counted by it: hashing one takes a fifth of a dataclass's time.
    """

    frequency: int
    recency: float
    age: float


class Purchasing(Protocol):
    """What a model of either kind is asked."""

    def alive(self, h: History) -> float: ...
    def expected(self, h: History, t: float) -> float: ...
    def expected_if_alive(self, h: History, t: float) -> float: ...
    def any_purchase(self, h: History, t: float) -> float: ...


@dataclass(frozen=True, slots=True)
class PurchaseModel:
    """A fitted model of one family; ``alpha`` is in the unit of its customers' histories."""

    family: Family
    r: float
    alpha: float
    a: float
    b: float

    def alive(self, h: History) -> float:
        """The chance that the customer has not dropped out by now."""
        x, recency, age = h
        k = self._occasions(x)
        if not k:
            return 1.0
        gone = log(self.a) - log(self.b + k - 1)
        gone += (self.r + x) * (log(self.alpha + age) - log(self.alpha + recency))
        return _logistic(-gone)

    def expected(self, h: History, t: float) -> float:
        """Purchases that are expected within the next ``t``."""
        return self.alive(h) * self.expected_if_alive(h, t)

    def expected_if_alive(self, h: History, t: float) -> float:
        if t <= 0:
            return 0.0
        a = self.a if abs(self.a - 1) > _TOO_NEAR else 1 + _TOO_NEAR
        rate, odds = self.r + h.frequency, a + self.b + self._occasions(h.frequency) - 1
        odds = odds if abs(odds) > _TOO_NEAR else _TOO_NEAR  # 0 for a BG/NBD of small a + b
        power, first, second = a - 1, odds - rate, a - 1
        if first < -1:  # alternating terms: the form in print has positive ones alone
            power, first, second = rate, rate, odds - a + 1
        z = t / (self.alpha + h.age + t)
        total, scale = scaled_hyp2f1(first, second, odds, z)
        return max(-odds / (a - 1) * _less_one(total, power * log1p(-z) + scale), 0.0)

    def any_purchase(self, h: History, t: float) -> float:
        """The chance of at least one purchase within the next ``t``."""
        if t <= 0:
            return 0.0
        waits = (self.r + h.frequency) * log1p(t / (self.alpha + h.age))
        return -self.alive(h) * expm1(-waits)

    def unconditional(self, t: float) -> float:
        """Repeat purchases expected of anybody within ``t`` of the first purchase.

        >>> model = PurchaseModel("bg_nbd", r=0.243, alpha=4.414, a=0.793, b=2.426)
        >>> round(model.unconditional(39), 4)
        1.1967
        """
        return self.expected(History(0, 0.0, 0.0), t)

    def counts(self, h: History, t: float) -> list[float]:
        """The chances of 0, 1, 2 … purchases within the next ``t``, until hardly any is left.

        Whoever is still a customer has a rate of Gamma(r+x, α+T) and drops out after a purchase
        with Beta(a, b+k). Empty where there are too many to count.
        """
        x, _, age = h
        alive, r, b = self.alive(h), self.r + x, self.b + self._occasions(x)
        z = t / (self.alpha + age + t)
        here, stays = exp(r * log1p(-z)), 1.0
        found, goes_on = [1 - alive + alive * here], 1 - here
        left = 1 - found[0]
        for n in range(1, _MOST_COUNTED):
            if left < _HARDLY:
                return found
            drops = stays * self.a / (self.a + b + n - 1)
            stays *= (b + n - 1) / (self.a + b + n - 1)
            here *= (r + n - 1) / n * z
            found.append(alive * (stays * here + drops * max(goes_on, 0.0)))
            goes_on -= here
            left -= found[-1]
        return []

    def probability_of(self, n: int, t: float) -> float:
        """The chance of exactly ``n`` repeat purchases within ``t`` of the first purchase."""
        a, b, k = self.a, self.b, self._occasions(n)
        counts = [self._poisson_gamma(j, t) for j in range(n + 1)]
        chance = counts[n] * exp(_log_beta(a, b + k) - _log_beta(a, b))
        if k:
            dropped = exp(_log_beta(a + 1, b + k - 1) - _log_beta(a, b))
            chance += dropped * max(1 - sum(counts[:n]), 0.0)
        return chance

    def to_json(self) -> dict[str, Json]:
        return {
            "family": self.family, "r": self.r, "alpha": self.alpha, "a": self.a, "b": self.b,
        }  # fmt: skip

    @classmethod
    def from_json(cls, stated: Mapping[str, Json]) -> PurchaseModel:
        """Raises KeyError or ValueError for what is no model."""
        family = next((one for one in FAMILIES if one == stated["family"]), None)
        if family is None:
            raise ValueError(f"no such family of models: {stated['family']!r}")
        return cls(family, *(float(str(stated[name])) for name in ("r", "alpha", "a", "b")))

    def _occasions(self, x: int) -> int:
        return x + 1 if self.family == "mbg_nbd" else x

    def _poisson_gamma(self, j: int, t: float) -> float:
        """The chance of ``j`` purchases within ``t`` of somebody who stays alive."""
        whole = self.alpha + t
        ways = lgamma(self.r + j) - lgamma(self.r) - lgamma(j + 1)
        share = j * log(t / whole) if j else 0.0
        return exp(ways + self.r * log(self.alpha / whole) + share)


@dataclass(frozen=True, slots=True)
class RateModel:
    """What serves where no model can be fitted: everybody's rate, and patience.

    The rate of a customer is shrunk towards the population's ρ as if all had been seen for τ
    longer, (x + ρτ)/(T + τ), which is the mean of a Gamma(ρτ, τ) after x purchases in T. It is
    halved for every usual gap by which the last purchase is later than usual. A heuristic: nothing
    is fitted, and to show it as a model's number would be to lie.

    >>> model = RateModel(rate=0.1, tau=26, median_gap=6)
    >>> model.alive(History(3, 18, 24)), model.alive(History(3, 18, 36))
    (1.0, 0.25)
    """

    rate: float
    tau: float
    median_gap: float

    def alive(self, h: History) -> float:
        own = h.recency / h.frequency if h.frequency else 0.0
        usual = max(own, self.median_gap)
        late = max(h.age - h.recency - usual, 0.0)
        return 2.0 ** (-late / usual) if usual > 0 else float(not late)

    def expected(self, h: History, t: float) -> float:
        return self.alive(h) * self.expected_if_alive(h, t)

    def expected_if_alive(self, h: History, t: float) -> float:
        return max(t, 0.0) * (h.frequency + self.rate * self.tau) / (h.age + self.tau)

    def any_purchase(self, h: History, t: float) -> float:
        waits = (h.frequency + self.rate * self.tau) * log1p(max(t, 0.0) / (h.age + self.tau))
        return -self.alive(h) * expm1(-waits)

    def to_json(self) -> dict[str, Json]:
        return {"rate": self.rate, "tau": self.tau, "median_gap": self.median_gap}

    @classmethod
    def from_json(cls, stated: Mapping[str, Json]) -> RateModel:
        return cls(*(float(str(stated[name])) for name in ("rate", "tau", "median_gap")))


def history_of(days: Sequence[date], as_of: date, unit_days: float) -> History | None:
    """Of the days on which somebody bought, in any order; None without one up to ``as_of``.

    >>> history_of([date(2024, 1, 8), date(2024, 1, 1), date(2024, 1, 8)], date(2024, 1, 15), 7)
    History(frequency=1, recency=1.0, age=2.0)
    """
    known = {day for day in days if day <= as_of}
    if not known:
        return None
    first = min(known)
    return History(
        frequency=len(known) - 1,
        recency=(max(known) - first).days / unit_days,
        age=(as_of - first).days / unit_days,
    )


@dataclass(frozen=True, slots=True)
class Contributions:
    """``base`` is the number of the usual customer; with the three parts it is this customer's."""

    base: float
    frequency: float
    recency: float
    age: float


def contributions(measure: Callable[[History], float], h: History, usual: History) -> Contributions:
    """What sets a customer's number apart from that of ``usual``, the population's medians.

    One input is put to its median while the others stay: the purchases, the time since the last
    one, the time since the first one. The differences are scaled to add up; where they do not
    all point one way, what is missing is laid on each by its size. Of who bought once the time
    since the last purchase and since the first are one, and the whole difference is that of it.
    """
    base = measure(usual)
    if not h.frequency:
        return Contributions(base, 0.0, measure(h) - base, 0.0)
    silence = h.age - h.recency
    silent = usual.age - usual.recency
    alone = (
        measure(_history(usual.frequency, silence, h.age)),
        measure(_history(h.frequency, silent, h.age)),
        measure(_history(h.frequency, silence, usual.age)),
    )
    whole = measure(h)
    parts = [whole - one for one in alone]
    missing, sizes = whole - base - sum(parts), sum(map(abs, parts))
    shares = [abs(part) / sizes if sizes else 1 / 3 for part in parts]
    told = [part + missing * share for part, share in zip(parts, shares, strict=True)]
    return Contributions(base, *told)


def _history(frequency: int, silence: float, age: float) -> History:
    """The nearest possible history: nobody is silent for longer than they are known."""
    return History(frequency, max(age - silence, 0.0) if frequency else 0.0, age)


_TOO_NEAR = 1e-6
_MOST_COUNTED = 1000
_HARDLY = 1e-3


def _less_one(factor: float, power: float) -> float:
    """``factor``·e^``power`` - 1 by its logarithm, lest the digits of a small one cancel."""
    return expm1(power + log(factor)) if factor > 0 else factor * exp(power) - 1


def _logistic(value: float) -> float:
    if value >= 0:
        return 1 / (1 + exp(-value))
    power = exp(value) if value > _SMALLEST else 0.0
    return power / (1 + power)


_SMALLEST = -700


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)
