"""What the cloud must offer. ``chalicelib.adapters`` gives it on AWS, tests give it in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from chalicelib.core.card import Fields
from chalicelib.core.connector import Connection, Secret
from chalicelib.core.facts import Fact, FactSet
from chalicelib.core.model import Json, Ref
from chalicelib.core.policy import FittedModels


@dataclass(frozen=True, slots=True)
class StoredCard:
    """The card item of a subject's collection.

    Every save makes ``version`` one higher. ``outgoing`` is what the CRM should show,
    ``published`` what it was last known to show, as of ``written_version``. ``body`` is the
    card as JSON, made by the policy and models it names.

    ``in_doubt`` says that what the CRM shows is unknown: an unwritten ``outgoing`` was
    replaced by another, and may have been written without being marked.
    """

    ref: Ref
    version: int
    written_version: int
    outgoing: Fields
    published: Fields
    in_doubt: bool
    body: Mapping[str, Json]
    due_at: datetime | None
    next_change_at: datetime | None

    @classmethod
    def unsaved(cls, ref: Ref) -> StoredCard:
        """What stands for the card of a subject that has none: version 0, nothing shown."""
        return cls(ref, 0, 0, {}, {}, in_doubt=False, body={}, due_at=None, next_change_at=None)

    @property
    def pending(self) -> bool:
        return self.version > self.written_version

    @property
    def aim(self) -> Fields:
        """What the CRM shows, or will once what is pending is written."""
        return self.outgoing if self.pending else self.published


@dataclass(frozen=True, slots=True)
class Collection:
    """All that one Query reads of a subject."""

    card: StoredCard
    facts: FactSet = field(default_factory=FactSet)

    @property
    def ref(self) -> Ref:
        return self.card.ref


@dataclass(frozen=True, slots=True)
class Save:
    """What one transaction writes, if the subject is still at ``base_version``.

    ``settled`` says that the CRM already shows what it should, so nothing is pending; for
    ``in_doubt`` see ``StoredCard``; ``history`` is kept as one row per published change.
    """

    ref: Ref
    base_version: int
    facts: Sequence[Fact]
    body: Mapping[str, Json]
    outgoing: Fields
    settled: bool
    in_doubt: bool
    due_at: datetime | None
    next_change_at: datetime | None
    history: Mapping[str, Json] | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Mark:
    """Version ``version`` of ``ref`` was dealt with, and the CRM shows ``published``.

    ``in_doubt`` where it refused the version, so that what it shows is as uncertain as before.
    """

    ref: Ref
    version: int
    published: Fields
    in_doubt: bool
    next_change_at: datetime | None


class SubjectStore(Protocol):
    def load(self, ref: Ref) -> Collection:
        """One strongly consistent Query; the card is read before the facts."""
        ...

    def save(self, save: Save) -> None:
        """All or nothing. Raises ``Conflict`` if another save came first."""
        ...

    def cards(self, refs: Sequence[Ref]) -> tuple[StoredCard, ...]:
        """Strongly consistent; absent ones are left out."""
        ...

    def mark_written(self, marks: Sequence[Mark]) -> None:
        """Never lowers a ``written_version``; a card saved meanwhile stays pending."""
        ...

    def due(self, connection: str, now: datetime, limit: int) -> tuple[Ref, ...]:
        """Subjects whose ``due_at`` has come, from the index, without a Scan."""
        ...

    def population(self, connection: str) -> Iterator[Mapping[str, Json]]:
        """Projected numbers of every card of a connection: ``ref, at, score, r, f, m``.

        ``r`` is in days as of ``at``; ``m`` is in the currency's smallest unit. ``r``, ``f`` and
        ``m`` are absent where nothing was bought.
        """
        ...

    def history(self, ref: Ref, limit: int) -> tuple[Mapping[str, Json], ...]:
        """Published changes, newest first."""
        ...


@dataclass(frozen=True, slots=True)
class ParkedItem:
    """``id`` is the same for the same ``message``, which is what to queue again on replay."""

    id: str
    connection: str
    reason: str
    message: Mapping[str, Json]
    parked_at: datetime


@dataclass(frozen=True, slots=True)
class LiveSettings:
    """What is in force for a connection. ``policy`` is the canonical page."""

    connection: Connection
    policy: Mapping[str, Json]
    models: FittedModels


class SettingsStore(Protocol):
    def connections(self) -> tuple[Connection, ...]: ...

    def live(self, connection: str) -> LiveSettings:
        """As of now. Raises ``ConfigurationError`` if unknown."""
        ...

    def put_connection(self, connection: Connection) -> None: ...

    def publish_policy(
        self, connection: str, version: str, page: Mapping[str, Json], now: datetime
    ) -> None: ...

    def publish_models(self, connection: str, models: FittedModels, now: datetime) -> None: ...

    def park(self, item: ParkedItem) -> None: ...

    def parked(self, connection: str) -> tuple[ParkedItem, ...]:
        """Oldest first."""
        ...

    def unpark(self, item: ParkedItem) -> None: ...

    def checkpoint(self, connection: str, name: str) -> Mapping[str, Json] | None:
        """Where a long job stopped, so that it can resume."""
        ...

    def set_checkpoint(
        self, connection: str, name: str, state: Mapping[str, Json] | None
    ) -> None: ...


class Queue(Protocol):
    def send(self, messages: Sequence[Mapping[str, Json]], *, delay_seconds: int = 0) -> None:
        """All are durably kept, or ``Retryable`` is raised.

        A delay of at most 900 seconds is for queues without order alone.
        """
        ...

    def postpone(self, receipt: str, seconds: int) -> None:
        """Hide a received message for so long; it may have been taken back already."""
        ...

    def backlog(self) -> int:
        """About how many messages wait or are being worked on."""
        ...


class Secrets(Protocol):
    def get(self, connection: str, *, fresh: bool = False) -> Secret:
        """Raises ``UnknownConnection``."""
        ...


class Clock(Protocol):
    def now(self) -> datetime: ...
