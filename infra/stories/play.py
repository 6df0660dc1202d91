"""Play a story: score its person at each of its instants, and compare with what is expected."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from chalicelib.core.card import ScoreCard
from chalicelib.core.facts import FactSet
from chalicelib.core.model import Json, Text
from chalicelib.core.policy import Adviser, Policy
from chalicelib.scoring.funnel import sightings
from infra.offline import card_at
from infra.stories import Step, Story


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that is expected, beside what was found."""

    name: str
    expected: Json
    found: Json
    because: str

    @property
    def holds(self) -> bool:
        return COMPARED.get(self.name, _is_same)(self.expected, self.found)


@dataclass(frozen=True, slots=True)
class Scene:
    step: Step
    card: ScoreCard
    lines: tuple[Line, ...]

    @property
    def holds(self) -> bool:
        return all(line.holds for line in self.lines)


def play(story: Story, policy: Policy) -> Iterator[Scene]:
    known = FactSet()
    for step in story.steps:
        known = known.merge([*step.facts, *sightings(step.facts)])
        card = card_at(story.subject, known, policy, story.models, step.at)
        lines = tuple(
            Line(name, expected, SEEN[name](card, policy), step.because.get(name, ""))
            for name, expected in step.expected.items()
        )
        yield Scene(step, card, lines)


Seen = Callable[[ScoreCard, Policy], Json]


def _advised(member: Adviser) -> Seen:
    """The id of the action that it is from, the same in both languages."""

    def seen(card: ScoreCard, policy: Policy) -> Json:
        told = card.next_action if member == "text" else getattr(card, member)
        return next(
            (one.id for one in policy.actions if told and getattr(one, member) == told), None
        )

    return seen


def _assigned(card: ScoreCard, _: Policy) -> Json:
    found = card.priority.assign_to if card.priority else None
    return "/".join(filter(None, (found.pool, found.skill))) if found else None


def _points(card: ScoreCard, _: Policy) -> Json:
    return {one.id: one.points for one in card.contributions}


def _texts(texts: Iterable[Text]) -> Json:
    return [
        {"en": text.en.translate(_ISOLATES), "fa": text.fa.translate(_ISOLATES)} for text in texts
    ]


def _of_tier(card: ScoreCard, member: str) -> Json:
    tier = card.loyalty.tier if card.loyalty else None
    return getattr(tier, member) if tier else None


def _expiring(card: ScoreCard) -> Json:
    found = card.loyalty.expiring if card.loyalty else None
    return found.points if found else None


def _missions(card: ScoreCard, _: Policy) -> Json:
    missions = card.loyalty.missions if card.loyalty else ()
    return {one.id: f"{min(one.value, one.target)} of {one.target}" for one in missions}


_ISOLATES = dict.fromkeys(range(0x2066, 0x206A))
"""Marks around numbers in Persian text, which nobody types."""


SEEN: Mapping[str, Seen] = {
    "score": lambda card, _: card.score,
    "lead_score": lambda card, _: card.lead.score,
    "grade": lambda card, _: card.lead.grade,
    "temperature": lambda card, _: card.lead.temperature,
    "customer_score": lambda card, _: card.customer.score if card.customer else None,
    "class": lambda card, _: card.customer.class_ if card.customer else None,
    "stage": lambda card, _: card.stage,
    "priority": lambda card, _: card.priority.score if card.priority else None,
    "next_action": _advised("text"),
    "campaign": _advised("campaign"),
    "service_level": _advised("service_level"),
    "assign_to": _assigned,
    "offer": lambda card, _: card.suggestion.category if card.suggestion else None,
    "segments": lambda card, _: list(card.segments),
    "not_segments": lambda card, _: list(card.segments),
    "tags": lambda card, _: list(card.tags),
    "not_tags": lambda card, _: list(card.tags),
    "points": _points,
    "tier": lambda card, _: card.tier,
    "tier_state": lambda card, _: _of_tier(card, "state"),
    "loyalty_points": lambda card, _: card.loyalty.points if card.loyalty else None,
    "expiring_points": lambda card, _: _expiring(card),
    "missions": _missions,
    "reasons": lambda card, _: _texts(card.reasons),
}
"""What a story may expect; of an advice the id of the action that gives it."""


def _is_same(expected: Json, found: Json) -> bool:
    return expected == found


def _are_there(expected: Json, found: Json) -> bool:
    return isinstance(expected, list) and isinstance(found, list) and _all_in(expected, found)


def _are_absent(expected: Json, found: Json) -> bool:
    return isinstance(found, list) and isinstance(expected, list) and not _any_in(expected, found)


def _all_in(some: Sequence[Json], whole: Sequence[Json]) -> bool:
    return all(one in whole for one in some)


def _any_in(some: Sequence[Json], whole: Sequence[Json]) -> bool:
    return any(one in whole for one in some)


COMPARED: Mapping[str, Callable[[Json, Json], bool]] = {
    "segments": _are_there,
    "tags": _are_there,
    "not_segments": _are_absent,
    "not_tags": _are_absent,
}
"""Of these some are enough; all else must be the same."""
