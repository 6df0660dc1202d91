"""What a whole population costs: cut points and scores of 100,000 customers, beside pandas.

The customers are made up, with a seed: many bought once, few often, and amounts spread over three
orders of magnitude. Both sides start from the three columns and end with three scores for each
customer; that they agree is checked in the same run.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any, TypeVar

from chalicelib.scoring.models._cuts import Cuts
from chalicelib.training.cuts import rfm_cuts
from infra.bench.figures import Figure

CUSTOMERS = 100_000
GOAL = 0.15
RUNS = 5

T = TypeVar("T")
Row = tuple[int, int, int]
Scores = tuple[int, int, int]


def population(seed: int) -> list[Figure]:
    rows = customers(seed)
    seconds, ours = _fastest(lambda: scored(rows))
    rival, theirs = _fastest(lambda: scored_by_pandas(rows))
    same = "the same scores" if ours == theirs else "OTHER SCORES"
    beside = f"pandas: {rival:.3f} s, {same}; fastest of {RUNS}"
    return [Figure("RFM of 100,000 customers", seconds, "s", GOAL, beside)]


def customers(seed: int) -> list[Row]:
    """Days since the last purchase, purchases, cents."""
    chance = random.Random(seed)  # noqa: S311  # no secret
    return [_customer(chance) for _ in range(CUSTOMERS)]


def _customer(chance: random.Random) -> Row:
    orders = 1 + int(chance.expovariate(0.7))
    cents = sum(int(100 * chance.lognormvariate(3.4, 1)) + 1 for _ in range(orders))
    return int(chance.expovariate(1 / 200)), orders, cents


def scored(rows: Sequence[Row]) -> list[Scores]:
    cuts = Cuts.fitted(rfm_cuts(rows))
    if cuts is None:
        raise ValueError("too few customers to be cut")
    return cuts.scores_of_all(rows)


def scored_by_pandas(rows: Sequence[Row]) -> list[Scores]:
    import pandas as pd  # type: ignore[import-untyped]  # a rival needs no stubs

    frame: Any = pd.DataFrame(rows, columns=["r", "f", "m"])
    found = {}
    for name in "rfm":
        cuts = frame[name].quantile([0.2, 0.4, 0.6, 0.8]).to_numpy()
        below = cuts.searchsorted(frame[name].to_numpy(), side="left")
        found[name] = 5 - below if name == "r" else below + 1
    return list(zip(*(map(int, found[name]) for name in "rfm"), strict=True))


def _fastest(work: Callable[[], T]) -> tuple[float, T]:
    best, result = float("inf"), work()
    for _ in range(RUNS):
        begun = perf_counter()
        result = work()
        best = min(best, perf_counter() - begun)
    return best, result
