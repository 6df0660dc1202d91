"""What one card costs, by itself and against the rival's rules; and as its facts grow.

No I/O: facts, a policy and an instant in, a card and its next change out, on one core.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from statistics import median
from time import process_time
from typing import Any, cast

import rule_engine  # type: ignore[import-untyped]  # it has no annotations

from chalicelib.core.facts import FactSet
from chalicelib.core.model import Ref
from chalicelib.core.outputs import Fields
from chalicelib.core.policy import FittedModels, Policy, Profile
from chalicelib.localization.letters import key_form
from chalicelib.policy import compile_policy
from chalicelib.scoring import Written, assess, card_of, next_change, publish, score_card
from chalicelib.scoring.models import fit
from chalicelib.scoring.profile import profile_of
from infra.bench import card_population as made
from infra.bench.figures import Figure

GOAL_MICROSECONDS = 300
GOAL_AGAINST_RIVAL = 1 / 5
GOAL_GROWTH = 1.5

PEOPLE = 200
ROUNDS = 9
SIZES = (10, 100, 1_000, 10_000)

_BESIDE = f"processor time, median of {ROUNDS} rounds over {PEOPLE} different ones"

Make = Callable[[int, Random, int], FactSet]


def cards(seed: int) -> list[Figure]:
    policy = compile_policy(made.page())
    foretelling = compile_policy({**made.page(), "prediction": made.PREDICTION})
    return [
        _speed("a lead", made.lead, policy, seed),
        _speed("a customer", made.customer, policy, seed),
        _foretelling("a lead", made.lead, foretelling, seed),
        _foretelling("a customer", made.customer, foretelling, seed),
        _against_rival(policy, seed),
        _growth(policy, seed),
    ]


@dataclass(frozen=True, slots=True)
class Subject:
    """With what the CRM shows once its card has been written."""

    ref: Ref
    facts: FactSet
    models: FittedModels
    shown: Fields

    @classmethod
    def of(
        cls, ref: Ref, facts: FactSet, policy: Policy, models: FittedModels = made.FITTED
    ) -> Subject:
        card = score_card(ref, facts, policy, models, made.NOW)
        return cls(ref, facts, models, publish(card, Written({}, certain=False), policy) or {})

    def next_change(self, policy: Policy) -> datetime | None:
        """What ``process`` does between reading and saving, from a set that nobody has sorted."""
        facts = FactSet(self.facts.facts)
        assessment = assess(self.ref, facts, policy, self.models, made.NOW)
        return next_change(assessment, card_of(assessment), self.shown)


def _speed(who: str, make: Make, policy: Policy, seed: int) -> Figure:
    total = _each([Subject.of(*one, policy) for one in _people(make, seed)], policy)
    name = f"score card and next change of {who}, {made.FACTS} facts, {made.RULES} rules"
    return Figure(name, total, "µs", GOAL_MICROSECONDS, _BESIDE)


def _foretelling(who: str, make: Make, policy: Policy, seed: int) -> Figure:
    """Where the policy asks what will become of them too."""
    people = [Subject.of(*one, policy, made.LEARNED) for one in _people(make, seed)]
    name = f"the same of {who}, with what is foretold"
    return Figure(name, _each(people, policy), "µs", beside=_BESIDE)


def _each(people: Sequence[Subject], policy: Policy) -> float:
    return _microseconds(lambda: [one.next_change(policy) for one in people]) / PEOPLE


def _people(make: Make, seed: int, facts: int = made.FACTS) -> list[tuple[Ref, FactSet]]:
    random = Random(seed)  # noqa: S311 - a bench that can be repeated
    return [(made.ref(number), make(number, random, facts)) for number in range(PEOPLE)]


def _microseconds(
    work: Callable[[], object], middle: Callable[[Iterable[float]], float] = median
) -> float:
    """The median time of a round, or what ``middle`` makes of all, after one that warms up.

    Garbage is collected as in production, but what the bench itself holds is not gone through:
    a worker scores one subject at a time.
    """
    work()
    gc.collect()
    gc.freeze()
    try:
        return middle([_timed(work) for _ in range(ROUNDS)]) * 1e6
    finally:
        gc.unfreeze()


def _timed(work: Callable[[], object]) -> float:
    start = process_time()
    work()
    return process_time() - start


def _against_rival(policy: Policy, seed: int) -> Figure:
    """The attribute rules alone, which rule-engine can say too; both must find the same."""
    profiles = [profile_of(*one, made.NOW)[0] for one in _people(made.lead, seed)]
    ours = [rule.when.holds for rule in cast(fit.Model, policy.lead.groups[0].model).rules]
    things = [_thing(profile) for profile in profiles]
    theirs = [rival_rule(rule["when"]) for rule in made.page()["lead"]["groups"][0]["rules"]]
    _check_alike(
        [[bool(rule(profile)) for rule in ours] for profile in profiles],
        [[rule.matches(thing) for rule in theirs] for thing in things],
    )
    mine = _microseconds(lambda: [rule(one) for one in profiles for rule in ours])
    rival = _microseconds(lambda: [rule.matches(one) for one in things for rule in theirs])
    beside = (
        f"{mine / PEOPLE:.0f} µs against {rival / PEOPLE:.0f} µs for {len(ours)} rules; "
        f"rule-engine {rule_engine.__version__} gets its texts normalised beforehand"
    )
    name = "the same rules: time of ours against rule-engine's"
    return Figure(name, mine / rival, "×", GOAL_AGAINST_RIVAL, beside)


def _thing(profile: Profile) -> dict[str, Any]:
    """Key forms throughout, so that the rival need not know of Persian."""
    account: Any = profile.attributes["account"]
    texts = {name: key_form(str(profile.attributes[name])) for name in ("job_title", "country")}
    return {**texts, "email": profile.attributes["email"], "account": account}


def rival_rule(when: Mapping[str, Any]) -> rule_engine.Rule:
    match when:
        case {"attribute": name, "has_word": [word]}:
            text = rf'{name} =~~ "(^|\\W){key_form(word)}(\\W|$)"'
        case {"attribute": name, "in": values}:
            text = f"{name} in {[key_form(value) for value in values]}"
        case {"attribute": name, "contains": part}:
            text = f'"{part}" in {name}'
        case {"attribute": name, "at_least": least}:
            text = f"{name} >= {least}"
        case {"attribute": name, "between": [low, high]}:
            text = f"{name} >= {low} and {name} <= {high}"
        case _:
            raise ValueError(f"no rule of the rival for {when}")
    return rule_engine.Rule(text, context=rule_engine.Context(resolver=rule_engine.resolve_item))


def _check_alike(ours: Sequence[Sequence[bool]], theirs: Sequence[Sequence[bool]]) -> None:
    if ours != theirs:
        raise ValueError("the rules do not say the same in both languages")


def _growth(policy: Policy, seed: int) -> Figure:
    """Ten times the facts may take ten times as long, and a little more: they are sorted."""
    times = {size: _card_of_size(policy, seed, size) for size in SIZES}
    beside = ", ".join(f"{size:,} facts {time / 1000:.2g} ms" for size, time in times.items())
    smaller, larger = SIZES[-2:]
    growth = times[larger] / times[smaller] / (larger / smaller)
    name = f"growth of a card's time, {smaller:,} to {larger:,} facts, against linear"
    return Figure(name, growth, "×", GOAL_GROWTH, beside)


def _card_of_size(policy: Policy, seed: int, size: int) -> float:
    facts = made.lead(1, Random(seed), size)  # noqa: S311 - a bench that can be repeated
    subject = Subject.of(made.ref(1), facts, policy)
    # A round of one subject is short, so whatever else the machine does would show.
    return _microseconds(lambda: subject.next_change(policy), min)
