"""What a CRM must offer. A folder in ``connectors/`` declares one ``CONNECTOR``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from chalicelib.core.errors import EmtiazError
from chalicelib.core.model import Language, Ref

# Receive imports this module, and starts faster without what only the checker needs.
if TYPE_CHECKING:
    from chalicelib.core.card import Fields, Output
    from chalicelib.core.facts import Fact
    from chalicelib.core.policy import Attribute


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request without a framework. Header names are in lower case."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Secret:
    """All that receive and the CRM client need to be trusted; one per connection.

    ``url`` is the public address that the CRM was given, since signatures cover it.
    ``webhook_secrets`` are all live ones: two during a rotation.
    """

    url: str
    webhook_secrets: tuple[str, ...]
    token: str


@dataclass(frozen=True, slots=True)
class Connection:
    """One CRM account. ``currency`` is the one that all its sums are in."""

    id: str
    crm: str
    account_id: str
    base_url: str
    api_version: str
    currency: str
    time_zone: str


class EventType(StrEnum):
    CREATED = "created"
    CHANGED = "changed"
    ASSOCIATED = "associated"
    DELETED = "deleted"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a delivery: some record rang. It tells where to look, never what is true.

    ``ref`` is None for a type that we do not know; ``ours`` marks an echo of our own write.
    """

    type: EventType
    ref: Ref | None
    occurred_at: datetime
    name: str
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Account:
    """What the CRM says of itself when a connection is made."""

    id: str
    currency: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a listing; ``next`` is None on the last."""

    refs: tuple[Ref, ...]
    next: str | None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Update:
    """Fields to set on one record, by output name."""

    ref: Ref
    fields: Fields


@dataclass(frozen=True, slots=True)
class Change:
    """One step of provisioning: ``create``, ``extend`` or ``conflict`` (a person must decide)."""

    action: str
    target: str
    detail: str


class CrmClient(Protocol):
    """Batches are the caller's wish; a client cuts them into what its CRM takes.

    Every method raises ``Retryable`` or ``Parked`` of ``chalicelib.core.errors``.
    """

    write_batch: int
    """Records that one write call of this CRM takes."""

    def account(self) -> Account: ...

    def subjects(self, refs: Sequence[Ref]) -> Mapping[Ref, tuple[Ref, ...]]:
        """Whose score can a change of each record move? A subject moves its own."""
        ...

    def fetch(self, subjects: Sequence[Ref], now: datetime) -> Mapping[Ref, tuple[Fact, ...]]:
        """All facts of each subject as read at ``now``; one that is gone is absent."""
        ...

    def list_subjects(self, cursor: str | None) -> Page: ...

    def write(self, updates: Sequence[Update]) -> Mapping[Ref, EmtiazError]:
        """Set fields; returns the refused ones with the reason. All others are written."""
        ...

    def plan(self, outputs: Sequence[Output], language: Language) -> tuple[Change, ...]:
        """What is missing in the CRM for these outputs. Empty when all is there."""
        ...

    def provision(self, outputs: Sequence[Output], language: Language) -> tuple[Change, ...]:
        """Carry out ``plan``; returns what was done."""
        ...


@dataclass(frozen=True, slots=True)
class Connector:
    """A CRM, declared. ``name`` equals its folder's; ``connect`` imports its client lazily.

    ``base_url`` and ``api_version`` are what a new connection begins with.

    ``verify`` raises ``SignatureInvalid``; ``check_shape`` raises ``PayloadInvalid`` for a body
    that no delivery of this CRM looks like; ``parse`` raises ``DeliveryUnreadable``.
    """

    name: str
    base_url: str
    api_version: str
    content_types: tuple[str, ...]
    verify: Callable[[Request, Secret, datetime], None]
    check_shape: Callable[[bytes], None]
    parse: Callable[[Request, Connection], tuple[Event, ...]]
    connect: Callable[[Connection, Secret, Sequence[Attribute]], CrmClient]
