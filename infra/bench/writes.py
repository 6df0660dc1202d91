"""How often decay drips into the CRM: writes per contact and day, by the step of the policy.

A seeded population lives through ninety days of opens, clicks, visits, forms and calls, and
every card is looked at when something happens and when it said that it would change, as the
pipeline would. Pure scoring: no tables, no CRM.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

from chalicelib.core.facts import Fact, FactSet
from chalicelib.core.model import Json, Ref
from chalicelib.core.outputs import Fields
from chalicelib.core.policy import NOTHING_FITTED, Policy
from chalicelib.policy import compile_policy
from chalicelib.scoring import Written, assess, card_of, next_change, publish
from infra.bench.figures import Figure

PEOPLE = 60
DAYS = 90
STEPS = (1, 5)
START = datetime(2026, 3, 21, tzinfo=UTC)

_PER_MONTH = {
    "email.opened": 4.0, "email.clicked": 1.0, "page.viewed": 3.0, "form.submitted": 0.2,
    "call.held": 0.3, "email.replied": 0.1,
}  # fmt: skip
"""What somebody of middling interest does; interest is spread by a log-normal law."""

_TITLES = ("CEO", "Sales Manager", "Intern", "Accountant", "")


def writes_per_day(page: Mapping[str, Json], seed: int) -> list[Figure]:
    """By step, with the writes of a nightly run over everybody beside them."""
    policy = compile_policy(page)
    people = list(population(seed))
    figures = []
    for step in STEPS:
        stepped = replace(policy, publish=replace(policy.publish, step=step))
        writes = sum(len(list(written(subject, facts, stepped))) for subject, facts in people)
        looks = sum(len(facts) for _, facts in people)
        beside = (
            f"{PEOPLE} contacts over {DAYS} days, {writes} writes of which at most {looks} can be "
            "of something that happened; a nightly run over everybody makes 1 a day"
        )
        name = f"CRM writes per contact and day, step of {step} point{'s' if step > 1 else ''}"
        figures.append(Figure(name, writes / PEOPLE / DAYS, "writes", None, beside))
    return figures


def population(seed: int) -> Iterator[tuple[Ref, list[Fact]]]:
    """Each with all their facts, in order of time."""
    chance = Random(seed)  # noqa: S311 - a bench that can be repeated
    for number in range(PEOPLE):
        subject = Ref("bench-people", "contact", str(number))
        data: dict[str, Json] = {
            "job_title": chance.choice(_TITLES), "email": f"p{number}@acme.example",
        }  # fmt: skip
        record = Fact(subject, "contact", str(number), START, data, START)
        yield subject, [record, *_doings(subject, chance)]


def _doings(subject: Ref, chance: Random) -> list[Fact]:
    interest = chance.lognormvariate(-0.5, 1.2)
    found = []
    for kind, per_month in _PER_MONTH.items():
        day = chance.expovariate(interest * per_month / 30)
        while day < DAYS:
            at = START + timedelta(days=day)
            found.append(Fact(subject, "activity", f"{kind}@{at}", at, {"kind": kind}))
            day += chance.expovariate(interest * per_month / 30)
    return sorted(found, key=lambda fact: fact.occurred_at)


def written(subject: Ref, facts: Sequence[Fact], policy: Policy) -> Iterator[datetime]:
    """When the CRM would be written, from the first fact until the days are over."""
    shown: Fields = {}
    known, due = FactSet(), None
    end = START + timedelta(days=DAYS)
    for fact, until in _with_next(facts, end):
        known, due = known.merge([fact]), fact.occurred_at
        while due is not None and due < until:
            assessment = assess(subject, known, policy, NOTHING_FITTED, due)
            card = card_of(assessment)
            if news := publish(card, Written(shown, certain=True), policy):
                shown = news
                yield due
            due = next_change(assessment, card, shown)


def _with_next(facts: Sequence[Fact], end: datetime) -> Iterable[tuple[Fact, datetime]]:
    return zip(facts, [*(fact.occurred_at for fact in facts[1:]), end], strict=True)
