"""What one transaction writes of a subject: new facts, its card, and what the CRM is to hear."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib import logs
from chalicelib.core.card import ScoreCard
from chalicelib.core.card_json import card_json
from chalicelib.core.dues import Debts
from chalicelib.core.editions import COLLECTED, HIDDEN, made_by
from chalicelib.core.facts import Fact, FactSet, iso, parse_instant
from chalicelib.core.identity import NO_CLAIMS, Claims, Waiting, changed
from chalicelib.core.model import Json, Ref
from chalicelib.core.outputs import Fields
from chalicelib.core.policy import FittedModels, Policy
from chalicelib.core.stored import Collection, Save, StoredCard
from chalicelib.loyalty.program import Programs
from chalicelib.pipeline.looks import NO_LOOK, Look, Looks, Scored
from chalicelib.pipeline.membership import Act, Ledger, ledger, nothing
from chalicelib.pipeline.messages import Reason
from chalicelib.scoring import Assessment, Written, assess, card_of, next_change, publish
from chalicelib.scoring.dues import dues, revised
from chalicelib.scoring.funnel import sightings
from chalicelib.scoring.identities import known_by

REPAIR_AFTER = timedelta(minutes=2)
"""How long a card may be unwritten before sweep rings for it again."""

COLLECTED_IS_DUE_AFTER = timedelta(hours=1)
"""When a card that was collected, and not yet published, is looked at again at the latest."""

HIDDEN_FOR = timedelta(days=90)
"""How long a deleted record is remembered, since its CRM restores it for so long."""


@dataclass(frozen=True, slots=True)
class Saves:
    """What a connection scores by, and why it does so now.

    ``revision`` is the number of the last publication that is known of. ``programs`` are those that
    were in force one after the other, up to that of the policy.
    """

    policy: Policy
    models: FittedModels
    now: datetime
    reason: Reason
    revision: int = 0
    programs: Programs | None = None

    @property
    def made(self) -> str:
        """What its cards are made by."""
        return made_by(self.policy.version, self.models.version)

    def of(
        self,
        collection: Collection,
        incoming: Iterable[Fact],
        absorbed: Sequence[Collection] = (),
        act: Act = nothing,
        waiting: Sequence[Waiting] = (),
    ) -> Save | None:
        """None if there is nothing that the store does not know, and ``act`` adds nothing.

        Who has ``absorbed`` others may show some of their fields: a CRM merges ours too. Of what is
        ``waiting`` that moves in which waits under an identity that the subject is to claim.
        """
        stored = collection.card
        uncertain = bool(absorbed) or self.reason is Reason.REWRITE or stored.hidden
        told = [fact.as_received(self.now) for fact in self._with_history(incoming)]
        for fact in collection.facts.conflicting(told):
            logs.warning("contradicts itself", subject=str(stored.ref), activity=fact.id)
        facts = collection.facts.merge(told)
        claims = self._claims(stored, facts, waiting)
        facts = facts.merge(fact for one in claims.new for fact in one.facts(stored.ref))
        if not (stored.version or facts):
            return None  # a message that waited longer than its subject was remembered
        new_facts = facts.beyond(collection.facts)
        if stored.hidden and not (new_facts or facts.hidden) and (record := facts.record()):
            new_facts = (record,)  # the later look at the same record is what brings it back
        related = tuple(sorted(facts.related() - collection.facts.related()))
        if facts.hidden:
            found = ledger(collection, facts, absorbed, None, self.now)
            save = self._hidden(stored, new_facts, related, is_new=bool(found.rows))
            return replace(save, entries=found.rows, claims=claims) if save else None
        found = ledger(collection, facts, absorbed, self._programs, self.now, act)
        membership = found.membership
        assessment = assess(stored.ref, facts, self.policy, self.models, self.now, membership)
        card = _founded(card_of(assessment), stored)
        news = self._news(card, stored, certain=not uncertain)
        debts = self._debts(stored, facts, news or stored.aim)
        look = self._look(Scored(assessment, card), collection, found, is_told=bool(new_facts))
        is_known = not (claims.new or claims.gone)
        is_same = is_known and debts == stored.debts and not self._is_stale(stored)
        if is_same and not (new_facts or found.rows or news or look.announcements):
            return None
        change_at = self._change_at(assessment, card, news or stored.aim, look)
        save = self._settled(stored, replace(card, next_change_at=change_at), new_facts)
        save = replace(save, related=related, debts=debts, entries=found.rows, claims=claims)
        save = replace(save, seen=look.seen, announcements=look.announcements)
        doubt = self._doubt(stored, news, uncertain=uncertain)
        owing = self._owing(save, stored, news, doubt) if news or stored.pending else save
        return self._soon(owing) if debts.owed else owing

    def _look(self, now: Scored, collection: Collection, found: Ledger, *, is_told: bool) -> Look:
        """For what is announced, if anything is. ``is_told`` where there are new facts."""
        if not self.policy.announcements:
            return NO_LOOK
        looks = Looks(self.policy, self.made, is_silent=self.reason is Reason.COLLECT)
        old = now if looks.asks_for_old(collection) else None
        if old and is_told:
            ref, facts = collection.ref, collection.facts
            past = assess(ref, facts, self.policy, self.models, self.now, found.membership)
            old = Scored(past, card_of(past))
        return looks.at(now, old, collection, found)

    @property
    def _programs(self) -> Programs | None:
        if self.policy.loyalty is None:
            return None
        return self.programs or Programs.of(self.policy.loyalty)

    def _claims(self, stored: StoredCard, facts: FactSet, waiting: Sequence[Waiting]) -> Claims:
        """Who is in the bin is known as before, and claims nothing more."""
        if facts.hidden:
            return NO_CLAIMS
        wanted = known_by(stored.ref, facts, self.policy.owing.region)
        return changed(stored.identities, wanted, waiting)

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
        self,
        stored: StoredCard,
        new_facts: tuple[Fact, ...],
        related: tuple[Ref, ...],
        *,
        is_new: bool,
    ) -> Save | None:
        """A save of a deleted subject: no numbers, nothing for the CRM, due when it expires."""
        debts = revised(stored.debts, (), self.now)
        if stored.hidden and not (new_facts or is_new or debts != stored.debts):
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
            made=HIDDEN,
            revision=self.revision,
            afresh=True,
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
            made=COLLECTED if self.reason is Reason.COLLECT else self.made,
            revision=self.revision,
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
            due_at=self._rung_again_at(stored),
            history=self._history(save, news) if news else None,
            afresh=self.reason is Reason.REWRITE,
        )

    def _rung_again_at(self, stored: StoredCard) -> datetime:
        """Should it be unwritten by then; not before the CRM may be asked again."""
        at = self.now + REPAIR_AFTER
        if stored.setback is None or self.reason is Reason.REWRITE:
            return at
        return max(at, stored.setback.until)

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
        written = Written(stored.aim, certain, founded_at(stored))
        return publish(card, written, self.policy)

    def _is_stale(self, stored: StoredCard) -> bool:
        """Whether the stored card is due, or made by another policy or other models."""
        if stored.due_at is not None and stored.due_at <= self.now:
            return True
        is_kept = stored.made == COLLECTED and self.reason is Reason.COLLECT
        return stored.made != self.made and not is_kept

    def _change_at(
        self, assessment: Assessment, card: ScoreCard, outgoing: Fields, look: Look
    ) -> datetime | None:
        if self.reason is Reason.COLLECT:
            # The rescore that follows gives it its true time; should that miss it, sweep will.
            return self.now + COLLECTED_IS_DUE_AFTER
        changes_at = next_change(assessment, card, outgoing, card.class_founded_at)
        return min((at for at in (changes_at, look.next_at) if at), default=None)


def _founded(card: ScoreCard, stored: StoredCard) -> ScoreCard:
    """With when its class was last certain: now, or what the stored card remembers."""
    certain = card.customer is not None and card.customer.class_certain
    return replace(card, class_founded_at=card.at if certain else founded_at(stored))


def founded_at(stored: StoredCard) -> datetime | None:
    told = stored.body.get("class_founded_at")
    return parse_instant(str(told)) if told else None


def _json(fields: Fields) -> dict[str, Json]:
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()
    }
