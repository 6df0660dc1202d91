"""One subject: read, merge, score, save. The only place where facts and cards change.

Besides scoring there are three ways for a subject to leave. *Hiding* is a save like any other:
the record is in the CRM's bin, nothing is written, and a restore brings all back. *Merging* and
*erasing* are moves: first the card becomes a stub under its version, so that whoever scores the
subject at the same time loses the race and follows; then the facts go. Whoever meets a stub whose
facts have not gone yet finishes the move, so it survives the death of who began it. Before its last
step all is taken back that the subject owed to others.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache

from chalicelib.core.announcements import Announcement
from chalicelib.core.dues import Debts
from chalicelib.core.errors import (
    Awaited,
    Conflict,
    SubjectErased,
    SubjectUnknown,
    Superseded,
)
from chalicelib.core.facts import Fact, canonical, parse_instant
from chalicelib.core.identity import Waiting
from chalicelib.core.model import Json, Ref
from chalicelib.core.policy import Policy
from chalicelib.core.ports import LiveSettings, SubjectStore
from chalicelib.core.stored import Collection, Leaving, Save, StoredCard, Stub
from chalicelib.loyalty.program import Programs
from chalicelib.pipeline.messages import Reason
from chalicelib.pipeline.saves import HIDDEN_FOR, Saves
from chalicelib.policy import compile_policy
from chalicelib.scoring.dues import withdrawn

ATTEMPTS = 5
"""Races for one subject that are worth running before the queue takes over."""

LONGEST_CHAIN = 20
"""Merges of merges that are followed; a longer chain is a circle."""


Ring = Callable[[Sequence[Announcement]], None]
"""Lets it be known that there are announcements. Raises ``Retryable``."""


@dataclass(frozen=True, slots=True)
class Scorer:
    """Scores what ``store`` keeps.

    ``debtors`` gathers whom it met that still owe something to others. ``ring`` is told of
    announcements before these are saved.
    """

    saves: Saves
    store: SubjectStore
    ring: Ring
    debtors: dict[Ref, None] = field(default_factory=dict)

    @property
    def now(self) -> datetime:
        return self.saves.now

    def score(self, subject: Ref, incoming: Iterable[Fact] = ()) -> Ref | None:
        """Score ``subject`` with what is new; returns whom the CRM has to hear of.

        That is the survivor where the subject was merged. Raises ``Conflict`` if others kept
        saving first, and ``Superseded`` if one of them goes by a later publication.
        """
        return self._score(subject, tuple(incoming), LONGEST_CHAIN)

    def admit(self, subject: Ref, told: Iterable[Fact]) -> Ref | None:
        """As ``score``, of what others than the CRM tell, who do not make its records.

        Raises ``SubjectUnknown`` if no card stands for the subject.
        """
        return self._score(subject, tuple(told), LONGEST_CHAIN, only_known=True)

    def hide(self, subject: Ref) -> Ref | None:
        """The CRM has the record in its bin: write nothing, but remember all.

        Returns whom the CRM has to hear of, where the subject had begun to move to another.
        """
        if not self.store.load(subject).card.version:
            return None
        return self.score(subject, [Fact(subject, "deleted", subject.id, self.now, {})])

    def merge(self, loser: Ref, survivor: Ref) -> Ref | None:
        """Move all that is known of ``loser`` to ``survivor`` and score it, leaving an alias."""
        for _ in range(ATTEMPTS):
            into = self._end_of_chain(survivor)
            if into.ref == loser:
                return self.score(loser)
            try:
                stub = into.stub or self._retire(loser, Stub(Leaving.MERGED, into.ref))
            except Conflict:
                continue
            return self._merged(loser, stub)
        raise Conflict(f"{loser}: lost {ATTEMPTS} races")

    def _merged(self, loser: Ref, stub: Stub) -> Ref | None:
        if stub.why is Leaving.ERASED:  # whoever it is now asked to be forgotten
            self.erase(loser)
            return None
        return self.score(loser)

    def erase(self, subject: Ref) -> None:
        """Forget a person, also under the id they were merged into; nothing brings them back."""
        for _ in range(LONGEST_CHAIN):
            stub = self._retire_at_last(subject, Stub(Leaving.ERASED))
            if stub.into is None:
                return self._clear(self.store.load(subject).card)
            self.score(subject)  # a move on its way would bring facts after the erasure
            subject = stub.into
        raise _circle(subject)

    def _score(
        self,
        subject: Ref,
        facts: tuple[Fact, ...],
        chain: int,
        absorbed: tuple[Collection, ...] = (),
        *,
        only_known: bool = False,
    ) -> Ref | None:
        waiting: tuple[Waiting, ...] = ()
        for _ in range(ATTEMPTS):
            collection = self.store.load(subject)
            self._check_in_force(collection.card)
            if collection.card.stub:
                return self._beyond(collection, facts, chain, absorbed)
            if only_known and not collection.card.version:
                raise SubjectUnknown(f"no card stands for {subject}")
            if self._is_expired(collection):
                self._expire(collection.card)
                return None
            save = self.saves.of(collection, facts, absorbed, waiting=waiting)
            if save is None:
                self._note(subject, collection.card.debts)
                return subject if collection.card.pending else None
            try:
                found = self._keep(save, waiting)
            except SubjectErased:
                return None
            if found is None:
                self._note(subject, save.debts)
                return None if save.settled else subject
            waiting = found
        raise Conflict(f"{subject}: lost {ATTEMPTS} races")

    def _keep(self, save: Save, known: tuple[Waiting, ...]) -> tuple[Waiting, ...] | None:
        """None once all is kept; otherwise what the next attempt knows of what waits."""
        if save.announcements:
            self.ring(save.announcements)  # first, see ``bells``
        try:
            self.store.save(save)
        except Awaited:
            return self._waiting(save)
        except Conflict:
            return known
        # The rest of a long queue moves in with the next save.
        return None if save.claims.are_whole else self._waiting(save)

    def _waiting(self, save: Save) -> tuple[Waiting, ...]:
        """What there is by now under each identity that the subject was to claim."""
        place = save.ref.connection
        return tuple(self.store.waiting(place, one.identity) for one in save.claims.new)

    def _check_in_force(self, card: StoredCard) -> None:
        """Who began before a publication must not undo what was done after it."""
        if card.revision > self.saves.revision:
            raise Superseded(f"{card.ref} was scored by publication {card.revision} already")

    def _beyond(
        self,
        collection: Collection,
        incoming: tuple[Fact, ...],
        chain: int,
        absorbed: tuple[Collection, ...],
    ) -> Ref | None:
        """Finish the move that a stub stands for, taking what came for its subject along."""
        if not chain:
            raise _circle(collection.ref)
        stub, unwritten = collection.card.stub, None
        is_new = collection.card.due_at is not None
        if stub and stub.into:
            moved = _moved((*collection.facts, *incoming), stub.into)
            # The later one first: it may have absorbed the earlier ones before it left.
            leaving = (collection, *absorbed) if is_new else absorbed
            unwritten = self._score(stub.into, moved, chain - 1, leaving)
        if is_new:
            self._clear(collection.card)
        return unwritten

    def _clear(self, card: StoredCard) -> None:
        """Remove what a stub has left, and from others what they held on its behalf.

        Their cards change by that, of which sweep lets the CRM hear.
        """
        for due in withdrawn(card.debts, self.now):
            self._score(due.subject, (due,), LONGEST_CHAIN)
        self.store.clear(card.ref)

    def _note(self, subject: Ref, debts: Debts) -> None:
        if debts.owed:
            self.debtors[subject] = None

    def _end_of_chain(self, ref: Ref) -> StoredCard:
        """The card of whoever ``ref`` is by now; with a stub only if they are leaving for good."""
        for _ in range(LONGEST_CHAIN):
            card = self.store.load(ref).card
            if card.stub is None or card.stub.into is None:
                return card
            ref = card.stub.into
        raise _circle(ref)

    def _retire_at_last(self, subject: Ref, stub: Stub) -> Stub:
        for _ in range(ATTEMPTS):
            try:
                return self._retire(subject, stub)
            except Conflict:
                continue
        raise Conflict(f"{subject}: lost {ATTEMPTS} races")

    def _retire(self, subject: Ref, stub: Stub) -> Stub:
        """Returns the stub that is there now, which may be somebody else's. Raises ``Conflict``."""
        card = self.store.load(subject).card
        if card.stub and (card.stub.why is not Leaving.EXPIRED or stub.why is Leaving.EXPIRED):
            return card.stub
        try:
            self.store.retire(subject, card.version, stub, self.now)
        except SubjectErased:
            return Stub(Leaving.ERASED)
        return stub

    def _is_expired(self, collection: Collection) -> bool:
        since = collection.card.body.get("deleted_at")
        return since is not None and self.now - parse_instant(str(since)) >= HIDDEN_FOR

    def _expire(self, card: StoredCard) -> None:
        self._retire_at_last(card.ref, Stub(Leaving.EXPIRED))
        self._clear(card)


def scorer(
    live: LiveSettings,
    store: SubjectStore,
    now: datetime,
    reason: Reason,
    programs: Programs | None = None,
    *,
    ring: Ring,
) -> Scorer:
    """Without ``programs``, that of the policy in force has always been the one."""
    saves = Saves(compiled(live.policy), live.models, now, reason, live.revision, programs)
    return Scorer(saves, store, ring)


def compiled(page: Mapping[str, Json]) -> Policy:
    """The policy of a canonical page, compiled once per page and process."""
    return _compile(canonical(page))


@lru_cache(maxsize=16)
def _compile(page: str) -> Policy:
    return compile_policy(json.loads(page))


def _moved(facts: Iterable[Fact], into: Ref) -> tuple[Fact, ...]:
    """As facts of the survivor, whose own record and associations are read from the CRM."""
    return tuple(
        replace(fact, subject=into)
        for fact in facts
        if fact.type not in {"links", "deleted"} and fact.type != fact.subject.kind
    )


def _circle(subject: Ref) -> Conflict:
    return Conflict(f"{subject}: merged in a circle")
