"""A sum over any stretch of time, of numbers that come in the order of time and may change later.

It is a binary indexed tree over the numbers: adding one, changing one and summing any stretch each
take a number of steps that grows with the logarithm of how many there are.

>>> from datetime import UTC
>>> tally = Tally()
>>> for day in (1, 5, 9): tally.add(f"order-{day}", datetime(2026, 1, day, tzinfo=UTC), 10)
>>> tally.change("order-5", 4)
>>> tally.total(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 9, tzinfo=UTC))
14

Source: Fenwick 1994, "A new data structure for cumulative frequency tables".
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime
from heapq import nsmallest


def _largest_first(pair: tuple[str, int]) -> tuple[int, str]:
    return -pair[1], pair[0]


class Tally:
    """Sums lie in ``(after, upto]``."""

    def __init__(self) -> None:
        self.times: list[datetime] = []
        self._values: list[int] = []
        self._tree: list[int] = [0]
        self._places: dict[str, int] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._places

    def add(self, key: str, at: datetime, value: int) -> None:
        """``at`` is no earlier than any before it, ``key`` is new."""
        index = len(self._tree)
        self._places[key] = index
        self.times.append(at)
        self._values.append(value)
        covered, low = value, index - (index & -index)
        inner = index - 1
        while inner > low:
            covered += self._tree[inner]
            inner -= inner & -inner
        self._tree.append(covered)

    def value(self, key: str) -> int:
        return self._values[self._places[key] - 1]

    def time(self, key: str) -> datetime:
        return self.times[self._places[key] - 1]

    def change(self, key: str, value: int) -> None:
        index = self._places[key]
        delta = value - self._values[index - 1]
        self._values[index - 1] = value
        while delta and index < len(self._tree):
            self._tree[index] += delta
            index += index & -index

    def total(self, after: datetime, upto: datetime) -> int:
        return self._up_to(bisect_right(self.times, upto)) - self._up_to(
            bisect_right(self.times, after)
        )

    def largest(self, after: datetime, upto: datetime, count: int) -> list[tuple[str, int]]:
        """The keys of the largest numbers above 0 in a stretch, ties by key."""
        first, last = bisect_right(self.times, after), bisect_right(self.times, upto)
        keys = list(self._places)[first:last]
        held = zip(keys, self._values[first:last], strict=True)
        return nsmallest(count, (pair for pair in held if pair[1] > 0), key=_largest_first)

    def first_after(self, instant: datetime) -> datetime | None:
        """The time of the first number that came later."""
        index = bisect_right(self.times, instant)
        return self.times[index] if index < len(self.times) else None

    def _up_to(self, index: int) -> int:
        total = 0
        while index:
            total += self._tree[index]
            index -= index & -index
        return total
