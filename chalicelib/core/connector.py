"""What a CRM must offer. A folder in ``connectors/`` declares one ``CONNECTOR``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from chalicelib.core.errors import EmtiazError
from chalicelib.core.model import Kind, Language, Ref

# Receive imports this module, and starts faster without what only the checker needs.
if TYPE_CHECKING:
    from chalicelib.core.facts import Fact
    from chalicelib.core.outputs import Fields, Output
    from chalicelib.core.policy import Attribute


BUS = "bus"
"""The channel of events that came by an event bus of the installation's own cloud account.

No address leads to it, and what is on it has no sender to be verified: the bus has one.
"""


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request without a framework. Header names are in lower case.

    ``channel`` is what follows the connection in the address: empty for a CRM's own webhooks, a
    secret for a CRM that cannot sign, the kind of record for a workflow that sends records; or
    ``BUS``.

    ``certificate`` is the subject of the one by which the caller proved to the gateway who it is,
    empty where the gateway asked for none. It is never taken from a header, which anybody can send.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    channel: str = ""
    certificate: str = ""


@dataclass(frozen=True, slots=True)
class Secret:
    """All that receive and the CRM client need to be trusted; one per connection.

    ``url`` is the public address that the CRM was given, since signatures cover it.
    ``webhook_secrets`` are all live ones: two during a rotation. ``signatures`` names weaker
    schemes, such as ``v2``, that this connection takes beside the CRM's best one.
    ``certificates`` are the subjects of those that webhooks have to come with, any of them; empty
    where none is asked for.

    ``token`` is a static access token, or empty where ``oauth`` holds a grant.

    ``events_secrets`` are the live ones, newest first, that sign what shops and apps send to
    ``/events``; without any, nothing is taken there.
    ``outgoing`` are the receivers of what is announced.
    """

    url: str
    webhook_secrets: tuple[str, ...] = field(repr=False)
    token: str = field(repr=False)
    signatures: tuple[str, ...] = ()
    oauth: OAuthGrant | None = None
    events_secrets: tuple[str, ...] = field(default=(), repr=False)
    outgoing: tuple[WebhookEndpoint, ...] = ()
    certificates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OAuthGrant:
    """What turns into access tokens until the account withdraws it."""

    client_id: str
    client_secret: str = field(repr=False)
    refresh_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class WebhookEndpoint:
    """A receiver of signed webhooks. ``secrets`` are all live ones: two during a rotation."""

    id: str
    url: str
    secrets: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class AccessToken:
    """As a refresh answers it; ``refresh_token`` is the one to use next time."""

    token: str = field(repr=False)
    expires_at: datetime
    refresh_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Rate:
    """At most ``calls`` in any ``seconds``, over all workers of a connection."""

    name: str
    calls: int
    seconds: float


class Access(Protocol):
    """What all workers of one connection share: its place in the rate limit and its token."""

    def now(self) -> datetime: ...

    def enter(self, rate: Rate) -> None:
        """Wait for a turn under ``rate``. Raises ``RateLimited`` where that would take long."""
        ...

    def token(self, refresh: Callable[[str], AccessToken], *, refused: str = "") -> str:
        """An access token that lives; ``refresh`` makes one from a refresh token.

        One worker refreshes at a time. ``refused`` is a token that the CRM would not take though
        it should live: it is replaced. Raises ``Retryable`` or ``CredentialsInvalid``.
        """
        ...


@dataclass(frozen=True, slots=True)
class Connection:
    """One CRM account. ``currency`` is the one that all its sums are in.

    ``details`` is what its connector alone has to remember of the account, by names of its own,
    such as what the CRM called the fields that were made for us.
    """

    id: str
    crm: str
    account_id: str
    base_url: str
    api_version: str
    currency: str
    time_zone: str
    details: Mapping[str, str] = field(default_factory=dict, hash=False)


class EventType(StrEnum):
    CREATED = "created"
    CHANGED = "changed"
    ASSOCIATED = "associated"
    DELETED = "deleted"
    RESTORED = "restored"
    MERGED = "merged"
    ERASED = "erased"  # a privacy deletion: everything known of the person goes
    MISSED = "missed"  # much changed at once, and it is not told what: it has to be looked for
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a delivery: some record rang. It tells where to look, never what is true.

    ``ref`` is None for a type that we do not know; ``ours`` marks an echo of our own write.
    ``occurred_at`` is None where the sender tells no time. ``into`` is the survivor that a
    merged ``ref`` became part of. ``key`` is the same in every attempt to deliver the same
    event, and different for any other.
    """

    type: EventType
    ref: Ref | None
    occurred_at: datetime | None
    name: str
    ours: bool = False
    into: Ref | None = None
    key: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """What the CRM says of itself when a connection is made; ``details`` as in ``Connection``."""

    id: str
    currency: str
    time_zone: str
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a listing; ``next`` is None on the last."""

    refs: tuple[Ref, ...]
    next: str | None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What the CRM answered when it was asked for subjects.

    ``gone`` are those in its bin, ``moved`` those that were merged into another record, whose
    facts are then among ``facts``. What is in none of the three is unknown to the CRM: removed
    for good, or not to be seen yet.
    """

    facts: Mapping[Ref, tuple[Fact, ...]]
    gone: frozenset[Ref] = frozenset()
    moved: Mapping[Ref, Ref] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Update:
    """Fields to set on one record, by output name."""

    ref: Ref
    fields: Fields


@dataclass(frozen=True, slots=True)
class Change:
    """One step of provisioning: ``create``, ``extend`` or ``conflict`` (a person must decide).

    ``missing`` is an input of the policy that the CRM does not show; scores do without it.
    """

    action: str
    target: str
    detail: str

    @property
    def is_ours(self) -> bool:
        """Whether provisioning makes it, and not a person."""
        return self.action not in ("conflict", "missing")


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

    def fetch(self, subjects: Sequence[Ref], now: datetime, *, history: bool = False) -> Reading:
        """All facts of each subject as read at ``now``.

        With ``history``, also the activities that only the past values of its fields tell.
        """
        ...

    def list_subjects(self, cursor: str | None) -> Page: ...

    def changed_since(self, since: datetime, cursor: str | None) -> Page:
        """Records that changed, or were active, at ``since`` or later, whoever did it.

        For what no webhook told. A record may come twice; ``next`` is None on the last page.
        """
        ...

    def write(self, updates: Sequence[Update]) -> Mapping[Ref, EmtiazError]:
        """Set fields; returns the refused ones with the reason. All others are written.

        A record that is deleted or merged is refused with ``RecordGone``, and with ``RecordBusy``
        one that may be written another time, which is for its caller to find. ``WrittenInPart``
        are those that were written but for some fields. What is raised holds for all of them: no
        record may keep others from being written.
        """
        ...

    def assign(self, owners: Mapping[Ref, str]) -> Mapping[Ref, EmtiazError]:
        """Give records an owner, by the CRM's id of them, where they have none.

        Returns those that stay as they are with the reason: owned, gone, or refused.
        """
        ...

    def shown(self, refs: Sequence[Ref], outputs: Sequence[Output]) -> Mapping[Ref, Fields]:
        """What the CRM's records hold of these outputs now, None where a field is empty.

        Records that are gone are absent.
        """
        ...

    def plan(
        self, outputs: Sequence[Output], language: Language, kinds: Sequence[Kind] = ("contact",)
    ) -> tuple[Change, ...]:
        """What is missing in the CRM for these outputs on records of these kinds, and of the
        policy's inputs.

        Empty when all is there.
        """
        ...

    def provision(
        self, outputs: Sequence[Output], language: Language, kinds: Sequence[Kind] = ("contact",)
    ) -> tuple[Change, ...]:
        """Carry out ``plan``; returns what was done."""
        ...


@dataclass(frozen=True, slots=True)
class Errand:
    """What a rep should do, ``due_at``; or, as a note, read. Plain text: no markup is meant."""

    title: str
    body: str
    due_at: datetime


@runtime_checkable
class TakesErrands(Protocol):
    """What a ``CrmClient`` may offer besides: something new on a record, at every call.

    So a caller makes sure that it calls once. Both raise ``Parked`` where the CRM refused;
    ``CrmUnavailable`` that is ``in_doubt``, or ``CrmStumbled``, where it may have been made all the
    same; and any other ``Retryable`` where it certainly was not.
    """

    def create_task(self, subject: Ref, errand: Errand) -> None: ...

    def create_note(self, subject: Ref, errand: Errand) -> None: ...


@runtime_checkable
class Subscribes(Protocol):
    """What a ``CrmClient`` may offer besides: its CRM rings for some days after it was asked to."""

    def subscribe(self) -> tuple[Change, ...]:
        """Have the CRM ring the connection's address for all that is read, and go on doing so.

        What is lost or about to end is made anew, what is as it should be is left alone. Returns
        what was not; ``conflict`` where it could not be mended.
        """
        ...

    def unsubscribe(self) -> None:
        """Nothing rings any more."""
        ...


@runtime_checkable
class TellsHeirs(Protocol):
    """What a ``CrmClient`` may offer besides: its CRM deletes what it merges, and tells no more."""

    def heirs(self, gone: Mapping[Ref, Sequence[Fact]]) -> Mapping[Ref, Ref]:
        """Of subjects that are gone for good, by what was known of them: who stands in for whom."""
        ...


@runtime_checkable
class CountsStrays(Protocol):
    """What a ``CrmClient`` may offer besides: its won deals may name no person, and count then for
    nobody.
    """

    def stray_deals(self) -> int | None:
        """How many do; None where the CRM cannot count them now."""
        ...


@runtime_checkable
class KeepsDetails(Protocol):
    """What a ``CrmClient`` may offer besides: its CRM chooses names for what is made for us."""

    def details(
        self, outputs: Sequence[Output], language: Language, kinds: Sequence[Kind]
    ) -> Mapping[str, str]:
        """What ``Connection.details`` should be, once all that is planned is there."""
        ...


@dataclass(frozen=True, slots=True)
class Connector:
    """A CRM, declared. ``name`` equals its folder's; ``connect`` imports its client lazily.

    ``base_url`` and ``api_version`` are what a new connection begins with.

    ``signs`` is false of a CRM whose deliveries prove no more than that the sender knows a secret.

    ``rings_both_ends`` is true of a CRM where, whenever a record is no longer somebody's, that
    somebody rings too. Of any other they are found by what is known of them.

    ``verify`` raises ``SignatureInvalid``, and ``UnknownConnection`` for a channel that this CRM
    does not have; ``check_shape`` raises ``PayloadInvalid`` for a body that nothing sent to the
    request's channel looks like; ``parse`` raises ``DeliveryUnreadable``.

    ``acknowledge`` gives media type and body of the 200 that tells a sender that its request is
    kept, where its CRM looks at more than the status; None where any success will do.

    ``takes_topics`` is true of a CRM with topics of records, to which people add their own; its
    client takes outputs of that type, and no other client is ever given any.

    ``record_id`` gives an id that somebody told as the CRM's own deliveries spell it, and leaves
    alone what is no other spelling of one.
    """

    name: str
    base_url: str
    api_version: str
    content_types: tuple[str, ...]
    verify: Callable[[Request, Secret, datetime], None]
    check_shape: Callable[[Request], None]
    parse: Callable[[Request, Connection], tuple[Event, ...]]
    connect: Callable[[Connection, Secret, Sequence[Attribute], Access], CrmClient]
    signs: bool = True
    rings_both_ends: bool = False
    acknowledge: Callable[[Request], tuple[str, str] | None] = lambda _request: None
    takes_topics: bool = False
    record_id: Callable[[str], str] = lambda identity: identity
