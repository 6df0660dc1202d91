"""Segments whose customers have become less satisfied, so that somebody asks them why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.core.facts import FactSet
from chalicelib.core.model import Json, Ref
from chalicelib.core.ports import SubjectStore
from chalicelib.scoring.models.satisfaction import answers
from chalicelib.training.satisfaction import Nps, has_declined, nps

PERIOD = timedelta(days=90)
"""The last so many days are held against as many before them."""

Answers = Mapping[str, list[float]]
"""NPS answers, 0-10, by segment."""


@dataclass(frozen=True, slots=True)
class Decline:
    segment: str
    before: Nps
    now: Nps


def declines(
    population: Iterable[Mapping[str, Json]], store: SubjectStore, now: datetime
) -> tuple[Decline, ...]:
    """Reads the facts of those who answered some survey, and of no others."""
    subjects = [Ref.parse(str(row["ref"])) for row in population if row.get("q") is not None]
    lately: defaultdict[str, list[float]] = defaultdict(list)
    earlier: defaultdict[str, list[float]] = defaultdict(list)
    for collection in map(store.load, subjects):
        segment = _segment(collection.card.body)
        lately[segment] += _given(collection.facts, now - PERIOD, now)
        earlier[segment] += _given(collection.facts, now - 2 * PERIOD, now - PERIOD)
    return tuple(_declined(earlier, lately))


def _declined(earlier: Answers, lately: Answers) -> Iterator[Decline]:
    for segment in sorted(lately):
        before, now = nps(earlier.get(segment, [])), nps(lately[segment])
        if before and now and has_declined(before, now):
            yield Decline(segment, before, now)


def _segment(body: Mapping[str, Json]) -> str:
    """``none`` of who has none."""
    match body.get("rfm"):
        case {"segment": str(segment)}:
            return segment
    return "none"


def _given(facts: FactSet, after: datetime, until: datetime) -> list[float]:
    """Somebody's latest answer to each survey in ``(after, until]``."""
    latest: dict[str, tuple[datetime, float]] = {}
    for survey, answer in answers(facts):
        if answer.kind == "nps" and after < answer.at <= until:
            latest[survey] = max(latest.get(survey, (after, 0.0)), (answer.at, answer.value))
    return [value for _, value in latest.values()]
