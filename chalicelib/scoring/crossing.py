"""Two ways to the first whole minute at which something is no longer so.

Both look at a first day, then at stretches that grow fast, since most changes are near.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

_DAY = 1440  # minutes

# A caller may be told too early, but never too late. So a search may give up when it is lost
# in detail, among values that creep along an edge for weeks.
_MOST_STRETCHES = 2000


def first_crossing(margin: Callable[[int], float], end: int) -> int | None:
    """The first minute of ``(0, end]`` with a margin that is not positive, if margins only fall.

    False position in the form of Illinois, within the first stretch that ends below zero.

    >>> first_crossing(lambda minute: 10 - minute / 1000, 10**6)
    10000
    """
    if end < 1 or margin(end) > 0:
        return None
    above = margin(0)
    if above <= 0:
        return 1
    for start, stop in _stretches(end):
        below = margin(stop)
        if below <= 0:
            return _false_position(margin, (start, above), (stop, below))
        above = below
    return None


def _false_position(
    margin: Callable[[int], float], left: tuple[int, float], right: tuple[int, float]
) -> int:
    (start, above), (stop, below) = left, right
    side = 0
    while stop - start > 1:
        guess = round(stop + below * (stop - start) / (above - below))
        minute = min(max(guess, start + 1), stop - 1)
        value = margin(minute)
        # The end that stays twice is halved in height, or it might stay for ever.
        if value > 0:
            start, above, below = minute, value, below / 2 if side > 0 else below
            side = 1
        else:
            stop, below, above = minute, value, above / 2 if side < 0 else above
            side = -1
    return stop


def first_loud(is_quiet: Callable[[int, int], bool], end: int) -> int | None:
    """The first minute of ``(0, end]`` that is not quiet, whatever the values do.

    ``is_quiet(start, stop)`` is true if no minute of the stretch can be loud; a stretch of which
    that is not sure is halved. A minute that comes back may be too early, but never too late.

    >>> first_loud(lambda start, stop: not start <= 5000 <= stop, 10**6)
    5000
    """
    stretches = list(_stretches(end))[::-1]
    for _ in range(_MOST_STRETCHES):
        if not stretches:
            return None
        start, stop = stretches.pop()
        if is_quiet(start, stop):
            continue
        if stop - start > 1:
            middle = (start + stop) // 2
            stretches += [(middle, stop), (start, middle)]
        elif not is_quiet(stop, stop):
            return stop
    return max(1, stretches[-1][0]) if stretches else None


def _stretches(end: int) -> Iterator[tuple[int, int]]:
    start, stop = 0, _DAY
    while start < end:
        yield start, min(stop, end)
        start, stop = stop, stop * 4
