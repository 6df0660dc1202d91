"""Who would move, and what the CRM would have to be told, if a proposal were taken."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from chalicelib.advice.changes import Change, changed
from chalicelib.core.facts import FactSet
from chalicelib.core.model import Json, Ref
from chalicelib.core.policy import FittedModels
from chalicelib.policy import PolicyInvalid, compile_policy, validate
from chalicelib.scoring.assessment import assess
from chalicelib.scoring.card import card_of
from chalicelib.scoring.publication import publish
from chalicelib.scoring.simulation import Rating, as_written, rating, simulate

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


@dataclass(frozen=True, slots=True)
class Trial:
    """What proposals are tried on: everybody, at the end of the history."""

    page: Mapping[str, Any]
    facts: Mapping[Ref, FactSet]
    models: FittedModels
    at: datetime

    def of_page(
        self, changes: Iterable[Change], watched: Watched[tuple[Ref, FactSet]]
    ) -> WhatIf | None:
        """None where the changed page is no policy."""
        page = changed(self.page, changes)
        try:
            validate(page)
        except PolicyInvalid:
            return None
        old, new = compile_policy(self.page), compile_policy(page)
        found = simulate(watched(self.facts.items()), old, new, self.models, self.at)
        renamed = {
            name: sum(count for (was, now), count in matrix.items() if was != now)
            for name, matrix in found.matrices.items()
        }
        return WhatIf(found.subjects, found.moved, _some(renamed), found.records_written)

    def of_facts(self, mended: Mapping[Ref, FactSet]) -> WhatIf:
        """With the facts of some as they should be."""
        policy, moved, writes, renamed = compile_policy(self.page), 0, 0, dict[str, int]()
        for ref, facts in mended.items():
            before = card_of(assess(ref, self.facts[ref], policy, self.models, self.at))
            after = card_of(assess(ref, facts, policy, self.models, self.at))
            was, now = rating(before), rating(after)
            moved += was.score != now.score
            writes += publish(after, as_written(before, policy), policy) is not None
            for name in _differing(was, now):
                renamed[name] = renamed.get(name, 0) + 1
        return WhatIf(len(self.facts), moved, renamed, writes)


def _differing(was: Rating, now: Rating) -> list[str]:
    return [name for name, value in was.names.items() if now.names[name] != value]


def _some(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count}
