"""What a page may say of actions and priority, and what it is told where it makes no sense."""

import copy

import pytest

from chalicelib.core.calls import AssignTo
from chalicelib.core.model import Money
from chalicelib.policy import PolicyInvalid, compile_policy, validate
from tests.scoring.examples import PRIORITY, starter


def prioritised(**changes):
    return starter(priority=copy.deepcopy(PRIORITY) | changes)


def with_action(**members):
    page = prioritised()
    page["actions"][0] = {"id": "first", "when": {}, **members}
    return page


BROKEN = {
    "no value": (
        starter(priority={}),
        ["/priority: add deal_value"],
    ),
    "chances that fall": (
        prioritised(chances=[[0, 0.5], [100, 0.1]]),
        ["/priority/chances/1: write scores that rise, with chances that do not fall"],
    ),
    "floors of more than everything": (
        prioritised(floors={"new": 0.7}),
        ["/priority/floors: write shares that are no more than 1 together"],
    ),
    "an office that closes before it opens": (
        prioritised(hours={"days": ["saturday"], "opens": "17:00", "closes": "09:00"}),
        ["/priority/hours: write opens before closes"],
    ),
    "a time that YAML took for a number": (
        prioritised(hours={"days": ["saturday"], "opens": 540, "closes": "17:00"}),
        ["/priority/hours/opens: write a text instead of 540"],
    ),
    "an owner that is no attribute": (
        prioritised(owner="emial"),
        ["/priority/owner: emial is not in attributes, did you mean email?"],
    ),
    "a condition on what is not there": (
        prioritised(opted_out={"attribute": "emial", "present": True}),
        ["/priority/opted_out/attribute: emial is not in attributes, did you mean email?"],
    ),
    "a pool that is not there": (
        with_action(assign_to={"pool": "expert"}),
        ["/actions/0/assign_to/pool: there is no pool expert, did you mean experts?"],
    ),
    "a skill that nobody has": (
        with_action(assign_to={"pool": "experts", "skill": "pump"}),
        ["/actions/0/assign_to/skill: nobody in experts has it, did you mean pumps?"],
    ),
    "an action that says nothing": (
        with_action(),
        [
            (
                "/actions/0: write an action with at least one of text, campaign, service_level, "
                "assign_to instead of {'id': 'first', 'when': {}}"
            )
        ],
    ),
}


@pytest.mark.parametrize(("page", "problems"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_page_is_told_where_and_what_to_write_instead(page, problems):
    with pytest.raises(PolicyInvalid) as caught:
        validate(page)
    assert [str(problem) for problem in caught.value.problems] == problems


def test_a_pool_needs_the_section_that_has_it():
    page = starter()
    page["actions"][0]["assign_to"] = {"pool": "experts"}
    with pytest.raises(PolicyInvalid, match=r"add the pool to priority\.pools"):
        validate(page)


def test_the_usual_deal_stands_on_the_page_in_whole_units():
    validate(prioritised(deal_value=12.5))
    assert compile_policy(prioritised(deal_value=12.5)).priority.usual == Money(1250, "USD")


def test_an_action_may_only_say_who_takes_somebody():
    page = with_action(assign_to={"pool": "experts"})
    validate(page)
    policy = compile_policy(page)
    assert policy.actions[0].assign_to == AssignTo("experts", None)
    assert [action.id for action in policy.advisers["assign_to"]] == ["first"]
    assert policy.actions[0] not in policy.advisers["text"]


def test_owners_are_written_only_where_the_policy_knows_who_has_one():
    page = starter(priority={"deal_value": 1000, "write_owner": True})
    with pytest.raises(PolicyInvalid, match=r"priority\.owner"):
        validate(page)
