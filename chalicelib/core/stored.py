"""What is kept of a subject: its card and facts, what changes them, and what is left of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from chalicelib.core.announcements import Announcement, Seen
from chalicelib.core.dues import NO_DEBTS, Debts
from chalicelib.core.facts import Fact, FactSet
from chalicelib.core.identity import NO_CLAIMS, Claims
from chalicelib.core.model import Json, Ref
from chalicelib.core.outputs import Fields


class Leaving(StrEnum):
    """Why a card became a stub."""

    MERGED = "merged"  # for ever an alias of the survivor
    ERASED = "erased"  # a person asked for it: a tombstone keeps them from coming back
    EXPIRED = "expired"  # deleted for so long that the CRM will not restore it


@dataclass(frozen=True, slots=True)
class Stub:
    """What is left of a card whose subject is moving out; ``into`` is the survivor of a merge."""

    why: Leaving
    into: Ref | None = None


@dataclass(frozen=True, slots=True)
class Setback:
    """The CRM has not taken a card ``since`` then, and is not asked to before ``until``."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class StoredCard:
    """The card item of a subject's collection.

    Every save makes ``version`` one higher. ``outgoing`` is what the CRM should show,
    ``published`` what it was last known to show, as of ``written_version``. ``body`` is the
    card as JSON, made by the policy and models it names.

    ``doubt_until`` says that what the CRM shows is unknown, for a write may have been made
    without being marked, and that such a write may still take effect until then. From then on the
    record can be read back; before, it must be left alone. None while all is known.

    ``setback`` stays from the first write that came to nothing until a version is dealt with.

    ``stub`` says that the card stands for nobody any more. Such a one keeps its ``debts``, which
    have to be taken back before it is cleared.

    ``made`` names the versions of its making as ``core.editions`` does, and ``revision`` is the
    number of the last publication by then: no worker that knows of fewer may replace the card.
    ``seen`` is how the subject stood when it was last looked at for announcements, None if never.

    ``identities`` are those that it claims, see ``core.identity``; a stub claims them on, for
    whoever it has become.
    """

    ref: Ref
    version: int
    written_version: int
    outgoing: Fields
    published: Fields
    doubt_until: datetime | None
    body: Mapping[str, Json]
    due_at: datetime | None
    next_change_at: datetime | None
    stub: Stub | None = None
    debts: Debts = NO_DEBTS
    made: str | None = None
    revision: int = 0
    identities: tuple[str, ...] = ()
    seen: Seen | None = None
    setback: Setback | None = None

    @classmethod
    def unsaved(cls, ref: Ref) -> StoredCard:
        """What stands for the card of a subject that has none: version 0, nothing shown."""
        return cls(ref, 0, 0, {}, {}, doubt_until=None, body={}, due_at=None, next_change_at=None)

    @property
    def pending(self) -> bool:
        return self.stub is None and self.version > self.written_version

    @property
    def left_alone_until(self) -> datetime | None:
        """No write of it may begin before."""
        ends = (self.doubt_until, self.setback and self.setback.until)
        return max((end for end in ends if end), default=None)

    @property
    def owing(self) -> bool:
        """Whether others may not have got yet what they are owed."""
        return self.stub is None and self.debts.owed

    @property
    def due_once_written(self) -> datetime | None:
        """When to look at it again after the CRM has been told: sooner while it owes."""
        return self.due_at if self.owing else self.next_change_at

    @property
    def hidden(self) -> bool:
        """Whether the CRM has the record in its bin."""
        return "deleted_at" in self.body

    @property
    def aim(self) -> Fields:
        """What the CRM shows, or will once what is pending is written."""
        return self.outgoing if self.pending else self.published


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """A ledger entry as JSON, see ``chalicelib.loyalty.entries``; ``number`` counts from 1.

    Numbers say in which order entries belong, for ids do not.
    """

    number: int
    id: str
    entry: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Handout:
    """A reward changes hands together with the ledger entry whose id is ``entry``.

    ``change`` is 1 for one that is given and -1 for one that comes back. There are ``stock`` of
    them for all customers together. A ``code`` is given once and never again.
    """

    entry: str
    reward: str
    change: int
    stock: int | None = None
    code: str | None = None

    @property
    def items(self) -> int:
        """Of a transaction."""
        return 2 if self.code else 1


@dataclass(frozen=True, slots=True)
class HandedOut:
    """How many of a reward all customers have, and which of its codes were ever given."""

    count: int = 0
    codes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Collection:
    """All that one Query reads of a subject; the ``ledger`` is in the order of its numbers.

    ``aliases`` are records that were merged into it, perhaps with a part still on its way.
    """

    card: StoredCard
    facts: FactSet = field(default_factory=FactSet)
    ledger: tuple[LedgerRow, ...] = ()
    aliases: tuple[Ref, ...] = ()

    @property
    def ref(self) -> Ref:
        return self.card.ref


@dataclass(frozen=True, slots=True)
class Save:
    """What one transaction writes, if the subject is still at ``base_version``.

    ``settled`` says that the CRM already shows what it should, so nothing is pending; for
    ``doubt_until`` see ``StoredCard``; ``history`` is kept as one row per published change.
    ``related`` are records that ``facts`` tell of and the subject held no facts of before, see
    ``SubjectStore.holders``. ``entries`` are new to the ledger, in the order of their numbers,
    and ``handouts`` go with some of them. ``made``, ``revision`` and ``seen`` as of ``StoredCard``.
    What waited under the identities of ``claims`` stands among ``facts``. Of ``announcements`` one
    that is there already stays as it is. ``afresh`` forgets a ``setback``.
    """

    ref: Ref
    base_version: int
    facts: Sequence[Fact]
    body: Mapping[str, Json]
    outgoing: Fields
    settled: bool
    doubt_until: datetime | None
    due_at: datetime | None
    next_change_at: datetime | None
    history: Mapping[str, Json] | None
    at: datetime
    related: Sequence[Ref] = ()
    debts: Debts = NO_DEBTS
    made: str | None = None
    revision: int = 0
    entries: Sequence[LedgerRow] = ()
    handouts: Sequence[Handout] = ()
    claims: Claims = NO_CLAIMS
    seen: Seen | None = None
    announcements: Sequence[Announcement] = ()
    afresh: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """Version ``version`` of ``ref`` was dealt with, and the CRM shows ``published``.

    ``doubt_until`` where it refused the version, so that what it shows is uncertain.
    """

    ref: Ref
    version: int
    published: Fields
    doubt_until: datetime | None
    next_change_at: datetime | None
