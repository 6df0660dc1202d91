"""Would the model have foretold what happened? Fitted on a past day, held against what followed.

It tells the total that was predicted over the total that came, how the two go together customer by
customer, what part of the purchases the best tenth made, the same by tenths, the course by steps of
time, and how the rule of thumb x/T·t would have done. Intervals are of 95 %: of a ratio of sums by
its linear part, of a correlation by Fisher's transformation.

Source: Fader, Hardie and Lee 2005, sections 4 and 5; Cochran 1977, chapter 6 for the ratio.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import atanh, sqrt, tanh
from typing import NamedTuple

from chalicelib.core.model import Json
from chalicelib.prediction.purchases import History, PurchaseModel, Purchasing
from chalicelib.training.buyers import Past

WITHIN = 0.25
"""By how much the total may be off if expected counts are to be shown."""

_Z = 1.959964
_DECILES = 10

Interval = tuple[float, float]


class Step(NamedTuple):
    """Repeat purchases within one unit of time of customers known on the past day."""

    number: int
    actual: int
    expected: float


class Decile(NamedTuple):
    """Means per customer, of those whose predicted number is of one size; the best come first."""

    customers: float
    predicted: float
    actual: float


class Chance(NamedTuple):
    """Customers by their predicted chance to buy at all, and how many did."""

    chance: float
    customers: int
    buyers: int


@dataclass(frozen=True, slots=True)
class Backtest:
    """Numbers of purchases within ``horizon`` of the past day."""

    horizon: float
    customers: int
    predicted: float
    actual: int
    interval: Interval | None
    correlation: float | None
    correlation_interval: Interval | None
    top_decile: float | None
    """Part of all purchases that was made by the tenth which was predicted to buy most."""

    top_decile_interval: Interval | None
    naive: float
    naive_correlation: float | None
    deciles: tuple[Decile, ...]
    chances: tuple[Chance, ...]
    weekly: tuple[Step, ...]

    @property
    def total_ratio(self) -> float | None:
        return self.predicted / self.actual if self.actual else None

    @property
    def naive_ratio(self) -> float | None:
        return self.naive / self.actual if self.actual else None

    @property
    def counts_hold(self) -> bool:
        """Whether expected counts may be shown, and not only who comes before whom."""
        ratio = self.total_ratio
        return ratio is not None and abs(ratio - 1) <= WITHIN

    def to_json(self) -> dict[str, Json]:
        return {
            "horizon": self.horizon,
            "customers": self.customers,
            "predicted": self.predicted,
            "actual": self.actual,
            "total_ratio": self.total_ratio,
            "interval": _listed(self.interval),
            "correlation": self.correlation,
            "correlation_interval": _listed(self.correlation_interval),
            "top_decile": self.top_decile,
            "top_decile_interval": _listed(self.top_decile_interval),
            "naive_ratio": self.naive_ratio,
            "naive_correlation": self.naive_correlation,
            "deciles": [list(one) for one in self.deciles],
        }


class _Row(NamedTuple):
    """Customers of one history who bought ``actual`` times."""

    customers: int
    predicted: float
    actual: int
    naive: float
    chance: float


def backtest(past: Past, model: Purchasing) -> Backtest:
    """Of a model that was fitted to ``past.cells``, so that it knows nothing of what followed."""
    rows = sorted(_predicted(past, model), key=lambda row: -row.predicted)
    customers, actual = sum(row.customers for row in rows), _sum(rows, lambda row: row.actual)
    correlation = _correlation(rows, lambda row: row.predicted)
    best = _best(rows, customers / _DECILES)
    return Backtest(
        horizon=past.horizon,
        customers=customers,
        predicted=_sum(rows, lambda row: row.predicted),
        actual=round(actual),
        interval=_ratio([(row.customers, row.predicted, row.actual) for row in rows]),
        correlation=correlation,
        correlation_interval=_fisher(correlation, customers),
        top_decile=sum(n * hits for n, hits, _ in best) / actual if actual else None,
        top_decile_interval=_ratio(best),
        naive=_sum(rows, lambda row: row.naive),
        naive_correlation=_correlation(rows, lambda row: row.naive),
        deciles=tuple(_deciles(rows, customers)),
        chances=tuple(_chances(rows)),
        weekly=tuple(_steps(past, model)) if isinstance(model, PurchaseModel) else (),
    )


def chances_within(past: Past, model: Purchasing, days: int) -> list[Chance]:
    """What was told of buying within so many days of the past day, and how many did."""
    buyers: Counter[History] = Counter()
    for (history, wait), n in past.waits.items():
        buyers[history] += n if wait <= days else 0
    found: defaultdict[float, list[int]] = defaultdict(lambda: [0, 0])
    for history, n in past.cells.items():
        counted = found[model.any_purchase(History(*history), days / past.unit_days)]
        counted[0] += n
        counted[1] += buyers[history]
    return [Chance(chance, *found[chance]) for chance in sorted(found)]


def _predicted(past: Past, model: Purchasing) -> Iterator[_Row]:
    by_history: defaultdict[History, dict[int, int]] = defaultdict(dict)
    for (history, actual), n in past.rows.items():
        by_history[History(*history)][actual] = n
    for h, counts in by_history.items():
        expected, chance = model.expected(h, past.horizon), model.any_purchase(h, past.horizon)
        naive = h.frequency / h.age * past.horizon if h.age else 0.0
        yield from (_Row(n, expected, actual, naive, chance) for actual, n in counts.items())


def _sum(rows: Iterable[_Row], value: Callable[[_Row], float]) -> float:
    return sum(row.customers * value(row) for row in rows)


def _correlation(rows: Sequence[_Row], value: Callable[[_Row], float]) -> float | None:
    """Pearson's, of ``value`` with what came; None where either is the same for all."""
    n = sum(row.customers for row in rows)
    if not n:
        return None
    x, y = _sum(rows, value) / n, _sum(rows, lambda row: row.actual) / n
    both = _sum(rows, lambda row: (value(row) - x) * (row.actual - y))
    spread = _sum(rows, lambda row: (value(row) - x) ** 2)
    spread *= _sum(rows, lambda row: (row.actual - y) ** 2)
    return max(-1.0, min(1.0, both / sqrt(spread))) if spread > 0 else None


def _fisher(correlation: float | None, n: int) -> Interval | None:
    if correlation is None or abs(correlation) >= 1 or n <= _FEWEST_FOR_FISHER:
        return None
    middle, width = atanh(correlation), _Z / sqrt(n - _FEWEST_FOR_FISHER)
    return tanh(middle - width), tanh(middle + width)


_FEWEST_FOR_FISHER = 3


def _ratio(rows: Iterable[tuple[float, float, float]]) -> Interval | None:
    """Of the sum of the one over that of the other, of (customers, one, other)."""
    known = list(rows)
    whole = sum(n * other for n, _, other in known)
    if not whole:
        return None
    ratio = sum(n * one for n, one, _ in known) / whole
    width = _Z * sqrt(sum(n * (one - ratio * other) ** 2 for n, one, other in known)) / whole
    return max(ratio - width, 0.0), ratio + width


def _best(rows: Sequence[_Row], best: float) -> list[tuple[float, float, float]]:
    """(customers, purchases of one if among the best so many, purchases of one); at the edge in
    proportion.
    """
    return [
        (row.customers, row.actual * taken / row.customers, row.actual)
        for row, taken in zip(rows, _taken(rows, 0, best), strict=True)
    ]


def _deciles(rows: Sequence[_Row], customers: int) -> Iterator[Decile]:
    size = customers / _DECILES
    for place in range(_DECILES if customers else 0):
        taken = _taken(rows, place * size, (place + 1) * size)
        parts = list(zip(taken, rows, strict=True))
        predicted = sum(n * row.predicted for n, row in parts) / size
        yield Decile(size, predicted, sum(n * row.actual for n, row in parts) / size)


def _taken(rows: Sequence[_Row], low: float, high: float) -> list[float]:
    """How many of each row stand between the places; alike ones are taken in equal parts."""
    alike: Counter[float] = Counter()
    for row in rows:
        alike[row.predicted] += row.customers
    parts: dict[float, float] = {}
    before = 0.0
    for predicted, n in alike.items():
        parts[predicted] = max(min(high, before + n) - max(low, before), 0.0) / n
        before += n
    return [row.customers * parts[row.predicted] for row in rows]


def _chances(rows: Iterable[_Row]) -> Iterator[Chance]:
    found: defaultdict[float, list[int]] = defaultdict(lambda: [0, 0])
    for row in rows:
        found[row.chance][0] += row.customers
        found[row.chance][1] += row.customers if row.actual else 0
    yield from (Chance(chance, *found[chance]) for chance in sorted(found))


def _steps(past: Past, model: PurchaseModel) -> Iterator[Step]:
    """What was to be expected of customers of whom no more is known than when they began."""
    known: dict[int, float] = {}

    def until(day: float) -> float:
        """Expected by so many days after the first purchase."""
        whole = round(day)
        if whole not in known:
            known[whole] = model.unconditional(whole / past.unit_days) if whole > 0 else 0.0
        return known[whole]

    for step in range(_step_count(past)):
        begins, ends = step * past.unit_days, (step + 1) * past.unit_days
        expected = sum(
            n * (until(ends - start) - until(begins - start)) for start, n in past.starts.items()
        )
        yield Step(step, past.repeats.get(step, 0), expected)


def _step_count(past: Past) -> int:
    """Whole units of time from anybody's first purchase to the end of the horizon."""
    if not past.starts or not past.rows:
        return 0
    # Who began first has the longest age: both together make the past day.
    longest = max(History(*h).age for h, _ in past.rows)
    return int(min(past.starts) / past.unit_days + longest + past.horizon + _ROUNDING)


_ROUNDING = 1e-9


def _listed(interval: Interval | None) -> Json:
    return None if interval is None else list(interval)
