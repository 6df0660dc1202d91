"""What is left of a lot, and in which order lots are used up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chalicelib.loyalty.entries import Lot
from chalicelib.loyalty.spans import LAST

Order = tuple[datetime, datetime, str]


@dataclass(slots=True)
class Holding:
    """A lot as the ledger leaves it. ``points`` = remaining + used + reversed + expired.

    ``filled`` is the number of the entry that last brought points. It ``is_open`` from the instant
    at which its points become available until they expire, and ``is_closed`` from then on.
    """

    lot: Lot
    points: int = 0
    remaining: int = 0
    used: int = 0
    reversed: int = 0
    expired: int = 0
    filled: int = 0
    is_open: bool = False
    is_closed: bool = False

    @property
    def order(self) -> Order:
        """Earliest expiry first, then the oldest, then by id, so that nothing is left to chance."""
        return self.lot.expires_at or LAST, self.lot.earned_at, self.lot.id
