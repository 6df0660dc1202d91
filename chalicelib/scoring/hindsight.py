"""What was known at an earlier instant, and what became of it: for judging scores by outcomes.

Events are dated, so of those it is known exactly. A record is kept in its newest state alone, so
its attributes are those of now, which flatters a score that goes by them; a deal that was closed
later is left out, for how it stood then is not known.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.core.facts import Fact, FactSet, parse_instant
from chalicelib.core.model import Ref
from chalicelib.core.policy import FittedModels, Policy
from chalicelib.scoring.assessment import assess
from chalicelib.scoring.card import unexplained_card
from chalicelib.scoring.simulation import Rating, rating

_EVENTS = frozenset({"activity", "purchase", "refund"})
_DATED = {"survey": "answered_at", "ticket": "opened_at"}
_READINGS = frozenset({"score", "stage", "deleted"})


@dataclass(frozen=True, slots=True)
class Then:
    """Scored at ``cutoff``, and judged by what was bought within ``horizon`` after it."""

    cutoff: datetime
    horizon: timedelta


def until(facts: FactSet, cutoff: datetime) -> FactSet:
    """The facts of up to ``cutoff``."""
    kept = {key: fact for key, fact in facts.facts.items() if _was_known(fact, cutoff)}
    return FactSet(kept)


def was_there(facts: FactSet) -> bool:
    """Whether anything had happened, of facts of up to some instant: else who was nobody yet."""
    return any(fact.type in _EVENTS or fact.type == "deal" for fact in facts.facts.values())


def bought_after(facts: FactSet, cutoff: datetime, horizon: timedelta) -> bool:
    """Whether a purchase, or the winning of a deal, falls into ``(cutoff, cutoff + horizon]``."""
    end = cutoff + horizon
    return any(cutoff < one.occurred_at <= end for one in facts.purchases())


def _was_known(fact: Fact, cutoff: datetime) -> bool:
    if fact.type in _EVENTS:
        return fact.occurred_at <= cutoff
    if fact.type == "deal":
        return not _closed_after(fact, cutoff)
    if fact.type in _DATED:
        told = fact.data.get(_DATED[fact.type])
        return parse_instant(str(told)) <= cutoff if told else fact.version <= cutoff
    return fact.type not in _READINGS or fact.version <= cutoff


def _closed_after(fact: Fact, cutoff: datetime) -> bool:
    if fact.data.get("status", "open") == "open":
        return fact.version > cutoff
    closed = fact.data.get("closed_at")
    return not closed or parse_instant(str(closed)) > cutoff


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What both policies said of somebody at an instant, and whether they then bought."""

    old: Rating
    new: Rating
    bought: bool


def foresee(
    subject: Ref, facts: FactSet, policies: tuple[Policy, Policy], models: FittedModels, then: Then
) -> Foreseen | None:
    """None for somebody of whom nothing was known yet. The old policy stands first."""
    known = until(facts, then.cutoff)
    if not was_there(known):
        return None
    old, new = (
        rating(unexplained_card(assess(subject, known, policy, models, then.cutoff)))
        for policy in policies
    )
    return Foreseen(old, new, bought_after(facts, then.cutoff, then.horizon))
