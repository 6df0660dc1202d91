"""The contract of a scoring model, asked of every one that is there.

A model that is dropped in is asked the same, with an example of its parameters made from its
own schema's ``examples`` if it has any, else from ``EXAMPLES``.
"""

import copy
import dataclasses
import random
from datetime import timedelta

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from chalicelib.core.model import Text
from chalicelib.core.policy import Measure, Term
from chalicelib.loyalty.member import membership_of
from chalicelib.loyalty.program import Programs
from chalicelib.policy import compile_policy, validate
from chalicelib.scoring import models
from chalicelib.scoring.profile import profile_of
from tests.scoring.examples import (
    CUTS,
    LOYALTY,
    NOW,
    SUBJECT,
    activity,
    ago,
    answer,
    contact,
    fact_rows,
    fact_set,
    row,
    starter,
    won,
)

EXAMPLES = {
    "fit": starter()["lead"]["groups"][0],
    "engagement": starter()["lead"]["groups"][1],
    "rfm": starter()["customer"]["components"][1],
}

FACTS = [
    contact(job_title="CEO", email="a@acme.example", email_opted_out=True),
    row("account", "7", {"employees": 250, "industry": "RETAIL"}, NOW, NOW),
    *(activity("email.opened", ago(days=days, hours=days)) for days in range(5)),
    activity("page.viewed", ago(days=2), count=3),
    won("1", ago(days=12)),
    won("2", ago(days=70), amount=4_000),
    row("score", "anna", {"score": 60, "person": []}),
    answer("s1", ago(days=20), 9),
    row("deal", "open", {"status": "open", "stage": "s2"}),
]
PROGRAMS = Programs.of(compile_policy(starter(loyalty=LOYALTY)).loyalty)

every_model = pytest.mark.parametrize("name", models.names())


def page_with(name):
    """A valid policy whose only lead group is of this model."""
    examples = [EXAMPLES.get(name), *models.load(name).SCHEMA.get("examples", [])]
    example = next(filter(None, examples), None)
    assert example, f"{name}: give SCHEMA an example: {{'model': {name!r}, its parameters}}"
    page = starter()
    page["attributes"] |= {kind: {"type": "text", "of": kind} for kind in ("survey", "ticket")}
    page["loyalty"] = LOYALTY
    page["funnel"] = {"stages": {"intro": ["s1"], "offer": ["s2"]}}
    page["lead"]["groups"] = [{**copy.deepcopy(example), "id": "only"}]
    for side in page["lead"]["grade"].values():
        side["groups"] = ["only"]
    return page


def model_of(name):
    return compile_policy(page_with(name)).lead.groups[0].model


def measured(name, rows=FACTS, now=NOW):
    fitted = {
        "rfm": CUTS,
        "behaviour": CUTS,
        "satisfaction": {"mean": 70},
        "potential": {"p": {"intro": 0.1, "offer": 0.5}},
    }.get(name, {})
    return model_of(name).measure(profile(rows, now), fitted)


def profile(rows, now):
    found, facts = profile_of(SUBJECT, fact_set(rows), now)[0], fact_set(rows)
    if not rows:
        return found
    return dataclasses.replace(found, loyalty=membership_of(SUBJECT, facts, PROGRAMS, now).standing)


@every_model
def test_its_schema_is_a_schema_and_its_example_passes(name):
    Draft202012Validator.check_schema(models.load(name).SCHEMA)
    validate(page_with(name))


@every_model
def test_it_is_a_frozen_dataclass(name):
    model = model_of(name)
    assert dataclasses.is_dataclass(model)
    assert type(model).__dataclass_params__.frozen


@every_model
def test_it_says_in_its_file_what_it_is_and_where_it_comes_from(name):
    text = models.load(name).__doc__
    assert ">>>" in text
    assert "Source:" in text


@every_model
def test_it_measures(name):
    measure = measured(name)
    assert isinstance(measure, Measure)
    assert measure.terms
    assert all(isinstance(term, Term) for term in measure.terms)
    assert 0 < measure.known <= measure.asked


@every_model
def test_nobody_of_whom_nothing_is_known_gets_no_terms(name):
    assert measured(name, []).terms == ()


@every_model
def test_every_term_has_its_own_id_and_words_in_both_languages(name):
    terms = measured(name).terms
    assert len({term.id for term in terms}) == len(terms)
    for term in terms:
        assert isinstance(term.text, Text)
        assert term.text.en
        assert term.text.fa
        assert "{" not in term.text.en + term.text.fa


@every_model
def test_it_is_a_pure_function(name):
    assert measured(name) == measured(name)


@every_model
@settings(max_examples=30)
@given(rows=fact_rows)
def test_the_order_and_the_number_of_arrivals_do_not_matter(name, rows):
    twice = rows * 2
    random.Random(5).shuffle(twice)
    kept = {}
    for fact in rows:  # two different facts of one key are settled by merging, not by scoring
        kept.setdefault((fact["type"], fact["id"]), fact)
    rows = list(kept.values())
    twice = [fact for fact in twice if fact in rows]
    assert measured(name, twice) == measured(name, rows)


@every_model
def test_its_gains_stay_within_its_maximum(name):
    gains = sum(term.points for term in measured(name).terms if term.points > 0)
    assert gains <= model_of(name).maximum


@every_model
@settings(max_examples=30)
@given(rows=fact_rows)
def test_between_jumps_its_terms_only_decay_as_they_say(name, rows):
    before = measured(name, rows)
    _, next_fact_at = profile_of(SUBJECT, fact_set(rows), NOW)
    standing = profile(rows, NOW).loyalty
    own = standing.changes_at if standing else None
    jumps = [at for at in (before.changes_at, next_fact_at, own) if at]
    later = min([NOW + timedelta(days=3), *(at - timedelta(seconds=1) for at in jumps)])
    if later <= NOW:
        return
    days = (later - NOW) / timedelta(days=1)
    after = {term.id: term.points for term in measured(name, rows, later).terms}
    assert after == pytest.approx({
        term.id: term.points * left_of(term, days) for term in before.terms
    })  # fmt: skip


def left_of(term, days):
    left = 2 ** (-days / term.half_life_days) if term.half_life_days else 1
    return left * (1 + term.damping) / (1 + term.damping * left)
