"""Intervals and shares as pictures in one line of a terminal."""

from __future__ import annotations

WIDTH = 31


def interval_bar(low: float, middle: float, high: float, most: float) -> str:
    """From ``-most`` to ``most``, nothing in the middle.

    >>> interval_bar(2, 5, 8, most=10)
    '···············┊··├───●────┤···'
    """
    places = [_place(value, most) for value in (low, middle, high)]
    signs = ["·"] * WIDTH
    signs[WIDTH // 2] = "┊"
    for place in range(places[0], places[2] + 1):
        signs[place] = "─"
    signs[places[0]], signs[places[2]] = "├", "┤"
    signs[places[1]] = "●"
    return "".join(signs)


def share_bar(share: float, width: int = 10) -> str:
    """To an eighth of a cell.

    >>> share_bar(0.42), share_bar(0), share_bar(1, width=3)
    ('████▎', '', '███')
    """
    whole, eighths = divmod(round(8 * width * share), 8)
    return "█" * whole + " ▏▎▍▌▋▊▉"[eighths].strip()


def _place(value: float, most: float) -> int:
    share = min(max(value / most if most else 0.0, -1.0), 1.0)
    return round((WIDTH - 1) * (share + 1) / 2)
