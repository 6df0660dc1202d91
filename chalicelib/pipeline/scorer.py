"""One subject: read, merge, score, save. The only place where facts and cards change."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache

from chalicelib.core.card import Fields, ScoreCard
from chalicelib.core.errors import Conflict
from chalicelib.core.facts import Fact, canonical, iso
from chalicelib.core.model import Json, Ref
from chalicelib.core.policy import FittedModels, Policy
from chalicelib.core.ports import Collection, LiveSettings, Save, StoredCard, SubjectStore
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

ATTEMPTS = 5
"""Races for one subject that are worth running before the queue takes over."""

REPAIR_AFTER = timedelta(minutes=2)
"""How long a card may be unwritten before sweep rings for it again."""

COLLECTED_IS_DUE_AFTER = timedelta(hours=1)
"""When a card that was collected, and not yet published, is looked at again at the latest."""


@dataclass(frozen=True, slots=True)
class Scorer:
    """What a connection scores by, and why it does so now."""

    policy: Policy
    models: FittedModels
    store: SubjectStore
    now: datetime
    reason: Reason

    def score(self, subject: Ref, incoming: Iterable[Fact]) -> bool:
        """Score ``subject`` with what is new; true if the CRM has to hear of it.

        Raises ``Conflict`` if others kept saving first.
        """
        facts = tuple(incoming)
        for _ in range(ATTEMPTS):
            collection = self.store.load(subject)
            save = self._save(collection, facts)
            if save is None:
                return collection.card.pending
            try:
                self.store.save(save)
            except Conflict:
                continue
            return not save.settled
        raise Conflict(f"{subject}: lost {ATTEMPTS} races")

    def _save(self, collection: Collection, incoming: Iterable[Fact]) -> Save | None:
        """None if there is nothing that the store does not know."""
        stored = collection.card
        facts = collection.facts.merge(incoming)
        new_facts = facts.beyond(collection.facts)
        assessment = assess(stored.ref, facts, self.policy, self.models, self.now)
        card = card_of(assessment)
        news = self._news(card, stored)
        if not (new_facts or news or self._is_stale(card, stored)):
            return None
        outgoing = news or stored.aim
        change_at = self._change_at(assessment, card, outgoing)
        save = self._settled(stored, replace(card, next_change_at=change_at), new_facts)
        return self._owing(save, stored, news) if news or stored.pending else save

    def _settled(self, stored: StoredCard, card: ScoreCard, facts: tuple[Fact, ...]) -> Save:
        """A save of which the CRM need not hear."""
        return Save(
            ref=stored.ref,
            base_version=stored.version,
            facts=facts,
            body=card.to_json(),
            outgoing=stored.aim,
            settled=True,
            in_doubt=stored.in_doubt,
            due_at=card.next_change_at,
            next_change_at=card.next_change_at,
            history=None,
            at=self.now,
        )

    def _owing(self, save: Save, stored: StoredCard, news: Fields | None) -> Save:
        """The same save with something for the CRM: news, or what it is still owed."""
        return replace(
            save,
            outgoing=news or stored.outgoing,
            settled=False,
            in_doubt=stored.in_doubt or self._raises_doubt(stored, news),
            due_at=self.now + REPAIR_AFTER,
            history={"at": iso(self.now), "fields": _json(news)} if news else None,
        )

    def _raises_doubt(self, stored: StoredCard, news: Fields | None) -> bool:
        """What is replaced unwritten may have been written and not marked, see StoredCard."""
        return self.reason is Reason.REWRITE or (stored.pending and news is not None)

    def _news(self, card: ScoreCard, stored: StoredCard) -> Fields | None:
        """All fields, if the CRM should show something else than it does or is about to."""
        if self.reason is Reason.COLLECT and not stored.pending:
            return None
        certain = self.reason is not Reason.REWRITE
        return publish(card, Written(stored.aim, certain), self.policy)

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
        return next_change(assessment, card, outgoing)


def scorer(live: LiveSettings, store: SubjectStore, now: datetime, reason: Reason) -> Scorer:
    return Scorer(compiled(live.policy), live.models, store, now, reason)


def compiled(page: Mapping[str, Json]) -> Policy:
    """The policy of a canonical page, compiled once per page and process."""
    return _compile(canonical(page))


@lru_cache(maxsize=16)
def _compile(page: str) -> Policy:
    return compile_policy(json.loads(page))


def _json(fields: Fields) -> dict[str, Json]:
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()
    }
