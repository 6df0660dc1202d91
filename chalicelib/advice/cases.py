"""Everybody as of the cutoff, with what each rule counted for them, and whether they bought later.

People are alike if they have the same fit grade, are in the same third by what they did before, and
have both bought or both not bought before. For a rule both are reckoned without the rule itself
and those that see the same: who clicked is otherwise compared only with others who are as busy for
other reasons, and what the rule tells is taken out of the comparison.

A rule has reached somebody as long as its points have not faded to a sixteenth, which is four
half-lives.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import quantiles
from typing import Any

from chalicelib.advice.hindsight import as_of, existed, record_has_changed
from chalicelib.advice.rules import Rule, Section, counting_policy, rules_of
from chalicelib.core.facts import FactSet
from chalicelib.core.model import Ref
from chalicelib.core.policy import FittedModels, Policy, Profile
from chalicelib.policy import compile_policy
from chalicelib.scoring.assessment import Assessment, Reading, assess
from chalicelib.scoring.card import levels_of
from chalicelib.scoring.hindsight import Then, bought_after
from chalicelib.scoring.levels import band_of, clamp, whole
from chalicelib.scoring.models import fit
from chalicelib.scoring.resets import since
from chalicelib.training.association import Stratum

FADED = 1 / 16


@dataclass(frozen=True, slots=True)
class Line:
    """What one rule or other term gives in one group; ``rule`` is empty for a term of no rule."""

    section: Section
    group: str
    rule: str
    points: float


@dataclass(frozen=True, slots=True)
class Standing:
    """Scores are 0-100, shares those of the most that the groups of the grade can give."""

    lead: int
    customer: int | None
    fit: float
    engagement: float


@dataclass(frozen=True, slots=True)
class Case:
    """``counts`` has of each rule how much it counts, None where that cannot be known."""

    ref: Ref
    profile: Profile
    record_changed: bool
    bought_before: bool
    bought: bool
    counts: Mapping[str, float | None]
    lines: tuple[Line, ...]
    standing: Standing

    def reached(self, rule: Rule) -> bool | None:
        count = self.counts.get(rule.id, 0.0)
        return None if count is None else count > FADED


class LeftOut(str):
    """Why somebody is no case."""

    __slots__ = ()


@dataclass(frozen=True)
class Study:
    """One page and one moment, under which anybody can be looked at.

    ``trust_records``: records count as they are now, whenever they were changed.
    """

    page: Mapping[str, Any]
    models: FittedModels
    then: Then
    trust_records: bool = False

    @cached_property
    def policy(self) -> Policy:
        return compile_policy(self.page)

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        return rules_of(self.page)

    @cached_property
    def _counting(self) -> Policy:
        return counting_policy(self.page)

    @cached_property
    def _rule_at(self) -> Mapping[tuple[Section, str, str], Rule]:
        return {
            (*place, rule.id.rpartition(".")[2]): rule
            for rule in self.rules
            for place in rule.places
        }

    def case(self, ref: Ref, facts: FactSet) -> Case | LeftOut:
        """Companies are left out, for their people are looked at."""
        cutoff = self.then.cutoff
        if ref.kind == "account":
            return LeftOut("companies")
        if facts.hidden:
            return LeftOut("deleted")
        if not existed(facts, cutoff):
            return LeftOut("not known by then")
        then = as_of(facts, cutoff, trust_records=self.trust_records)
        assessment = assess(ref, then, self.policy, self.models, cutoff)
        counted = assess(ref, then, self._counting, self.models, cutoff)
        counts, lines = self._counted(counted)
        return Case(
            ref=ref,
            profile=assessment.profile,
            record_changed=record_has_changed(facts, cutoff),
            bought_before=bool(assessment.profile.purchases),
            bought=bought_after(facts, cutoff, self.then.horizon),
            counts=counts,
            lines=lines,
            standing=self._standing(assessment),
        )

    def _counted(
        self, assessment: Assessment
    ) -> tuple[Mapping[str, float | None], tuple[Line, ...]]:
        counts: dict[str, float | None] = {}
        lines: list[Line] = []
        sections: tuple[tuple[Section, tuple[Reading, ...]], ...] = (
            ("lead", assessment.lead),
            ("customer", assessment.components),
        )
        for section, readings in sections:
            for reading in readings:
                group = reading.group.id
                for name in _unknown(reading, assessment.profile):
                    counts[self._rule_at[section, group, name].id] = None
                for term in reading.measure.terms:
                    rule = self._rule_at.get((section, group, term.id))
                    if rule:
                        counts[rule.id] = term.points
                    points = term.points * (rule.points if rule else 1)
                    lines.append(Line(section, group, rule.id if rule else "", points))
        return counts, tuple(lines)

    def _standing(self, assessment: Assessment) -> Standing:
        at, lead = levels_of(assessment), self.policy.lead
        return Standing(
            lead=whole(at.lead),
            customer=None if at.customer is None else whole(at.customer),
            fit=at.fit / lead.most_fit if lead.most_fit > 0 else 0.0,
            engagement=at.engagement / lead.most_engagement if lead.most_engagement > 0 else 0.0,
        )


def _unknown(reading: Reading, profile: Profile) -> Iterator[str]:
    """Rules of which something that is needed to tell is missing."""
    model = reading.group.model
    if isinstance(model, fit.Model):
        seen = since(profile, reading.since) if reading.since else profile
        yield from (rule.id for rule in model.rules if rule.when.holds(seen) is None)


Sight = Callable[[Case], bool | None]
"""Whether something has reached somebody; None where nobody can tell."""


@dataclass(frozen=True)
class History:
    """The cases of a study, and how many were left out for what."""

    study: Study
    cases: tuple[Case, ...]
    left_out: Mapping[str, int]

    @classmethod
    def of(cls, study: Study, seen: Iterable[Case | LeftOut]) -> History:
        cases: list[Case] = []
        left_out: defaultdict[str, int] = defaultdict(int)
        for one in seen:
            if isinstance(one, Case):
                cases.append(one)
            else:
                left_out[one] += 1
        return cls(study, tuple(cases), dict(left_out))

    @property
    def changed_records(self) -> int:
        """Of so many the record was changed later."""
        return sum(case.record_changed for case in self.cases)

    def counted_in(self, sections: Iterable[Section]) -> list[Case]:
        """Lead scores are of those who have not bought, customer scores of those who have."""
        wanted = {section == "customer" for section in sections}
        return [case for case in self.cases if case.bought_before in wanted]

    def strata(
        self, cases: Sequence[Case], reached: Sight, without: frozenset[str] = frozenset()
    ) -> list[Stratum]:
        """Of those of whom it can be told; ``without`` are ids of rules that do not make alike."""
        told = [(case, bool(seen)) for case in cases if (seen := reached(case)) is not None]
        did = [self._did(case, without) for case, _ in told]
        cuts = quantiles(did, n=3, method="inclusive") if len(did) > 1 else []
        cells: defaultdict[tuple[str, int, bool], list[int]] = defaultdict(lambda: [0] * 4)
        for (case, seen), done in zip(told, did, strict=True):
            key = self._letter(case, without), bisect_left(cuts, done), case.bought_before
            place = 0 if seen else 2
            cells[key][place] += case.bought
            cells[key][place + 1] += 1
        return [Stratum(*cells[key]) for key in sorted(cells)]

    def alike(self, rule: Rule) -> frozenset[str]:
        """The rule and those that see the same."""
        return frozenset(one.id for one in self.study.rules if one.condition == rule.condition)

    def _letter(self, case: Case, without: frozenset[str]) -> str:
        lead = self.study.policy.lead
        level = self._level(case, lead.fit, without)
        return band_of(lead.fit_grades, level / lead.most_fit if lead.most_fit > 0 else 0.0)

    def _did(self, case: Case, without: frozenset[str]) -> float:
        return self._level(case, self.study.policy.lead.engagement, without)

    def _level(self, case: Case, groups: frozenset[str], without: frozenset[str]) -> float:
        sums: defaultdict[str, float] = defaultdict(float)
        for line in case.lines:
            if line.section == "lead" and line.group in groups and line.rule not in without:
                sums[line.group] += line.points
        scales = self.study.policy.lead.groups
        return sum(
            group.weight * clamp(sums[group.id], group.low, group.high)
            for group in scales
            if group.id in groups
        )
