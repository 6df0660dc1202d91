"""What the cloud must offer. ``chalicelib.adapters`` gives it on AWS, tests give it in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from chalicelib.core.api_keys import ApiKey
from chalicelib.core.connector import Connection, Secret
from chalicelib.core.editions import Publication
from chalicelib.core.identity import Waiting
from chalicelib.core.model import Json, Ref
from chalicelib.core.policy import FittedModels
from chalicelib.core.stored import (
    Collection,
    HandedOut,
    Mark,
    Save,
    StoredCard,
    Stub,
)

SHARDS = 16
"""Shares that the cards of a connection are spread over, each a partition of the index."""


class SubjectStore(Protocol):
    def load(self, ref: Ref) -> Collection:
        """One strongly consistent Query; the card is read before the facts."""
        ...

    def save(self, save: Save) -> None:
        """All or nothing. Raises ``Conflict`` if another save came first.

        So it does where a reward of its handouts is out of stock, or a code is somebody's already.
        Raises ``SubjectErased`` for a first save of somebody who has a tombstone, and ``Awaited``
        where something else waits under a new identity than its claims tell.
        """
        ...

    def owners(self, connection: str, identities: Sequence[str]) -> Mapping[str, tuple[Ref, ...]]:
        """Who claims each identity, in no order; strongly consistent, none where nobody does."""
        ...

    def waiting(self, connection: str, identity: str) -> Waiting:
        """What a claim of the identity would take along, of long queues the beginning."""
        ...

    def wait(
        self,
        connection: str,
        identity: str,
        rows: Sequence[Mapping[str, Json]],
        until: datetime,
        *,
        ref: Ref | None = None,
    ) -> None:
        """Keep facts of nobody under an identity until it is claimed, or until then.

        Raises ``Conflict`` if somebody claims it already, and ``SubjectErased`` where ``ref``,
        whom it is of, has a tombstone. The same rows put twice wait once.
        """
        ...

    def retire(self, ref: Ref, base_version: int, stub: Stub, now: datetime) -> None:
        """Turn the card, or the lack of one, into a stub, if it is still at ``base_version``.

        Of the card its debts stay. From then on no save of the subject succeeds, so its facts stand
        still and can be moved.
        The stub is due at once, for ``clear`` may never be reached.

        Raises ``Conflict``, also where a stub is there already, unless it is an expired one's;
        or where the survivor is a stub itself, so that no merges can form a circle. Raises
        ``SubjectErased`` where a tombstone is all that is left, of this one or of the survivor,
        or will be soon of the survivor.
        """
        ...

    def clear(self, ref: Ref) -> None:
        """Remove all that a stub's subject has left; may be repeated, and does nothing to others.

        A merged one stays as an alias, of an expired one nothing stays. Of an erased one a
        tombstone stays, and one of each alias that led to it.
        """
        ...

    def holders(self, record: Ref) -> tuple[Ref, ...]:
        """Subjects that have held facts of a deal or another related record, sorted."""
        ...

    def handed_out(self, connection: str, reward: str) -> HandedOut:
        """Strongly consistent."""
        ...

    def cards(self, refs: Sequence[Ref]) -> tuple[StoredCard, ...]:
        """Strongly consistent; absent ones are left out."""
        ...

    def mark_written(self, marks: Sequence[Mark]) -> None:
        """Never lowers a ``written_version``; a card saved meanwhile stays pending."""
        ...

    def settle(self, card: StoredCard) -> None:
        """All that ``card`` owes has been delivered; does nothing if it was saved meanwhile.

        What was taken back stands among its debts no more. Where nothing is pending, the card is
        due when it changes next.
        """
        ...

    def doubt(self, refs: Sequence[Ref], until: datetime) -> None:
        """Their records may still change until then: set ``doubt_until`` and ``due_at``.

        A longer doubt is never shortened; stubs, and who has no card, are left as they are.
        Counts as a save, so that whoever read an earlier card loses the race: a mark of such a
        version changes nothing.
        """
        ...

    def set_back(self, cards: Sequence[StoredCard]) -> None:
        """Keep the setback of each, when it is due again; those saved meanwhile stay as they are.

        So do stubs, and who has no card. A mark ends a setback, and so does a save that says so.
        """
        ...

    def due(self, connection: str, now: datetime, limit: int) -> tuple[Ref, ...]:
        """Subjects whose ``due_at`` has come, from the index, without a Scan."""
        ...

    def population(
        self, connection: str, *, shard: int | None = None
    ) -> Iterator[Mapping[str, Json]]:
        """Projected numbers of every card of a connection.

        They are ``ref, at, score, r, f, m, v, q, call, made``.

        With ``shard``, of one of ``SHARDS`` shares of them. Stubs are left out; a hidden card has
        no numbers.

        ``r`` is in days as of ``at``; ``m`` is in the currency's smallest unit. ``r``, ``f`` and
        ``m`` are absent where nothing was bought. ``v`` is what a customer is worth in that unit,
        and ``q`` the mean of their answers to surveys, 0-100, where the policy looks at them;
        ``call`` is the card's ``priority``, absent where the policy has none; ``made`` is as of
        ``StoredCard``.
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
    """What is in force for a connection. ``policy`` is the canonical page.

    Until ``paused_until`` its CRM is not called; after that, one call finds out whether it may be.
    ``revision`` is the number of the last publication, see ``core.editions.Publication``.
    """

    connection: Connection
    policy: Mapping[str, Json]
    models: FittedModels
    paused_until: datetime | None = None
    pause_reason: str = ""
    revision: int = 0


class SettingsStore(Protocol):
    def connections(self) -> tuple[Connection, ...]: ...

    def live(self, connection: str) -> LiveSettings:
        """As of now. Raises ``ConfigurationError`` if unknown."""
        ...

    def put_connection(self, connection: Connection) -> None: ...

    def publish_policy(
        self,
        connection: str,
        version: str,
        page: Mapping[str, Json],
        now: datetime,
        *,
        by: str = "",
        note: str = "",
        over: str | None = None,
    ) -> Publication:
        """Put a page into force, and an entry into the history, both or neither.

        ``over`` is the version that its publisher takes to be in force: raises ``Conflict``
        if another is. A version is immutable: raises ``ConfigurationError`` if it is there with
        another page.
        """
        ...

    def publish_models(
        self, connection: str, models: FittedModels, now: datetime, *, over: str | None = None
    ) -> Publication:
        """The same for what training learned."""
        ...

    def policy(self, connection: str, version: str) -> Mapping[str, Json]:
        """The page of a version that was ever in force. Raises ``ConfigurationError``."""
        ...

    def publications(self, connection: str) -> tuple[Publication, ...]:
        """The history of policies and models, newest first."""
        ...

    def put_api_key(self, connection: str, key: ApiKey) -> None:
        """Also in place of the same one, to take it back. Raises ``ConfigurationError``.

        That is for a connection that is unknown.
        """
        ...

    def api_key(self, connection: str, identity: str) -> ApiKey | None:
        """Strongly consistent: a key that was taken back is refused from then on."""
        ...

    def api_keys(self, connection: str) -> tuple[ApiKey, ...]:
        """Oldest first, those that were taken back too."""
        ...

    def pause(self, connection: str, until: datetime, reason: str) -> None:
        """Nobody calls its CRM before ``until``; a longer pause is never shortened."""
        ...

    def claim_probe(self, connection: str, paused_until: datetime, until: datetime) -> bool:
        """Whether the caller alone may try the CRM again: the pause ends later for the others.

        False if somebody else was faster, that is, the pause is no longer ``paused_until``.
        """
        ...

    def resume(self, connection: str) -> None: ...

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

    def move_checkpoint(
        self,
        connection: str,
        name: str,
        held: Mapping[str, Json] | None,
        state: Mapping[str, Json],
    ) -> bool:
        """Whether it still was as ``held``, and is as ``state`` now."""
        ...


class Queue(Protocol):
    def send(self, messages: Sequence[Mapping[str, Json]], *, delay_seconds: int = 0) -> None:
        """All are durably kept, or ``Retryable`` is raised.

        A delay of at most 900 seconds is for queues without order alone.
        """
        ...

    def postpone(self, receipt: str, seconds: int) -> None:
        """Hide a received message for so long; it may have been taken back already."""
        ...

    def acknowledge(self, receipts: Sequence[str]) -> None:
        """These received messages are done with. Raises ``Retryable``."""
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
