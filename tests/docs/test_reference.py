"""The pages and schemas of ``docs/reference`` say what the product does."""

import json
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from chalicelib.core.card_json import card_json
from chalicelib.core.facts import FACT_TYPES, LINKED_ORDERS, Fact
from chalicelib.core.model import KINDS
from chalicelib.core.outputs import RFM_SEGMENTS
from chalicelib.core.policy import NOTHING_FITTED
from chalicelib.events.validation import schema as event_schema
from chalicelib.policy import PolicyInvalid, compile_policy, validate
from chalicelib.policy.conditions import FORMS
from chalicelib.policy.grammar import condition_properties
from chalicelib.policy.schema import policy_schema
from chalicelib.policy.schema_words import keys
from chalicelib.scoring import models, score_card
from infra import stories
from infra.cli import policy_reference
from infra.loyalty.replay import KINDS as KINDS_OF_OPERATIONS
from infra.loyalty.replay import Operation
from tests.scoring.examples import NOW, SUBJECT, fact_rows, fact_set, fitted, pages

REFERENCE = Path("docs/reference")


def schema(name):
    return json.loads((REFERENCE / f"{name}.schema.json").read_text("utf-8"))


@pytest.mark.parametrize("name", ["card", "event", "fact", "policy"])
def test_schemas_are_schemas(name):
    Draft202012Validator.check_schema(schema(name))


def test_the_published_policy_schema_is_the_one_that_validates():
    assert schema("policy") == policy_schema(), "run: make docs"


def test_the_published_event_schema_is_the_one_that_validates():
    assert schema("event") == event_schema(), "run: make docs"


def test_the_fact_schema_knows_every_type():
    assert schema("fact")["properties"]["type"]["enum"] == list(FACT_TYPES)


@settings(max_examples=50)
@given(pages, fact_rows, fitted)
def test_every_card_obeys_the_card_schema(page, rows, models_):
    card = score_card(SUBJECT, fact_set(rows), compile_policy(page), models_, NOW)
    Draft202012Validator(schema("card")).validate(card_json(card))


@settings(max_examples=50)
@given(fact_rows)
def test_every_fact_obeys_the_fact_schema(rows):
    validator = Draft202012Validator(schema("fact"))
    for row in rows:
        validator.validate(Fact.from_json(row).to_json())


@pytest.mark.parametrize(
    "recorded", sorted(Path("tests/connectors").glob("*/records/*.expected.json"))
)
def test_every_recorded_reading_obeys_the_fact_schema(recorded):
    validator = Draft202012Validator(schema("fact"))
    reading = json.loads(recorded.read_text("utf-8"))
    for rows in reading["facts"].values():
        for row in rows:
            validator.validate(row)


def test_the_schemas_know_every_kind():
    (links,) = [
        rule["then"]["properties"]["data"]
        for rule in schema("fact")["allOf"]
        if rule["if"]["properties"]["type"].get("const") == "links"
    ]
    assert set(links["properties"]) == {*KINDS, LINKED_ORDERS}
    assert set(schema("policy")["$defs"]["attribute"]["properties"]["of"]["enum"]) == set(KINDS)
    for kind in KINDS:
        assert re.search(schema("fact")["$defs"]["ref"]["pattern"], f"hubspot-main:{kind}:1")


def policy_page():
    return (REFERENCE / "policy.md").read_text("utf-8")


def test_the_policy_page_is_made_of_the_schema():
    assert policy_page() == policy_reference.text(), "change its template, then run: make docs"


def example_policy():
    (example,) = re.findall(r"```yaml\n(.*?)```", policy_page(), re.DOTALL)
    return yaml.safe_load(example)


def test_the_example_of_the_policy_page_is_a_policy():
    validate(example_policy())


def with_condition(example):
    page = example_policy()
    page["lead"]["groups"][0]["rules"][0]["when"] = example
    return page


def with_activity(example):
    page = example_policy()
    page["lead"]["groups"][1]["rules"][0]["when"] = example
    return page


def with_reset(example):
    page = example_policy()
    page["lead"]["resets"][0]["when"] = example
    return page


def with_section(name):
    return lambda example: example_policy() | {name: example}


def with_values(example):
    page = example_policy()
    page["customer"]["components"] = [{"id": "worth", "model": "value", "credit": example}]
    return page


def with_mark(example):
    text = {"en": "Leaving", "fa": "رفتنی"}
    return example_policy() | {"tags": [{"id": "leaving", "when": example, "text": text}]}


def with_limit(example):
    page = example_policy()
    page["lead"]["groups"][1]["rules"][0]["max_per_period"] = example
    return page


PLACES = (
    with_condition, with_activity, with_reset, with_section("machine_traffic"), with_values,
    with_limit, with_mark,
)  # fmt: skip


def runs(page):
    try:
        validate(page)
    except PolicyInvalid:
        return False
    score_card(SUBJECT, fact_set([]), compile_policy(page), NOTHING_FITTED, NOW)
    return True


def mapping_examples():
    """What stands in code between braces, outside of the tables, which are of shipped policies."""
    prose = policy_reference.TEMPLATE_PATH.read_text("utf-8")
    spans = re.findall(r"`(\{[^`]+\})`", re.sub(r"```.*?```", "", prose, flags=re.DOTALL))
    return sorted({span for span in spans if ":" in span and "…" not in span})


@pytest.mark.parametrize("span", mapping_examples())
def test_every_example_of_the_policy_page_runs(span):
    example = yaml.safe_load(span)
    assert any(runs(place(example)) for place in PLACES), "it fits nowhere"


def test_the_operations_of_the_policy_page_can_be_read():
    (example,) = re.findall(r"```jsonl\n(.*?\"redeem\".*?)```", policy_page(), re.DOTALL)
    read = [Operation.from_json(json.loads(line)) for line in example.splitlines()]
    assert {one.kind for one in read} == set(KINDS_OF_OPERATIONS)


def test_every_key_of_a_policy_is_described():
    undescribed = [
        key.place
        for key in keys(policy_schema())
        if not policy_reference._resolved(key.schema, policy_schema()).get("description")
    ]
    assert undescribed == [], (
        "describe them where they stand, or in chalicelib/policy/schema_words.json"
    )


def test_no_words_are_left_of_keys_that_are_gone():
    from chalicelib.policy.schema_words import _said, _words

    used = [_said(key.place) for key in keys(policy_schema())]
    assert [place for place, said in _words().items() if said not in used] == []


@pytest.mark.parametrize(
    "word",
    [
        *policy_schema()["properties"],
        *condition_properties(),
        *FORMS,
        *models.names(),
        *RFM_SEGMENTS,
    ],
)
def test_the_policy_page_names_whatever_a_policy_may_say(word):
    assert re.search(rf"`[^`]*\b{word}\b[^`]*`", policy_page())


def test_the_page_of_shipped_policies_says_what_each_is_for():
    page = (REFERENCE / "shipped.md").read_text("utf-8")
    told = re.findall(r"^\| `(\w+)` \| (.*) \| (.*) \|$", page, re.MULTILINE)
    served = [(name, stories.load(name).serves) for name in stories.names()]
    assert sorted(told) == [(name, text.en, text.fa) for name, text in served]
