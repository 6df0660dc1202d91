"""Who would move, and what the CRM would have to be told, if a proposal were taken.

The counts are those of ``scoring.simulation``; a review tries many proposals on the same people,
so what the policy in force makes of them is found once, and nothing is explained.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

from chalicelib.advice.changes import Change, changed
from chalicelib.core.card import ScoreCard
from chalicelib.core.facts import FactSet
from chalicelib.core.model import Json, Ref
from chalicelib.core.policy import FittedModels, Policy
from chalicelib.policy import PolicyInvalid, compile_policy, validate
from chalicelib.scoring.assessment import assess
from chalicelib.scoring.card import unexplained_card
from chalicelib.scoring.publication import Written, publish
from chalicelib.scoring.simulation import Rating, as_written, rating

T = TypeVar("T")
Watched = Callable[[Iterable[T]], Iterable[T]]
"""Passes on what it is given, and may show how far one has come."""


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Of so many subjects the score, or a name such as class or grade, would change."""

    subjects: int
    moved: int
    renamed: Mapping[str, int]
    crm_writes: int

    def to_json(self) -> dict[str, Json]:
        return {
            "subjects": self.subjects,
            "moved": self.moved,
            "renamed": dict(self.renamed),
            "crm_writes": self.crm_writes,
        }


class _Before(NamedTuple):
    """How somebody stands, and what the CRM shows of it."""

    rating: Rating
    shown: Written


@dataclass(frozen=True)
class Trial:
    """What proposals are tried on: everybody, at the end of the history."""

    page: Mapping[str, Any]
    facts: Mapping[Ref, FactSet]
    models: FittedModels
    at: datetime

    @cached_property
    def _policy(self) -> Policy:
        return compile_policy(self.page)

    @cached_property
    def _before(self) -> Mapping[Ref, _Before]:
        cards = ((ref, self._card(ref, facts, self._policy)) for ref, facts in self.facts.items())
        return {ref: _Before(rating(card), as_written(card, self._policy)) for ref, card in cards}

    def _card(self, ref: Ref, facts: FactSet, policy: Policy) -> ScoreCard:
        return unexplained_card(assess(ref, facts, policy, self.models, self.at))

    def of_page(
        self, changes: Iterable[Change], watched: Watched[tuple[Ref, FactSet]]
    ) -> WhatIf | None:
        """None where the changed page is no policy."""
        page = changed(self.page, changes)
        try:
            validate(page)
        except PolicyInvalid:
            return None
        return self._counted(watched(self.facts.items()), compile_policy(page))

    def of_facts(self, mended: Mapping[Ref, FactSet]) -> WhatIf:
        """With the facts of some as they should be."""
        return self._counted(mended.items(), self._policy)

    def _counted(self, rows: Iterable[tuple[Ref, FactSet]], policy: Policy) -> WhatIf:
        moved = writes = 0
        renamed: Counter[str] = Counter()
        for ref, facts in rows:
            card, before = self._card(ref, facts, policy), self._before[ref]
            now = rating(card)
            moved += now.score != before.rating.score
            writes += publish(card, before.shown, policy) is not None
            renamed.update(_differing(before.rating, now))
        return WhatIf(len(self.facts), moved, dict(sorted(renamed.items())), writes)


def _differing(was: Rating, now: Rating) -> list[str]:
    return [name for name, value in was.names.items() if now.names[name] != value]
