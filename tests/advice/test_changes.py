"""Changes to a page, shared parts included."""

import json
from pathlib import Path

import pytest
import yaml

from chalicelib.advice.changes import Change, changed, value_at
from chalicelib.advice.rules import counting_policy, rules_of

STARTER = Path("chalicelib/policy/shipped/starter.yaml")


def starter():
    return yaml.safe_load(STARTER.read_text("utf-8"))


def test_a_change_leaves_the_page_as_it_was():
    page = starter()
    before = json.dumps(page)
    new = changed(page, [Change("/lead/temperatures/hot", 60), Change("/name", op="remove")])
    assert json.dumps(page) == before
    assert new["lead"]["temperatures"]["hot"] == 60
    assert "name" not in new


def test_removals_count_by_the_page_as_it_was():
    page = {"rules": ["a", "b", "c", "d"]}
    changes = [Change(f"/rules/{place}", op="remove") for place in (0, 2)]
    assert changed(page, changes) == {"rules": ["b", "d"]}


def test_what_an_alias_shares_changes_and_goes_in_both_places():
    page = starter()
    opened = next(rule for rule in rules_of(page) if rule.id == "lead.engagement.email_opened")
    assert len(opened.pointers) == 2
    assert {
        value_at(changed(page, opened.repointed(9)), f"{one}/points") for one in opened.pointers
    } == {9}
    less = changed(page, opened.removed())
    for section, groups in (("lead", "groups"), ("customer", "components")):
        for group in less[section][groups]:
            assert all(row["id"] != "email_opened" for row in group.get("rules", ()))
            assert group["id"] not in ("engagement", "behaviour") or len(group["rules"]) == 5


def test_an_entry_that_an_alias_brings_is_added_once():
    page = starter()
    places = ["/lead/groups/1/rules/-", "/customer/components/0/rules/-"]
    new = changed(page, [Change(place, {"id": "new"}, "add") for place in places])
    assert new["lead"]["groups"][1]["rules"].count({"id": "new"}) == 1


def test_a_change_tells_what_stood_there_before():
    page = starter()
    assert Change("/publish/step", 3).to_json(page) == {
        "op": "replace", "path": "/publish/step", "before": 5, "value": 3,
    }  # fmt: skip
    with pytest.raises(KeyError):
        Change("/publish/pace", 3).to_json(page)


def test_rules_that_count_give_one_point_each():
    policy = counting_policy(starter())
    groups = {group.id: group.model for group in policy.lead.groups}
    assert {rule.points for model in groups.values() for rule in model.rules} == {1}
