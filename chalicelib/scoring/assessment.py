"""What the models of a policy say of a subject: the common ground of card and next change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chalicelib.core.facts import FactSet
from chalicelib.core.model import Ref
from chalicelib.core.policy import FittedModels, Group, Measure, Policy, Profile
from chalicelib.scoring.profile import profile_of


@dataclass(frozen=True, slots=True)
class Reading:
    """A group of the policy with what its model measured."""

    group: Group
    measure: Measure


@dataclass(frozen=True, slots=True)
class Assessment:
    """``components`` are empty unless the subject has bought; ``lead`` never is.

    ``jumps_at`` is the first instant after ``profile.now`` at which something other than
    decay changes a measure without a new fact.
    """

    profile: Profile
    policy: Policy
    models: FittedModels
    lead: tuple[Reading, ...]
    components: tuple[Reading, ...]
    jumps_at: datetime | None

    @property
    def known_components(self) -> tuple[Reading, ...]:
        """A component of which nothing is known is left out, which is not the same as zero."""
        return tuple(reading for reading in self.components if reading.measure.known)


def assess(
    subject: Ref, facts: FactSet, policy: Policy, models: FittedModels, now: datetime
) -> Assessment:
    profile, next_fact_at = profile_of(subject, facts, now)
    lead = _read(policy.lead.groups, profile, models)
    customer = policy.customer.components if profile.purchases else ()
    components = _read(customer, profile, models)
    jumps = [reading.measure.changes_at for reading in lead + components]
    return Assessment(
        profile=profile,
        policy=policy,
        models=models,
        lead=lead,
        components=components,
        jumps_at=min((at for at in (*jumps, next_fact_at) if at), default=None),
    )


def _read(groups: Sequence[Group], profile: Profile, models: FittedModels) -> tuple[Reading, ...]:
    fitted = models.parameters
    return tuple(
        Reading(group, group.model.measure(profile, fitted.get(group.model_name, {})))
        for group in groups
    )
