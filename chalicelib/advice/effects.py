"""Rules held against what people bought later, and the points that follow.

Of a rule with log odds ratio θ among people who are alike (``cases``), reached people hold on
average n̄ of it, faded as it is. Points stand for log odds at the scale of the policy's own table of
chances (``priority.chances``): k = (s₁ - s₀) / (logit p₁ - logit p₀) from its first score to its
last, which by default is 23 points for e, or 16 for twice the odds. So history speaks for::

    k · θ / n̄        between k · (θ ± 1.96 · error) / n̄

points. A rule keeps its points unless they differ clearly from that; if nothing is clearly
associated, history speaks for none.

>>> round(points_per_log_odds({}), 2)
23.27

Source: points that stand for doubled odds are those of credit scorecards (Siddiqi 2006).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from chalicelib.advice.cases import Case, History, Sight
from chalicelib.advice.rules import Rule, Section
from chalicelib.scoring.levels import TOP
from chalicelib.scoring.priority import CHANCES
from chalicelib.training.association import (
    Association,
    Z,
    association,
    discoveries,
    too_few,
    two_sided,
)

_SURE_ENOUGH = 0.01  # keeps chances of 0 and 1 away from infinite odds


@dataclass(frozen=True, slots=True)
class Sighting:
    """Whom something reached, out of whom, and what that went with.

    ``held`` is n̄; ``found`` is None where there is too little, and ``why_not`` says what.
    """

    reached: int
    known: int
    people: int
    held: float
    found: Association | None
    why_not: str


@dataclass(frozen=True, slots=True)
class Effect:
    """``points`` and ``between`` are what history speaks for.

    ``is_associated`` and ``differs`` are findings among all rules that were looked at.
    """

    rule: Rule
    sighting: Sighting
    points: float = 0.0
    between: tuple[float, float] = (0.0, 0.0)
    is_associated: bool = False
    differs: bool = False

    @property
    def proposed(self) -> float | None:
        """None where nothing is to be changed, or too little is known."""
        if self.sighting.found is None or not self.differs:
            return None
        points = _rounded(self.points) if self.is_associated else 0
        return None if points == self.rule.points else points

    @property
    def contradicts(self) -> bool:
        """Whether those who earn points buy clearly less often, or the other way round."""
        return self.is_associated and self.points * self.rule.points < 0


def points_per_log_odds(page: Mapping[str, Any]) -> float:
    told = page.get("priority", {}).get("chances", CHANCES)
    (low, p0), (high, p1) = told[0], told[-1]
    span = _logit(p1) - _logit(p0)
    (low_, q0), (high_, q1) = CHANCES[0], CHANCES[-1]
    if span <= 0:
        return (high_ - low_) / (_logit(q1) - _logit(q0))
    return float((high - low) / span)


def _logit(chance: float) -> float:
    held = min(max(chance, _SURE_ENOUGH), 1 - _SURE_ENOUGH)
    return math.log(held / (1 - held))


def effects(history: History) -> list[Effect]:
    """Of every rule of the page, in its order."""
    scale = points_per_log_odds(history.study.page)
    sighted = [(rule, _of_rule(rule, history)) for rule in history.study.rules]
    judged = [_judged(rule, sighting, scale) for rule, sighting in sighted]
    return _found(judged)


def _of_rule(rule: Rule, history: History) -> Sighting:
    sections = cast("tuple[Section, ...]", tuple({place[0] for place in rule.places}))
    cases = history.counted_in(sections)
    counts = [count for case in cases if case.reached(rule) and (count := case.counts[rule.id])]
    held = math.fsum(counts) / len(counts) if counts else 1.0
    return sight(history, cases, lambda case: case.reached(rule), held, history.alike(rule))


def sight(
    history: History,
    cases: Sequence[Case],
    reached: Sight,
    held: float = 1.0,
    without: frozenset[str] = frozenset(),
) -> Sighting:
    seen = [one for case in cases if (one := reached(case)) is not None]
    strata = history.strata(cases, reached, without)
    why_not = too_few(strata)
    return Sighting(
        reached=sum(seen),
        known=len(seen),
        people=len(cases),
        held=held,
        found=None if why_not else association(strata),
        why_not=why_not,
    )


def _judged(rule: Rule, sighting: Sighting, scale: float) -> Effect:
    if sighting.found is None:
        return Effect(rule, sighting)
    per = scale / sighting.held
    low, high = sighting.found.log_odds_interval
    return Effect(rule, sighting, per * sighting.found.log_odds, (per * low, per * high))


def _found(judged: Sequence[Effect]) -> list[Effect]:
    """With what is a finding among all that could be judged; both questions are asked of all."""
    told = [one for one in judged if one.sighting.found]
    associated = discoveries([cast(Association, one.sighting.found).probability for one in told])
    differ = discoveries([_probability_of_present(one) for one in told])
    verdicts = {
        one.rule.id: (is_associated, differs)
        for one, is_associated, differs in zip(told, associated, differ, strict=True)
    }
    return [
        Effect(one.rule, one.sighting, one.points, one.between, *verdicts.get(one.rule.id, ()))
        for one in judged
    ]


def _probability_of_present(one: Effect) -> float:
    """Of history speaking for what it does if the present points were right."""
    low, high = one.between
    error = (high - low) / (2 * Z)
    return two_sided((one.points - one.rule.points) / error)


def _rounded(points: float) -> int:
    """Whole points; an association that is there is worth one at least."""
    whole = max(1, math.floor(abs(points) + 0.5))
    return min(whole, TOP) if points > 0 else -min(whole, TOP)
