"""Cutting a sequence into what one request of AWS takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def batches(
    items: Iterable[T],
    *,
    count: int,
    size: int,
    measure: Callable[[T], int],
    parts: Callable[[T], int] = lambda _: 1,
) -> Iterator[list[T]]:
    """In order, each of at most ``count`` items and ``size`` bytes.

    An item that is larger than ``size`` travels alone, to be refused by name. One that is sent
    in several ``parts`` counts as so many.

    >>> list(batches(["aa", "b", "cccc", "d"], count=3, size=4, measure=len))
    [['aa', 'b'], ['cccc'], ['d']]
    """
    batch: list[T] = []
    number = total = 0
    for item in items:
        more, weight = parts(item), measure(item)
        if batch and (number + more > count or total + weight > size):
            yield batch
            batch, number, total = [], 0, 0
        batch.append(item)
        number += more
        total += weight
    if batch:
        yield batch
