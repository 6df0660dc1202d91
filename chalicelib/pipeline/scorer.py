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
from chalicelib.core.ports import Collection, LiveSettings, Save, SubjectStore
from chalicelib.pipeline.messages import Reason
from chalicelib.policy import compile_policy
from chalicelib.scoring import (
    Assessment,
    Written,
    assess,
    card_of,
    changed_fields,
    next_change,
    publish,
)

ATTEMPTS = 5
"""Races for one subject that are worth running before the queue takes over."""

REPAIR_AFTER = timedelta(minutes=2)
"""How long a card may be unwritten before sweep rings for it again."""


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
                return collection.card is not None and collection.card.pending
            try:
                self.store.save(save)
            except Conflict:
                continue
            return not save.settled
        raise Conflict(f"{subject}: lost {ATTEMPTS} races")

    def _save(self, collection: Collection, incoming: Iterable[Fact]) -> Save | None:
        facts = collection.facts.merge(incoming)
        new_facts = facts.beyond(collection.facts)
        assessment = assess(collection.ref, facts, self.policy, self.models, self.now)
        card = card_of(assessment)
        fields = self._fields(card, collection)
        if not new_facts and not self._is_worth_saving(card, fields, collection):
            return None
        shown = fields if fields is not None else _published(collection)
        change_at = self._change_at(assessment, card, shown)
        return Save(
            ref=collection.ref,
            base_version=collection.version,
            facts=new_facts,
            body=replace(card, next_change_at=change_at).to_json(),
            outgoing=shown,
            settled=fields is None,
            due_at=change_at if fields is None else self.now + REPAIR_AFTER,
            next_change_at=change_at,
            history=self._history(fields, collection),
            at=self.now,
        )

    def _fields(self, card: ScoreCard, collection: Collection) -> Fields | None:
        stored = collection.card
        pending = stored is not None and stored.pending
        if self.reason is Reason.COLLECT and not pending:
            return None
        # While a card is unwritten we do not know what the CRM holds.
        certain = not pending and self.reason is not Reason.REWRITE
        return publish(card, Written(_published(collection), certain), self.policy)

    def _is_worth_saving(
        self, card: ScoreCard, fields: Fields | None, collection: Collection
    ) -> bool:
        stored = collection.card
        if stored is None or self.reason is Reason.REWRITE:
            return True
        if fields is not None and changed_fields(fields, stored.outgoing):
            return True
        made_by = (stored.body.get("policy"), stored.body.get("models"))
        is_due = stored.due_at is not None and stored.due_at <= self.now
        return is_due or made_by != (card.policy, card.models)

    def _change_at(self, assessment: Assessment, card: ScoreCard, shown: Fields) -> datetime | None:
        if self.reason is Reason.COLLECT:
            return None  # the rescore that follows gives it its time
        return next_change(assessment, card, shown)

    def _history(self, fields: Fields | None, collection: Collection) -> dict[str, Json] | None:
        """One row per change that the CRM is to show."""
        if fields is None or not changed_fields(fields, _outgoing(collection)):
            return None
        return {"at": iso(self.now), "fields": _json(fields)}


def scorer(live: LiveSettings, store: SubjectStore, now: datetime, reason: Reason) -> Scorer:
    return Scorer(compiled(live.policy), live.models, store, now, reason)


def compiled(page: Mapping[str, Json]) -> Policy:
    """The policy of a canonical page, compiled once per page and process."""
    return _compile(canonical(page))


@lru_cache(maxsize=16)
def _compile(page: str) -> Policy:
    return compile_policy(json.loads(page))


def _published(collection: Collection) -> Fields:
    return collection.card.published if collection.card else {}


def _outgoing(collection: Collection) -> Fields:
    return collection.card.outgoing if collection.card else {}


def _json(fields: Fields) -> dict[str, Json]:
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()
    }
