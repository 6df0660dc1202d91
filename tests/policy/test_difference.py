"""What differs between two policies, by meaning."""

import copy
import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings

from chalicelib.core.facts import canonical
from chalicelib.core.policy import Condition
from chalicelib.policy import compilation, compile_policy, prediction, validate
from chalicelib.policy.defaults import filled
from chalicelib.policy.difference import differences
from tests.scoring.examples import pages, starter

SHIPPED = sorted(Path("chalicelib/policy/shipped").glob("*.yaml"))


def changes(edit):
    page = starter()
    edit(page)
    validate(page)
    return [(one.kind, one.path, one.before, one.after) for one in differences(starter(), page)]


def rules(page):
    return page["lead"]["groups"][0]["rules"]


FIT = ("lead", "groups", "fit", "rules")


def test_a_policy_does_not_differ_from_itself_however_it_is_written():
    def rewrite(page):
        rules(page).reverse()
        rules(page)[0]["when"]["equals"] = True
        page["attributes"] = dict(reversed(page["attributes"].items()))
        page["lead"]["groups"][0]["weight"] = 1
        page["lead"]["temperatures"]["hot"] = 70.0

    assert changes(rewrite) == []


def test_the_order_of_words_in_a_condition_says_nothing():
    assert changes(lambda page: rules(page)[0]["when"]["has_word"].reverse()) == []


def test_points_and_half_lives_are_told_by_rule():
    def edit(page):
        rules(page)[0]["points"] = 20
        page["lead"]["groups"][1]["rules"][0]["half_life_days"] = 30

    assert changes(edit) == [
        ("changed", (*FIT, "decision_maker", "points"), 15, 20),
        (
            "changed",
            ("lead", "groups", "engagement", "rules", "email_opened", "half_life_days"),
            7,
            30,
        ),
    ]


def test_rules_that_come_and_go_are_told_by_name():
    def edit(page):
        new = copy.deepcopy(rules(page)[3]) | {"id": "reachable", "points": 9}
        del rules(page)[0]
        rules(page).append(new)

    assert [(kind, path[-1]) for kind, path, _, _ in changes(edit)] == [
        ("added", "reachable"),
        ("removed", "decision_maker"),
    ]


def test_a_rule_with_another_name_is_renamed():
    assert changes(lambda page: rules(page)[0].update(id="boss")) == [
        ("renamed", (*FIT, "boss"), "decision_maker", "boss")
    ]


def test_thresholds_move():
    assert changes(lambda page: page["lead"]["temperatures"].update(hot=80)) == [
        ("changed", ("lead", "temperatures", "hot"), 70, 80)
    ]
    assert changes(lambda page: page["lead"]["grade"]["fit"].update(at_least=[0.4, 0.3])) == [
        ("changed", ("lead", "grade", "fit", "at_least"), [0.7, 0.4], [0.4, 0.3])
    ]


def test_a_condition_is_shown_whole():
    ((kind, path, before, after),) = changes(
        lambda page: rules(page)[3].update(when={"attribute": "phone", "missing": True})
    )
    assert (kind, path) == ("changed", (*FIT, "phone", "when"))
    assert (before, after) == (
        {"attribute": "phone", "present": True},
        {"attribute": "phone", "missing": True},
    )


def test_what_is_left_out_is_compared_by_what_holds_then():
    def edit(page):
        page["machine_traffic"] = {"burst_seconds": 5}

    assert changes(edit) == [("changed", ("machine_traffic", "burst_seconds"), 2, 5)]


def test_of_actions_the_order_counts():
    assert changes(lambda page: page["actions"].insert(0, page["actions"].pop(2))) == [
        ("moved", ("actions", "reward"), "rescue", None)
    ]


def test_words_of_a_list_are_told_by_themselves():
    def edit(page):
        page["lead"]["grade"]["fit"]["groups"] = ["fit", "engagement"]

    assert changes(edit) == [("added", ("lead", "grade", "fit", "groups"), None, ["engagement"])]


@settings(max_examples=50)
@given(pages)
def test_no_page_differs_from_itself(page):
    assert differences(page, json.loads(json.dumps(page))) == ()


@pytest.fixture
def told_conditions(monkeypatch):
    """Conditions that can be compared."""

    def told(node, scope=None):
        return Condition(canonical(node))

    monkeypatch.setattr(compilation, "compile_condition", told)
    monkeypatch.setattr(prediction, "compile_condition", told)
    monkeypatch.setattr(compilation, "compile_where", canonical)
    monkeypatch.setattr(compilation, "once_per_profile", lambda told: told)


def meaning(page):
    policy = compile_policy(page)
    return {name: getattr(policy, name) for name in policy.__slots__ if name != "version"}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_page_with_all_defaults_written_out_means_the_same(path, told_conditions):
    page = yaml.safe_load(path.read_text("utf-8"))
    validate(filled(page))
    assert meaning(filled(page)) == meaning(page)


def test_every_default_is_what_holds_if_it_is_left_out(told_conditions):
    page = starter(
        priority={"deal_value": 500},
        prediction={
            "purchases": {},
            "leads": {"target": {"count": "purchase", "at_least": 1}},
            "clusters": {},
        },
        referrals={"attribute": "phone"},
        funnel={"stages": {"offer": ["x"]}},
        products={"categories": ["a", "b"]},
    )
    page["attributes"]["nps"] = {"type": "number", "of": "survey", "hubspot": "hs_value"}
    page["customer"]["components"] += [
        {"id": "worth", "model": "value"},
        {"id": "happy", "model": "satisfaction"},
        {"id": "people", "model": "roll_up"},
        {"id": "plain", "model": "rfm"},
    ]
    validate(page)
    assert len(canonical(filled(page))) > len(canonical(page))
    validate(filled(page))
    assert meaning(filled(page)) == meaning(page)
