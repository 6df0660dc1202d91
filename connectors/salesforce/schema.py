"""What the organisation has and lets us see, which decides what can be asked for.

A query for a field that is not there, or is hidden from us, fails as a whole. So each object is
described before it is first asked for, once a day, and again when a query fails over a field.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from connectors.salesforce.api import SalesforceApi

LIVES = timedelta(days=1)

Description = Mapping[str, Mapping[str, Any]]
"""Of an object's fields, by name; empty of an object that there is not."""


@dataclass(slots=True)
class Schema:
    """Of one organisation, for one worker."""

    api: SalesforceApi
    known: dict[str, tuple[Description, datetime]] = field(default_factory=dict)

    def look(self, objects: Iterable[str], now: datetime) -> None:
        """One call for all that is not known, or is known for too long."""
        stale = sorted({one for one in objects if not self._is_fresh(one, now)})
        if not stale:
            return
        found = self.api.describe(stale)
        for name in stale:
            fields = found.get(name, {}).get("fields", ())
            self.known[name] = {str(one["name"]): one for one in fields}, now

    def forget(self) -> None:
        self.known.clear()

    def fields(self, name: str) -> Description:
        """Of an object that was looked at."""
        return self.known[name][0] if name in self.known else {}

    def has(self, name: str, field_name: str) -> bool:
        return field_name in self.fields(name)

    def there(self, name: str, wanted: Iterable[str], prefix: str = "") -> list[str]:
        """Those of the fields that can be asked for; ``prefix`` is the way to their object."""
        return [f"{prefix}{one}" for one in sorted(set(wanted)) if self.has(name, one)]

    def _is_fresh(self, name: str, now: datetime) -> bool:
        held = self.known.get(name)
        return held is not None and now - held[1] <= LIVES
