"""Cards on this machine alone, from facts that a file tells."""

from __future__ import annotations

from datetime import datetime

from chalicelib.core.card import ScoreCard
from chalicelib.core.facts import FactSet
from chalicelib.core.model import Ref
from chalicelib.core.policy import FittedModels, Policy
from chalicelib.loyalty.member import membership_of
from chalicelib.loyalty.program import Programs
from chalicelib.scoring import score_card


def card_at(
    subject: Ref, facts: FactSet, policy: Policy, models: FittedModels, at: datetime
) -> ScoreCard:
    """Of somebody who has spent no points, under a policy that has always been in force."""
    programs = Programs.of(policy.loyalty) if policy.loyalty else None
    membership = membership_of(subject, facts, programs, at)
    return score_card(subject, facts, policy, models, at, membership)
