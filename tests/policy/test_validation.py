import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from chalicelib.core.errors import ConfigurationError
from chalicelib.policy import PolicyInvalid, validate
from chalicelib.policy.patterns import fault
from chalicelib.policy.schema import policy_schema
from tests.scoring.examples import TEXT, starter

SHIPPED = sorted(Path("chalicelib/policy/shipped").glob("*.yaml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_policy_is_valid(path):
    validate(yaml.safe_load(path.read_text("utf-8")))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_policies_write_persian_as_persian_is_written(path):
    text = path.read_text("utf-8")
    assert not set(text) & set("يىك٠١٢٣٤٥٦٧٨٩")
    for plural in (" ها ", " می ", " نمی "):
        assert plural not in text, "this wants a half-space"


def test_the_schema_is_a_schema():
    Draft202012Validator.check_schema(policy_schema())


def fit_rule(page, **changes):
    page["lead"]["groups"][0]["rules"][0] |= changes
    return page


def condition(node):
    return fit_rule(starter(), when=node)


def without(key):
    page = starter()
    del page[key]
    return page


def edited(edit):
    page = starter()
    edit(page)
    return page


RULE = "/lead/groups/0/rules/0"

BROKEN = {
    "a missing section": (without("lead"), ["the page: add lead"]),
    "a misspelt section": (
        starter(custmer={}),
        ["the page: custmer is unknown here, did you mean customer?"],
    ),
    "a section of a later version": (
        starter(zebra={}),
        [
            f"the page: zebra is unknown here, write one of: {', '.join(policy_schema()['properties'])}"
        ],
    ),
    "a wrong type": (
        starter(name=7),
        ["/name: write a text instead of 7"],
    ),
    "a misspelt word": (
        starter(calendar="jalaali"),
        ["/calendar: 'jalaali' is unknown, did you mean jalali?"],
    ),
    "a currency in words": (
        starter(currency="toman"),
        [
            (
                "/currency: write the three capital letters of a currency, such as USD or IRR "
                "instead of 'toman'"
            )
        ],
    ),
    "an unknown zone": (
        starter(time_zone="Asia/Teheran"),
        ["/time_zone: 'Asia/Teheran' is unknown, did you mean Asia/Tehran?"],
    ),
    "a zone that is no name": (
        starter(time_zone="+03:30"),
        ["/time_zone: '+03:30' is unknown, write a name such as Asia/Tehran"],
    ),
    "a step of nothing": (
        starter(publish={"step": 0, "profile": "full"}),
        ["/publish/step: write a number greater than 0 instead of 0"],
    ),
    "a misspelt parameter of a rule": (
        fit_rule(starter(), pionts=3),
        [f"{RULE}: pionts is unknown here, did you mean points?"],
    ),
    "a rule without Persian": (
        fit_rule(starter(), text={"en": "Yes"}),
        [f"{RULE}/text: add fa"],
    ),
    "a component beyond 0 and 100": (
        edited(lambda page: page["customer"]["components"][0].update(cap=[-10, 100])),
        ["/customer/components/0/cap: write a cap of a component within 0 and 100"],
    ),
    "a half-life of nothing": (
        edited(lambda page: page["lead"]["groups"][1]["rules"][0].update(half_life_days=0)),
        ["/lead/groups/1/rules/0/half_life_days: write a number greater than 0 instead of 0"],
    ),
    "an unknown activity": (
        edited(
            lambda page: page["lead"]["groups"][1]["rules"][0].update(when={"activity": "sneezed"})
        ),
        [
            (
                "/lead/groups/1/rules/0/when/activity: write a kind of activity such as email.opened, "
                "or one of your own that begins with x. instead of 'sneezed'"
            )
        ],
    ),
    "a model that is not here": (
        edited(lambda page: page["lead"]["groups"][0].update(model="fitt")),
        ["/lead/groups/0/model: 'fitt' is unknown, did you mean fit?"],
    ),
    "a cap that lets nothing be": (
        edited(lambda page: page["lead"]["groups"][0].update(cap=[10, 50])),
        ["/lead/groups/0/cap/0: write a number of at most 0 instead of 10"],
    ),
    "an unknown attribute": (
        condition({"attribute": "job_titel", "present": True}),
        [f"{RULE}/when/attribute: job_titel is not in attributes, did you mean job_title?"],
    ),
    "an attribute of the account without its prefix": (
        condition({"attribute": "employees", "at_least": 5}),
        [f"{RULE}/when/attribute: employees is not in attributes, did you mean account.employees?"],
    ),
    "an activity taken for an attribute": (
        condition({"attribute": "email_clicked", "present": True}),
        [
            (
                f"{RULE}/when/attribute: email_clicked is an activity; count it (count: …), or give it a rule in a group of "
                "the model engagement"
            )
        ],
    ),
    "an operator that does not fit": (
        condition({"attribute": "job_title", "at_least": 5}),
        [
            (
                f"{RULE}/when/at_least: at_least does not fit job_title, which is of type text; "
                "write one of: equals, in, contains, has_word, matches, present, missing"
            )
        ],
    ),
    "a value that does not fit": (
        condition({"attribute": "account.employees", "equals": "many"}),
        [f"{RULE}/when/equals: account.employees is of type number: write such"],
    ),
    "a boolean in quotes": (
        condition({"attribute": "email_opted_out", "equals": "true"}),
        [f"{RULE}/when/equals: email_opted_out is of type boolean: write such"],
    ),
    "an attribute of which nothing is said": (
        condition({"attribute": "phone"}),
        [
            (
                f"{RULE}/when: say what of phone, write one of: equals, in, contains, has_word, "
                "matches, present, missing"
            )
        ],
    ),
    "two forms in one condition": (
        condition({"attribute": "phone", "all": [{"attribute": "email", "present": True}]}),
        [
            (
                f"{RULE}/when: attribute and all cannot stand side by side: put a list of both "
                "under all or any"
            )
        ],
    ),
    "an operator without its attribute": (
        condition({"all": [{"attribute": "email", "present": True}], "equals": "x"}),
        [f"{RULE}/when/equals: write equals beside attribute or count or sum, not beside all"],
    ),
    "a count without how many": (
        condition({"count": "email.opened", "within_days": 30}),
        [f"{RULE}/when: say how much: write one of: at_least, at_most, between, equals"],
    ),
    "two windows at once": (
        condition({"count": "email.opened", "within_days": 30, "this": "month", "at_least": 1}),
        [f"{RULE}/when: write only one of: within_days, this"],
    ),
    "a ratio to nothing": (
        condition({"ratio": "email.opened", "at_least": 0.2}),
        [f"{RULE}/when: add to beside ratio"],
    ),
    "an unknown happening": (
        condition({"count": "email.openend", "at_least": 1}),
        [f"{RULE}/when/count: 'email.openend' is unknown, did you mean email.opened?"],
    ),
    "when something happened last, of no age": (
        condition({"last": "purchase"}),
        [f"{RULE}/when: write exactly one of: within_days, longer_ago_days"],
    ),
    "a window where none belongs": (
        condition({"attribute": "phone", "present": True, "within_days": 3}),
        [
            f"{RULE}/when/within_days: write within_days beside count or sum or average, not beside attribute"
        ],
    ),
    "a segment that is not there": (
        condition({"segment": "vip"}),
        [f"{RULE}/when/segment: there is no segment vip above: add it to segments"],
    ),
    "a segment that stands below": (
        starter(
            segments=[
                {"id": "b", "when": {"segment": "a"}, "text": TEXT},
                {"id": "a", "when": {"attribute": "phone", "present": True}, "text": TEXT},
            ]
        ),
        ["/segments/0/when/segment: there is no segment a above: add it to segments"],
    ),
    "a segment with a name of RFM": (
        starter(
            segments=[
                {"id": "loyal", "when": {"attribute": "phone", "present": True}, "text": TEXT}
            ]
        ),
        ["/segments/0/id: loyal is a segment of RFM, choose another name"],
    ),
    "an action for a segment that is not there": (
        starter(actions=[{"id": "one", "when": {"segment": ["loial"]}, "text": TEXT}]),
        ["/actions/0/when/segment/0: there is no segment loial, did you mean loyal?"],
    ),
    "a mistake deep inside": (
        condition({"any": [{"not": {"attribute": "emial", "present": True}}]}),
        [f"{RULE}/when/any/0/not/attribute: emial is not in attributes, did you mean email?"],
    ),
    "a broken pattern": (
        condition({"attribute": "phone", "matches": "("}),
        [f"{RULE}/when/matches: '(' is no valid regex"],
    ),
    "a condition of nothing": (
        condition({}),
        [
            (
                f"{RULE}/when: write exactly one of: attribute, segment, count, sum, average, "
                "ratio, first, last, sequence, all, any, not"
            )
        ],
    ),
    "a rule that stands twice": (
        edited(lambda page: page["lead"]["groups"][0]["rules"][1].update(id="decision_maker")),
        ["/lead/groups/0/rules/1/id: decision_maker stands above in this list already, rename one"],
    ),
    "a grade of a group that is not there": (
        edited(lambda page: page["lead"]["grade"]["fit"].update(groups=["fitness"])),
        ["/lead/grade/fit/groups/0: there is no group fitness, did you mean fit?"],
    ),
    "thresholds upside down": (
        edited(lambda page: page["lead"].update(temperatures={"hot": 40, "warm": 70})),
        ["/lead/temperatures: write a better threshold above 70"],
    ),
    "an action for a class that does not exist": (
        edited(lambda page: page["actions"][0].update(when={"class": ["D"]})),
        ["/actions/0/when/class/0: 'D' is unknown, write one of: A, B, C"],
    ),
    "an activity that is not named": (
        edited(lambda page: page["attributes"]["contacted"].pop("activity")),
        ["/attributes/contacted: write activity beside type: activity, and nowhere else"],
    ),
    "weights of nothing": (
        edited(
            lambda page: page["customer"]["components"][1].update(weights={"r": 0, "f": 0, "m": 0})
        ),
        [
            (
                "/customer/components/1/weights: write weights of which at least one is greater than 0 "
                "instead of {'r': 0, 'f': 0, 'm': 0}"
            )
        ],
    ),
    "a key that YAML took for a number": (
        edited(lambda page: page["customer"]["classes"].update({1: 90})),
        ["/customer/classes: put the key 1 in quotes"],
    ),
    "a value that YAML took for a date": (
        starter(name=date(2026, 3, 21)),
        ["/name: put 2026-03-21 in quotes"],
    ),
    "infinity": (
        starter(publish={"step": float("inf"), "profile": "full"}),
        ["/publish/step: write a finite number"],
    ),
    "a number beyond counting": (
        edited(lambda page: page["lead"]["groups"][0].update(weight=10**400)),
        ["/lead/groups/0/weight: write a number of at most 1000000000000000000"],
    ),
    "half a character": (
        starter(name="a\ud800"),
        ["/name: remove the invisible character '\\ud800'"],
    ),
    "more days than there are": (
        edited(lambda page: page["customer"].update(new_days=10**6)),
        ["/customer/new_days: write a number of at most 36500 instead of 1000000"],
    ),
    "a usual deal of less than one cent": (
        starter(priority={"deal_value": 0.001}),
        ["/priority/deal_value: write a sum that can be paid in this currency"],
    ),
    "a pattern of more repetitions than fit": (
        condition({"attribute": "phone", "matches": "a{99999999999}"}),
        [f"{RULE}/when/matches: 'a{{99999999999}}' is no valid regex"],
    ),
    "a pattern that takes for ever": (
        condition({"attribute": "phone", "matches": "(a+)+$"}),
        [
            (
                f"{RULE}/when/matches: a repetition within a repetition can take for ever: "
                "write it without the inner one"
            )
        ],
    ),
    "a pattern that takes long": (
        condition({"count": "page.viewed", "at_least": 1, "where": {"p": {"matches": "a*b*c*"}}}),
        [
            (
                f"{RULE}/when/where/p/matches: more than 2 endless repetitions take too long: "
                "write less, or several matches"
            )
        ],
    ),
}


@pytest.mark.parametrize("pattern", ["(a|a)*b", "(a|ab)*c", "(a?)*b", "(?:x{2,30}){2,30}", "(.*)*"])
def test_patterns_that_try_one_text_in_many_ways_are_refused(pattern):
    assert "take for ever" in fault(pattern)


@pytest.mark.parametrize(
    "pattern", ["^(ceo|cto)$", "@(gmail|yahoo)\\.", "(?:ab|cd)*", ".*sale.*", ""]
)
def test_other_patterns_are_fine(pattern):
    assert fault(pattern) == ""


def test_what_is_called_like_an_operator_may_stand_in_where():
    validate(condition({"count": "page.viewed", "at_least": 1, "where": {"matches": "("}}))


@pytest.mark.parametrize(("page", "problems"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_page_is_told_where_and_what_to_write_instead(page, problems):
    with pytest.raises(PolicyInvalid) as caught:
        validate(page)
    assert [str(problem) for problem in caught.value.problems] == problems


def test_all_problems_are_told_at_once():
    page = starter(name="", language="de", publish={"step": 500, "profile": "full"})
    with pytest.raises(PolicyInvalid) as caught:
        validate(page)
    pointers = [problem.pointer for problem in caught.value.problems]
    assert pointers == ["/language", "/name", "/publish/step"]


def test_an_invalid_policy_is_a_configuration_error():
    with pytest.raises(ConfigurationError, match="add lead"):
        validate(without("lead"))


def test_compiling_does_not_load_the_validator():
    """Lambda's process compiles pages that were validated when they were published."""
    program = (
        "import json, sys; from chalicelib.policy import compile_policy; "
        "compile_policy(json.load(sys.stdin)); "
        "print(sorted({'jsonschema', 'yaml', 'persiantools.jdatetime'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps(starter()),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
