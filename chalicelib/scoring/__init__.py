"""Pure scoring: facts, a policy, fitted models and an instant in; a card, and fields, out.

No clock, no I/O, no randomness: a score can be explained, recomputed for any past instant and
replayed under another policy. A use case that wants both the card and its next change assesses
once: ``card_of(assessment)`` and ``next_change(assessment, card, shown)``.
"""

from __future__ import annotations

from datetime import datetime

from chalicelib.core.card import ScoreCard
from chalicelib.core.facts import FactSet
from chalicelib.core.model import Ref
from chalicelib.core.outputs import Fields
from chalicelib.core.policy import FittedModels, Policy
from chalicelib.core.standing import Membership
from chalicelib.scoring.assessment import Assessment, assess
from chalicelib.scoring.card import card_of
from chalicelib.scoring.next_change import next_change
from chalicelib.scoring.publication import Written, changed_fields, outputs, publish

__all__ = [
    "Assessment",
    "Written",
    "assess",
    "card_of",
    "changed_fields",
    "next_change",
    "next_change_at",
    "outputs",
    "publish",
    "score_card",
]


def score_card(
    subject: Ref,
    facts: FactSet,
    policy: Policy,
    models: FittedModels,
    now: datetime,
    membership: Membership | None = None,
) -> ScoreCard:
    """What ``policy`` says of ``subject`` at ``now``; ``next_change_at`` is left open.

    ``membership`` is what the ledger says, see ``chalicelib.loyalty``.
    """
    return card_of(assess(subject, facts, policy, models, now, membership))


def next_change_at(
    subject: Ref,
    facts: FactSet,
    policy: Policy,
    models: FittedModels,
    now: datetime,
    shown: Fields,
    founded_at: datetime | None = None,
) -> datetime | None:
    """The first instant after ``now`` at which ``publish`` would no longer be content.

    ``shown`` is what the CRM shows, with a class that was last well founded at ``founded_at``;
    exact to the minute. None if nothing will ever change.
    """
    assessment = assess(subject, facts, policy, models, now)
    return next_change(assessment, card_of(assessment), shown, founded_at)
