"""Nobody is judged by an attribute that the policy does not say was known from the start.

Models in force and pages that were learned of may go by others, from before the policy said so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from chalicelib.core.model import Json
from chalicelib.core.policy import Policy
from chalicelib.pipeline.lessons import Lessons
from chalicelib.prediction.propensity import Propensity
from chalicelib.scoring.features import is_dated, known_of
from chalicelib.scoring.fitted import CARDS

Parameters = Mapping[str, Mapping[str, Json]]


def sound(before: Parameters, policy: Policy) -> Parameters:
    """Without models of people that go by other attributes, and without their cards."""
    known = _known(policy)
    unsound = {
        name
        for name in known.keys() & before.keys()
        if not _attributes(Propensity.from_json(before[name])) <= known[name]
    }
    kept = {name: one for name, one in before.items() if name not in unsound}
    cards = {name: one for name, one in cards_of(before).items() if name not in unsound}
    return {**kept, CARDS: cards} if unsound else before


def with_known_alone(lessons: Lessons, policy: Policy) -> Lessons:
    leads, renewals = (_known(policy).get(name, frozenset()) for name in ("propensity", "renewals"))
    return replace(
        lessons,
        snapshots=tuple(one._replace(row=known_of(one.row, leads)) for one in lessons.snapshots),
        renewals=tuple(one._replace(row=known_of(one.row, renewals)) for one in lessons.renewals),
    )


def cards_of(parameters: Parameters) -> dict[str, Any]:
    """By the names of models."""
    return dict(cast("Mapping[str, Any]", parameters.get(CARDS, {})))


def _known(policy: Policy) -> dict[str, frozenset[str]]:
    """The attributes that the model of each name may go by."""
    asked, found = policy.foretells, dict[str, frozenset[str]]()
    if asked.leads:
        found["propensity"] = asked.leads.known_ones
    if asked.subscriptions:
        found["renewals"] = asked.subscriptions.known
    return found


def _attributes(model: Propensity) -> frozenset[str]:
    """That it goes by."""
    own = {field.name for field in model.fields if not is_dated(field.name)}
    return frozenset(own).union(*(_attributes(one) for _, one in model.segments))
