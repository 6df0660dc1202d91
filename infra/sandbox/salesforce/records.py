"""Records with the history of every field, and who wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from infra.sandbox.salesforce.fields import Value
from infra.sandbox.salesforce.settings import API, INTEGRATION_USER, REP

STAMPS = ("LastModifiedDate", "LastModifiedById", "SystemModstamp")


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changes something, and by what: ``origin`` as change events name it.

    ``is_trusted`` is Salesforce itself, which writes what is read-only for others.
    ``allows_duplicates`` says so in a header of the request.
    """

    user: str
    origin: str = ""
    is_trusted: bool = False
    allows_duplicates: bool = False

    @property
    def is_integration(self) -> bool:
        return self.user == INTEGRATION_USER and not self.is_trusted


# Edits of the user interface do not come without an origin.
PERSON = Actor(REP, f"com/salesforce/api/soap/{API};client=SfdcInternalAPI/")
SALESFORCE = Actor(REP, is_trusted=True)


@dataclass(frozen=True, slots=True)
class Written:
    """One value that a field had, and when it was written, to the millisecond."""

    value: Value
    at: datetime
    by: Actor


@dataclass(slots=True)
class Record:
    """``object`` names its kind. ``went_with`` is the record whose deletion took it along."""

    object: str
    id: str
    values: dict[str, Value] = field(default_factory=dict)
    history: dict[str, list[Written]] = field(default_factory=dict)
    deleted_at: datetime | None = None
    went_with: str = ""

    def value(self, name: str) -> Value:
        return self.values.get(name)

    def text(self, name: str) -> str:
        """A text or an id; the empty text where there is none."""
        value = self.values.get(name)
        return value if isinstance(value, str) else ""

    def write(self, values: Mapping[str, Value], at: datetime, by: Actor) -> tuple[str, ...]:
        """Returns the names of those whose value changed."""
        changed = tuple(name for name, value in values.items() if self.value(name) != value)
        for name in values:
            self.history.setdefault(name, []).append(Written(values[name], at, by))
        self.values.update(values)
        return changed
