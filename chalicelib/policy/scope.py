"""What a condition takes from the page around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from chalicelib.core.policy import Condition
from chalicelib.localization.dates import Calendar


@dataclass(frozen=True, slots=True)
class Scope:
    """``time_zone`` and ``calendar`` cut days, months and years; sums of money are in major
    units of ``currency``, and what was paid in another one, without a rate, is not among them.
    """

    time_zone: ZoneInfo
    calendar: Calendar
    currency: str
    segments: Mapping[str, Condition] = field(default_factory=dict)


GREENWICH = Scope(ZoneInfo("UTC"), "gregorian", "USD")
