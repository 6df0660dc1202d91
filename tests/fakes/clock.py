from datetime import UTC, datetime, timedelta

NOON = datetime(2026, 3, 21, 12, tzinfo=UTC)


class FakeClock:
    """Stands still until told to advance."""

    def __init__(self, now=NOON):
        self._now = now

    def now(self):
        return self._now

    def advance(self, **duration):
        """``clock.advance(minutes=2)``"""
        self._now += timedelta(**duration)
