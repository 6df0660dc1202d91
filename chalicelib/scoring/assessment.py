"""What the models of a policy say of a subject: the common ground of card and next change."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime

from chalicelib.core.card import Beginning
from chalicelib.core.facts import FactSet, earliest
from chalicelib.core.funnel import Standing
from chalicelib.core.model import Ref
from chalicelib.core.policy import FittedModels, Group, Measure, Policy, Profile
from chalicelib.core.standing import Membership
from chalicelib.core.structs import struct
from chalicelib.scoring import newcomers
from chalicelib.scoring.funnel import stand
from chalicelib.scoring.future import Future, future_of
from chalicelib.scoring.products import Preferences, preferences
from chalicelib.scoring.profile import profile_of
from chalicelib.scoring.resets import beginnings, since
from chalicelib.scoring.wins import wins_of


@struct
class Reading:
    """A group of the policy with what its model measured of all that happened ``since``.

    ``parts`` are the points of each term and ``points`` their sum, before bounds.
    """

    group: Group
    measure: Measure
    parts: Sequence[float]
    points: float
    since: datetime | None = None


@struct
class Assessment:
    """``components`` are empty unless the subject has bought; ``lead`` never is.

    ``next_fact_at`` is when the first fact that is dated ahead begins to count. ``begun`` tells of
    the lead groups that have been reset.
    """

    profile: Profile
    policy: Policy
    models: FittedModels
    lead: tuple[Reading, ...]
    components: tuple[Reading, ...]
    next_fact_at: datetime | None
    standing: Standing | None = None
    begun: Mapping[str, Beginning] = field(default_factory=dict)
    products: Preferences | None = None
    membership: Membership | None = None
    future: Future | None = None

    @property
    def jumps_at(self) -> datetime | None:
        """The first instant at which something other than decay changes a measure by itself."""
        jumps = [reading.measure.changes_at for reading in self.lead + self.components]
        standing = self.standing.changes_at if self.standing else None
        products = self.products.changes_at if self.products else None
        newcomer = newcomers.changes_at(self.policy.customer, self.profile)
        wins = self.profile.wins.changes_at if self.profile.wins else None
        jumps += (self.next_fact_at, standing, products, newcomer, wins)
        return earliest(jumps + self._conditions_change())

    def _conditions_change(self) -> list[datetime | None]:
        """Of those that stand outside the groups, whose models speak for themselves."""
        conditions = [one.when for one in self.policy.segments]
        if self.policy.priority and self.policy.priority.opted_out:
            conditions.append(self.policy.priority.opted_out)
        if self.policy.prediction and self.policy.prediction.leads:
            conditions.append(self.policy.prediction.leads.target)
        if not conditions:
            return []
        return [one.changes_at(self.profile) for one in conditions if one.changes_at]

    @property
    def known_components(self) -> tuple[Reading, ...]:
        """A component of which nothing is known is left out, which is not the same as zero."""
        components = self.components
        known = [reading for reading in components if reading.measure.known]
        return components if len(known) == len(components) else tuple(known)


def assess(
    subject: Ref,
    facts: FactSet,
    policy: Policy,
    models: FittedModels,
    now: datetime,
    membership: Membership | None = None,
) -> Assessment:
    """``membership`` is that of the policy's loyalty programme as of ``now``."""
    profile, next_fact_at = profile_of(subject, facts, now, policy.machine_traffic)
    if membership:
        profile = replace(profile, loyalty=membership.standing)
    if wins := wins_of(profile, policy, models):
        profile = replace(profile, wins=wins)
    future = future_of(profile, policy, models)
    if future:
        profile = replace(profile, prediction=future.at(now))
    begun, next_reset_at = beginnings(policy.lead.resets, profile, policy.time_zone)
    groups = [(one, begun[one.id].at if one.id in begun else None) for one in policy.lead.groups]
    if profile.purchases:
        groups += [(one, None) for one in policy.customer.components]
    readings, leading = _read_all(groups, profile, models), len(policy.lead.groups)
    lead, components = readings[:leading], readings[leading:]
    return Assessment(
        profile=profile,
        policy=policy,
        models=models,
        lead=lead,
        components=components,
        standing=stand(facts, policy.funnel, now) if policy.funnel else None,
        next_fact_at=earliest((next_fact_at, next_reset_at)),
        begun=begun,
        products=preferences(profile, policy.categories, policy.currency)
        if policy.categories
        else None,
        membership=membership,
        future=future,
    )


def _read_all(
    groups: Iterable[tuple[Group, datetime | None]], profile: Profile, models: FittedModels
) -> tuple[Reading, ...]:
    """Groups of the same rules share one model object, which is asked once."""
    found: dict[tuple[int, datetime | None], Reading] = {}
    readings = []
    for group, reset_at in groups:
        key = id(group.model), reset_at
        held = found.get(key)
        if held is None:
            measure = measured(group, profile, models, reset_at)
            held = found[key] = reading_of(group, measure, reset_at)
            readings.append(held)
        else:
            readings.append(Reading(group, held.measure, held.parts, held.points, reset_at))
    return tuple(readings)


def measured(
    group: Group, profile: Profile, models: FittedModels, reset_at: datetime | None
) -> Measure:
    seen = since(profile, reset_at) if reset_at else profile
    return group.model.measure(seen, models.parameters.get(group.fitted or group.model_name, {}))


def reading_of(group: Group, measure: Measure, since: datetime | None) -> Reading:
    parts = [term.points for term in measure.terms]
    return Reading(group, measure, parts, math.fsum(parts), since)
