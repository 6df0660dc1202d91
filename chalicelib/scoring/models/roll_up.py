"""How interested a company is, from the scores of its people.

Of people with scores s_i in 0-100, of whom the ``top`` best count:

    noisy_or   100 · (1 - Π(1 - s_i / 100))      several interested people mean more than one
    max        the best score
    sum        Σ s_i, at most 100

A company of which nobody is known has 0 points. Two records with one e-mail address or one phone
number are one person, whose better score counts; so are two that share a third. Whoever is no
company has no such people, and is not asked for them.

People of 60, 50 and 20, and the one of 50 again under another record:

>>> people = [(60, ["a"]), (50, ["b"]), (20, []), (45, ["c", "b"])]
>>> best_scores(people)
[60, 50, 20]
>>> round(METHODS["noisy_or"]([60, 50, 20]), 6), METHODS["max"]([60, 50, 20])
(84.0, 60)
>>> METHODS["sum"]([60, 50, 20])
100

Source: Pearl 1988, "Probabilistic Reasoning in Intelligent Systems", 4.3.2, for the noisy or;
the others are the roll-ups of HubSpot's company scores.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from chalicelib.core.facts import FactSet
from chalicelib.core.model import Json
from chalicelib.core.policy import Measure, Profile, Term
from chalicelib.localization.sentences import people_scored
from chalicelib.scoring.models import Context, Parameters

Method = Literal["noisy_or", "max", "sum"]

SCHEMA: Mapping[str, Json] = {
    "required": [],
    "properties": {
        "method": {"enum": ["noisy_or", "max", "sum"]},
        "top": {"type": "integer", "minimum": 1},
    },
    "examples": [{"model": "roll_up", "method": "noisy_or", "top": 5}],
}

_TOP = 5
_MOST = 100


def _noisy_or(scores: Sequence[int]) -> float:
    return _MOST * (1 - math.prod(1 - score / _MOST for score in scores))


METHODS: Mapping[Method, Callable[[Sequence[int]], float]] = {
    "noisy_or": _noisy_or,
    "max": lambda scores: max(scores, default=0),
    "sum": lambda scores: min(sum(scores), _MOST),
}
"""Each takes scores of 0-100 and gives 0-100."""


@dataclass(frozen=True, slots=True)
class Model:
    method: Method
    top: int

    @classmethod
    def from_page(cls, parameters: Parameters, context: Context) -> Model:  # noqa: ARG003
        method = cast(Method, parameters.get("method", "noisy_or"))
        return cls(method, cast(int, parameters.get("top", _TOP)))

    @property
    def maximum(self) -> float:
        return float(_MOST)

    def measure(self, profile: Profile, fitted: Mapping[str, Json]) -> Measure:  # noqa: ARG002
        scores = best_scores(_people(profile.facts))
        if not scores:
            return Measure(terms=(), known=0, asked=int(profile.subject.kind == "account"))
        points = METHODS[self.method](scores[: self.top])
        text = people_scored(len(scores), scores[0])
        return Measure(terms=(Term("people", points, text),), known=1, asked=1)


def best_scores(people: Iterable[tuple[int, Sequence[str]]]) -> list[int]:
    """One score per person, the best first; who shares a key is one person."""
    groups: list[tuple[int, frozenset[str]]] = []
    for score, keys in people:
        mine = frozenset(keys)
        same = [group for group in groups if group[1] & mine]
        groups = [group for group in groups if not group[1] & mine]
        best = max(score, *(other for other, _ in same), 0)
        groups.append((best, mine.union(*(other for _, other in same))))
    return sorted((score for score, _ in groups), reverse=True)


def _people(facts: FactSet) -> Iterable[tuple[int, Sequence[str]]]:
    """Those who left, or were forgotten, say nothing any more."""
    for fact in facts:
        score, keys = fact.data.get("score"), fact.data.get("person")
        if fact.type == "score" and isinstance(score, int):
            yield score, cast(Sequence[str], keys or ())
