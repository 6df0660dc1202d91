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
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache

from chalicelib import logs
from chalicelib.core.card import ScoreCard
from chalicelib.core.card_json import card_json
from chalicelib.core.dues import Debts
from chalicelib.core.errors import Conflict, SubjectErased
from chalicelib.core.facts import Fact, FactSet, canonical, iso, parse_instant
from chalicelib.core.model import Json, Ref
from chalicelib.core.outputs import Fields
from chalicelib.core.policy import FittedModels, Policy
from chalicelib.core.ports import LiveSettings, SubjectStore
from chalicelib.core.stored import Collection, Leaving, Save, StoredCard, Stub
from chalicelib.pipeline.messages import Reason
from chalicelib.policy import compile_policy
from chalicelib.scoring import (
    Assessment,
    Written,
    assess,
    card_of,
    next_change,
    publish,
)
from chalicelib.scoring.dues import dues, revised, withdrawn
from chalicelib.scoring.funnel import sightings

ATTEMPTS = 5
"""Races for one subject that are worth running before the queue takes over."""

REPAIR_AFTER = timedelta(minutes=2)
"""How long a card may be unwritten before sweep rings for it again."""

COLLECTED_IS_DUE_AFTER = timedelta(hours=1)
"""When a card that was collected, and not yet published, is looked at again at the latest."""

HIDDEN_FOR = timedelta(days=90)
"""How long a deleted record is remembered, since its CRM restores it for so long."""

LONGEST_CHAIN = 20
"""Merges of merges that are followed; a longer chain is a circle."""


@dataclass(frozen=True, slots=True)
class Scorer:
    """What a connection scores by, and why it does so now.

    ``debtors`` gathers whom it met that still owe something to others.
    """

    policy: Policy
    models: FittedModels
    store: SubjectStore
    now: datetime
    reason: Reason
    debtors: dict[Ref, None] = field(default_factory=dict)

    def score(self, subject: Ref, incoming: Iterable[Fact] = ()) -> Ref | None:
        """Score ``subject`` with what is new; returns whom the CRM has to hear of.

        That is the survivor where the subject was merged. Raises ``Conflict`` if others kept
        saving first.
        """
        return self._score(subject, tuple(incoming), LONGEST_CHAIN)

    def hide(self, subject: Ref) -> None:
        """The CRM has the record in its bin: write nothing, but remember all."""
        if self.store.load(subject).card.version:
            self.score(subject, [Fact(subject, "deleted", subject.id, self.now, {})])

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
        self, subject: Ref, facts: tuple[Fact, ...], chain: int, *, absorbs: bool = False
    ) -> Ref | None:
        for _ in range(ATTEMPTS):
            collection = self.store.load(subject)
            if collection.card.stub:
                return self._beyond(collection, collection.card.stub, facts, chain)
            if self._is_expired(collection):
                self._expire(collection.card)
                return None
            save = self._save(collection, facts, absorbs=absorbs)
            if save is None:
                self._note(subject, collection.card.debts)
                return subject if collection.card.pending else None
            try:
                self.store.save(save)
            except Conflict:
                continue
            except SubjectErased:
                return None
            self._note(subject, save.debts)
            return None if save.settled else subject
        raise Conflict(f"{subject}: lost {ATTEMPTS} races")

    def _beyond(
        self, collection: Collection, stub: Stub, incoming: tuple[Fact, ...], chain: int
    ) -> Ref | None:
        """Finish the move that a stub stands for, taking what came for its subject along."""
        if not chain:
            raise _circle(collection.ref)
        unwritten, is_new = None, collection.card.due_at is not None
        if stub.into:
            moved = _moved((*collection.facts, *incoming), stub.into)
            unwritten = self._score(stub.into, moved, chain - 1, absorbs=is_new)
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

    def _save(
        self, collection: Collection, incoming: Iterable[Fact], *, absorbs: bool
    ) -> Save | None:
        """None if there is nothing that the store does not know.

        Who ``absorbs`` another may show some of the other's fields: a CRM merges ours too.
        """
        stored = collection.card
        uncertain = absorbs or self.reason is Reason.REWRITE or stored.hidden
        told = [fact.as_received(self.now) for fact in self._with_history(incoming)]
        for fact in collection.facts.conflicting(told):
            logs.warning("contradicts itself", subject=str(stored.ref), activity=fact.id)
        facts = collection.facts.merge(told)
        new_facts = facts.beyond(collection.facts)
        if stored.hidden and not (new_facts or facts.hidden) and (record := facts.record()):
            new_facts = (record,)  # the later look at the same record is what brings it back
        related = tuple(sorted(facts.related() - collection.facts.related()))
        if facts.hidden:
            return self._hidden(stored, new_facts, related)
        assessment = assess(stored.ref, facts, self.policy, self.models, self.now)
        card = _founded(card_of(assessment), stored)
        news = self._news(card, stored, certain=not uncertain)
        debts = self._debts(stored, facts, news or stored.aim)
        if not (new_facts or news or debts != stored.debts or self._is_stale(card, stored)):
            return None
        change_at = self._change_at(assessment, card, news or stored.aim)
        save = self._settled(stored, replace(card, next_change_at=change_at), new_facts)
        save = replace(save, related=related, debts=debts)
        doubt = self._doubt(stored, news, uncertain=uncertain)
        owing = self._owing(save, stored, news, doubt) if news or stored.pending else save
        return self._soon(owing) if debts.owed else owing

    def _debts(self, stored: StoredCard, facts: FactSet, shown: Fields) -> Debts:
        """What others are owed once the CRM shows ``shown``."""
        owing = self.policy.owing
        if not (owing or stored.debts):
            return stored.debts
        wanted = dues(stored.ref, shown.get("score"), facts, owing, self.now)
        return revised(stored.debts, wanted, self.now)

    def _soon(self, save: Save) -> Save:
        """To be looked at again if it is not delivered what others are owed."""
        at = self.now + REPAIR_AFTER
        return replace(save, due_at=min(save.due_at or at, at))

    def _with_history(self, incoming: Iterable[Fact]) -> Iterable[Fact]:
        """With what deals tell of their stages, which a later reading of them tells no more."""
        told = tuple(incoming)
        return (*told, *sightings(told)) if self.policy.funnel else told

    def _hidden(
        self, stored: StoredCard, new_facts: tuple[Fact, ...], related: tuple[Ref, ...]
    ) -> Save | None:
        """A save of a deleted subject: no numbers, nothing for the CRM, due when it expires."""
        debts = revised(stored.debts, (), self.now)
        if stored.hidden and not (new_facts or debts != stored.debts):
            return None
        since = str(stored.body.get("deleted_at", iso(self.now)))
        expires = parse_instant(since) + HIDDEN_FOR
        save = Save(
            ref=stored.ref,
            base_version=stored.version,
            facts=new_facts,
            body={"subject": str(stored.ref), "at": iso(self.now), "deleted_at": since},
            outgoing=stored.aim,
            settled=True,
            doubt_until=stored.doubt_until,
            due_at=expires,
            next_change_at=expires,
            history=None,
            at=self.now,
            related=related,
            debts=debts,
        )
        return self._soon(save) if debts.owed else save

    def _settled(self, stored: StoredCard, card: ScoreCard, facts: tuple[Fact, ...]) -> Save:
        """A save of which the CRM need not hear."""
        return Save(
            ref=stored.ref,
            base_version=stored.version,
            facts=facts,
            body=card_json(card),
            outgoing=stored.aim,
            settled=True,
            doubt_until=stored.doubt_until,
            due_at=card.next_change_at,
            next_change_at=card.next_change_at,
            history=None,
            at=self.now,
        )

    def _owing(
        self, save: Save, stored: StoredCard, news: Fields | None, doubt: datetime | None
    ) -> Save:
        """The same save with something for the CRM: news, or what it is still owed."""
        return replace(
            save,
            outgoing=news or stored.outgoing,
            settled=False,
            doubt_until=doubt,
            due_at=self.now + REPAIR_AFTER,
            history=self._history(save, news) if news else None,
        )

    def _history(self, save: Save, news: Fields) -> dict[str, Json]:
        return {"at": iso(self.now), "version": save.base_version + 1, "fields": _json(news)}

    def _doubt(
        self, stored: StoredCard, news: Fields | None, *, uncertain: bool
    ) -> datetime | None:
        """What is replaced unwritten may have been written and not marked, see StoredCard."""
        replaces = stored.pending and news is not None
        if not (replaces or uncertain):
            return stored.doubt_until
        return max(self.now, stored.doubt_until or self.now)

    def _news(self, card: ScoreCard, stored: StoredCard, *, certain: bool) -> Fields | None:
        """All fields, if the CRM should show something else than it does or is about to."""
        if self.reason is Reason.COLLECT and not stored.pending:
            return None
        written = Written(stored.aim, certain, _founded_at(stored))
        return publish(card, written, self.policy)

    def _is_stale(self, card: ScoreCard, stored: StoredCard) -> bool:
        """Whether the stored card is due, or made by another policy or other models."""
        if self.reason is Reason.RESCORE:
            return True
        made_by = (stored.body.get("policy"), stored.body.get("models"))
        is_due = stored.due_at is not None and stored.due_at <= self.now
        return is_due or made_by != (card.policy, card.models)

    def _change_at(
        self, assessment: Assessment, card: ScoreCard, outgoing: Fields
    ) -> datetime | None:
        if self.reason is Reason.COLLECT:
            # The rescore that follows gives it its true time; should that miss it, sweep will.
            return self.now + COLLECTED_IS_DUE_AFTER
        return next_change(assessment, card, outgoing, card.class_founded_at)


def scorer(live: LiveSettings, store: SubjectStore, now: datetime, reason: Reason) -> Scorer:
    return Scorer(compiled(live.policy), live.models, store, now, reason)


def compiled(page: Mapping[str, Json]) -> Policy:
    """The policy of a canonical page, compiled once per page and process."""
    return _compile(canonical(page))


@lru_cache(maxsize=16)
def _compile(page: str) -> Policy:
    return compile_policy(json.loads(page))


def _founded(card: ScoreCard, stored: StoredCard) -> ScoreCard:
    """With when its class was last certain: now, or what the stored card remembers."""
    certain = card.customer is not None and card.customer.class_certain
    return replace(card, class_founded_at=card.at if certain else _founded_at(stored))


def _founded_at(stored: StoredCard) -> datetime | None:
    told = stored.body.get("class_founded_at")
    return parse_instant(str(told)) if told else None


def _moved(facts: Iterable[Fact], into: Ref) -> tuple[Fact, ...]:
    """As facts of the survivor, whose own record and associations are read from the CRM."""
    return tuple(
        replace(fact, subject=into)
        for fact in facts
        if fact.type not in {"links", "deleted"} and fact.type != fact.subject.kind
    )


def _circle(subject: Ref) -> Conflict:
    return Conflict(f"{subject}: merged in a circle")


def _json(fields: Fields) -> dict[str, Json]:
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()
    }
