"""Instants in UTC, to the millisecond."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECONDS = re.compile(r"-?[0-9]+")


def spell(instant: datetime) -> str:
    """ISO 8601 with milliseconds.

    >>> spell(datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC))
    '2026-03-01T12:00:00.123Z'
    """
    if instant.tzinfo is not UTC:
        instant = instant.astimezone(UTC)
    return f"{instant.isoformat(timespec='milliseconds')[:-6]}Z"


def epoch_ms(instant: datetime) -> int:
    """Exact, since webhooks and properties must name the same millisecond.

    >>> epoch_ms(datetime(1970, 1, 1, 0, 0, 1, 2000, tzinfo=UTC))
    1002
    """
    return (instant - EPOCH) // timedelta(milliseconds=1)


def from_epoch_ms(milliseconds: int) -> datetime:
    return EPOCH + timedelta(milliseconds=milliseconds)


def read(text: str) -> datetime:
    """From epoch milliseconds or ISO 8601; no zone means UTC. Raises ValueError."""
    if _MILLISECONDS.fullmatch(text):
        return from_epoch_ms(int(text))
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def to_milliseconds(instant: datetime) -> datetime:
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)
