"""Every shipped policy does what its story tells, by a reckoning that is not the product's."""

import ast
import json
import math
import re
from copy import deepcopy
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from chalicelib.core.card_json import card_json
from chalicelib.policy import compile_policy, validate
from chalicelib.scoring import score_card
from infra import stories
from infra.stories.play import SEEN, play
from tests.scoring.examples import NOW, SUBJECT, fact_rows, fact_set, fitted

REFERENCE = Path("docs/reference")
CARD = Draft202012Validator(json.loads((REFERENCE / "card.schema.json").read_text("utf-8")))
SHIPPED = Path("chalicelib/policy/shipped")
NAMES = sorted(path.stem for path in SHIPPED.glob("*.yaml"))
RECKONED = ("score", "lead_score", "customer_score", "priority", "loyalty_points")


def page_of(name):
    return yaml.safe_load((SHIPPED / f"{name}.yaml").read_text("utf-8"))


def groups(page):
    return [*page["lead"]["groups"], *page["customer"]["components"]]


def rules(page):
    """Points by rule id; a rule that stands in several groups has the same points in all."""
    return {rule["id"]: rule["points"] for group in groups(page) for rule in group.get("rules", [])}


def sums(story):
    """Reckonings of numbers, with the number that is expected."""
    return [
        (text, step.expected[name])
        for step in story.steps
        for name, text in step.because.items()
        if name in RECKONED
    ]


def reckoned(text):
    """The value of ``8 email + 20 form / 2``, whose words are only for people."""
    bare = re.sub(r"(?<=[0-9]) [a-z][a-z0-9_]*", "", text)
    return math.floor(_value(ast.parse(bare, mode="eval").body) + 0.5)


def _value(node):
    match node:
        case ast.Constant(value=int() | float() as number):
            return number
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand)
        case ast.BinOp(left=left, op=op, right=right):
            return OPERATIONS[type(op)](_value(left), _value(right))
        case ast.Call(func=ast.Name(id="min"), args=args):
            return min(map(_value, args))
    raise ValueError(ast.dump(node))


OPERATIONS = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.Pow: lambda a, b: a**b,
}


def named(story):
    """Rules with the points that reckonings say they have."""
    found = [re.findall(r"([0-9.]+) ([a-z][a-z0-9_]*)", text) for text, _ in sums(story)]
    return {rule: float(points) for pairs in found for points, rule in pairs}


def mistakes(story, page):
    return [
        (scene.step.at, line.name, line.expected, line.found)
        for scene in play(story, compile_policy(page))
        for line in scene.lines
        if not line.holds
    ]


def test_the_schema_of_stories_knows_all_that_can_be_expected():
    schema = json.loads((REFERENCE / "story.schema.json").read_text("utf-8"))
    assert schema["$defs"]["step"]["properties"]["expect"]["properties"].keys() == SEEN.keys()


def test_every_shipped_policy_has_a_story():
    assert list(stories.names()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_first_line_of_a_shipped_policy_tells_editors_its_schema(name):
    said, _, place = (SHIPPED / f"{name}.yaml").read_text("utf-8").partition("\n")[0].partition("=")
    assert said == "# yaml-language-server: $schema"
    assert (SHIPPED / place).resolve() == (REFERENCE / "policy.schema.json").resolve()


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_policy_is_valid(name):
    validate(page_of(name))


@pytest.mark.parametrize("name", NAMES)
def test_a_story_passes_under_its_policy(name):
    assert mistakes(stories.load(name), page_of(name)) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_storys_numbers_are_the_sums_that_it_tells(name):
    story = stories.load(name)
    assert sums(story)
    assert [(text, reckoned(text)) for text, _ in sums(story)] == sums(story)


@pytest.mark.parametrize("name", NAMES)
def test_the_sums_take_the_points_of_the_policys_rules(name):
    of_policy = {rule: abs(points) for rule, points in rules(page_of(name)).items()}
    assert named(stories.load(name)).items() <= of_policy.items()


@pytest.mark.parametrize("name", NAMES)
def test_every_number_that_is_expected_is_reckoned(name):
    unexplained = [
        (step.at, number)
        for step in stories.load(name).steps
        for number in RECKONED
        if number in step.expected and number not in step.because
    ]
    assert unexplained == []


@pytest.mark.parametrize(
    ("name", "rule"),
    [(name, rule) for name in stories.names() for rule in sorted(named(stories.load(name)))],
)
def test_a_story_fails_if_a_rule_that_it_tells_of_has_other_points(name, rule):
    page = deepcopy(page_of(name))
    for group in groups(page):
        for row in group.get("rules", []):
            if row["id"] == rule:
                row["points"] -= 4  # more could be lost above a cap
    assert mistakes(stories.load(name), page)


def own_segments(name):
    """Those of the policy's own that the story expects somebody to be in."""
    told = [one for step in stories.load(name).steps for one in step.expected.get("segments", ())]
    return [row["id"] for row in page_of(name).get("segments", ()) if row["id"] in told]


@pytest.mark.parametrize(
    ("name", "segment"),
    [(name, segment) for name in stories.names() for segment in own_segments(name)],
)
def test_a_story_fails_if_a_segment_that_it_tells_of_is_turned_round(name, segment):
    page = page_of(name)
    (row,) = [row for row in page["segments"] if row["id"] == segment]
    row["when"] = {"not": row["when"]}
    assert mistakes(stories.load(name), page)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "starter"])
def test_a_story_tells_of_a_customer_whose_class_and_advice_change(name):
    steps = stories.load(name).steps
    assert len({step.expected["next_action"] for step in steps}) >= 4
    assert any(step.expected.get("class") for step in steps)


@settings(max_examples=15)
@given(st.sampled_from(NAMES), fact_rows, fitted)
def test_whatever_happens_a_shipped_policy_makes_a_card(name, rows, models):
    card = score_card(SUBJECT, fact_set(rows), compile_policy(page_of(name)), models, NOW)
    CARD.validate(card_json(card))


@pytest.mark.parametrize("name", NAMES)
def test_a_story_is_told_in_both_languages(name):
    story = stories.load(name)
    texts = [story.title, story.about, *(step.happens for step in story.steps)]
    assert all(re.search("[آ-ی]", text.fa) for text in texts)
    assert not any(re.search("[آ-ی]", text.en) for text in texts)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "starter"])
def test_a_policy_has_campaigns_and_service_levels_for_all_classes(name):
    actions = page_of(name)["actions"]
    for member in ("campaign", "service_level"):
        classes = {one for row in actions if member in row for one in row["when"].get("class", ())}
        assert classes == {"A", "B", "C"}
