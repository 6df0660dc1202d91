"""What happened to a record, before it is spelled as webhook events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from infra.sandbox.hubspot.records import Actor, ObjectType


@dataclass(frozen=True, slots=True)
class Created:
    kind: ObjectType
    id: str
    at: datetime
    by: Actor


@dataclass(frozen=True, slots=True)
class Deleted:
    kind: ObjectType
    id: str
    at: datetime
    by: Actor


@dataclass(frozen=True, slots=True)
class Restored:
    kind: ObjectType
    id: str
    at: datetime
    by: Actor


@dataclass(frozen=True, slots=True)
class Erased:
    """A privacy deletion; a deletion is announced besides."""

    kind: ObjectType
    id: str
    at: datetime
    by: Actor


@dataclass(frozen=True, slots=True)
class Merged:
    """``id`` is the primary record's, ``new_id`` that of the survivor, which may be the same."""

    kind: ObjectType
    id: str
    at: datetime
    by: Actor
    merged_ids: tuple[str, ...]
    new_id: str
    properties_moved: int


@dataclass(frozen=True, slots=True)
class PropertyChanged:
    kind: ObjectType
    id: str
    at: datetime
    by: Actor
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class AssociationChanged:
    """Seen from ``id``; the other end reports its own change."""

    kind: ObjectType
    id: str
    at: datetime
    by: Actor
    to_kind: ObjectType
    to_id: str
    removed: bool
    primary: bool


Change = Created | Deleted | Restored | Erased | Merged | PropertyChanged | AssociationChanged
