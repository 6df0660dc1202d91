"""Records with the history of every field, and who wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Literal

from infra.sandbox._serving.errors import Wire
from infra.sandbox.zoho.modules import Module

RECYCLED_FOR = timedelta(days=60)
"""After that the bin is emptied."""

Value = Any
"""As JSON has it, but for instants (datetimes in UTC), and for lookups and owners: their ids."""


@dataclass(frozen=True, slots=True)
class User:
    id: str
    name: str
    email: str

    def to_json(self) -> Wire:
        return {"name": self.name, "id": self.id}


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something, and through what: the ``UI``, the ``API``, an ``Import``, ``Zoho``."""

    user: User
    source: str = "UI"


@dataclass(frozen=True, slots=True)
class Tag:
    id: str
    name: str
    color_code: str | None = None

    def to_json(self) -> Wire:
        return {"name": self.name, "id": self.id, "color_code": self.color_code}


_order = count()


@dataclass(frozen=True, slots=True)
class Revision:
    """``order`` is that of writing: a second has many."""

    value: Value
    at: datetime
    by: Actor
    order: int = field(default_factory=_order.__next__, compare=False)


@dataclass(frozen=True, slots=True)
class Deletion:
    at: datetime
    by: Actor
    for_good: bool

    def kind(self, now: datetime) -> Literal["recycle", "permanent"]:
        is_old = now - self.at > RECYCLED_FOR
        return "permanent" if self.for_good or is_old else "recycle"


@dataclass(slots=True, eq=False)
class Record:
    """``values`` are those of the module's fields but the ones that Zoho keeps itself.

    ``held_back`` is why nobody may write it now: ``RECORD_LOCKED`` or ``NOT_APPROVED``.
    """

    module: Module
    id: str
    created_at: datetime
    created_by: Actor
    modified_at: datetime
    modified_by: Actor
    active_at: datetime
    owner: str
    values: dict[str, Value] = field(default_factory=dict)
    tags: list[Tag] = field(default_factory=list)
    history: dict[str, list[Revision]] = field(default_factory=dict)
    deletion: Deletion | None = None
    held_back: str = ""

    @property
    def name(self) -> str:
        first = self.values.get("First_Name") or ""
        return f"{first} {self.values.get(self.module.display) or ''}".strip()

    @property
    def converted(self) -> bool:
        return bool(self.values.get("Converted__s"))

    def write(self, values: Mapping[str, Value], at: datetime, by: Actor) -> tuple[str, ...]:
        """Returns the names of what changed; all that was written is in the history."""
        changed = tuple(name for name, one in values.items() if self.values.get(name) != one)
        for name, value in values.items():
            self.values[name] = value
            self.note(name, value, at, by)
        return changed

    def note(self, name: str, value: Value, at: datetime, by: Actor) -> None:
        self.history.setdefault(name, []).append(Revision(value, at, by))
