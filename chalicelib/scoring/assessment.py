"""What the models of a policy say of a subject: the common ground of card and next change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chalicelib.core.facts import FactSet
from chalicelib.core.funnel import Standing
from chalicelib.core.model import Ref
from chalicelib.core.policy import FittedModels, Group, Measure, Policy, Profile
from chalicelib.scoring.funnel import stand
from chalicelib.scoring.profile import profile_of


@dataclass(frozen=True, slots=True)
class Reading:
    """A group of the policy with what its model measured."""

    group: Group
    measure: Measure


@dataclass(frozen=True, slots=True)
class Assessment:
    """``components`` are empty unless the subject has bought; ``lead`` never is.

    ``next_fact_at`` is when the first fact that is dated ahead begins to count.
    """

    profile: Profile
    policy: Policy
    models: FittedModels
    lead: tuple[Reading, ...]
    components: tuple[Reading, ...]
    next_fact_at: datetime | None
    standing: Standing | None = None

    @property
    def jumps_at(self) -> datetime | None:
        """The first instant at which something other than decay changes a measure by itself."""
        jumps = [reading.measure.changes_at for reading in self.lead + self.components]
        standing = self.standing.changes_at if self.standing else None
        return min((at for at in (*jumps, self.next_fact_at, standing) if at), default=None)

    @property
    def known_components(self) -> tuple[Reading, ...]:
        """A component of which nothing is known is left out, which is not the same as zero."""
        return tuple(reading for reading in self.components if reading.measure.known)


def assess(
    subject: Ref, facts: FactSet, policy: Policy, models: FittedModels, now: datetime
) -> Assessment:
    profile, next_fact_at = profile_of(subject, facts, now)
    customer = policy.customer.components if profile.purchases else ()
    readings = _read_all((*policy.lead.groups, *customer), profile, models)
    lead, components = readings[: len(policy.lead.groups)], readings[len(policy.lead.groups) :]
    return Assessment(
        profile=profile,
        policy=policy,
        models=models,
        lead=lead,
        components=components,
        next_fact_at=next_fact_at,
        standing=stand(facts, policy.funnel, now) if policy.funnel else None,
    )


def _read_all(
    groups: Sequence[Group], profile: Profile, models: FittedModels
) -> tuple[Reading, ...]:
    """Groups of the same rules share one model object, which is asked once."""
    found: dict[int, Reading] = {}
    for group in groups:
        if id(group.model) not in found:
            found[id(group.model)] = read(group, profile, models)
    return tuple(Reading(group, found[id(group.model)].measure) for group in groups)


def read(group: Group, profile: Profile, models: FittedModels) -> Reading:
    fitted = models.parameters.get(group.model_name, {})
    return Reading(group, group.model.measure(profile, fitted))
