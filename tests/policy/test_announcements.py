"""The section ``announcements``: what is refused, with which words, and what is made of the rest."""

import pytest

from chalicelib.core.announcements import OCCASIONS, Mailing
from chalicelib.core.model import Text
from chalicelib.policy import PolicyInvalid, compile_policy, validate
from tests.policy.test_loyalty import CUP, TIERS
from tests.scoring.examples import starter

FUNNEL = {"stages": {"trial": ["s1"]}}
LOYALTY = {"tiers": TIERS, "rewards": [CUP]}
WORDS = {"en": "Words", "fa": "واژه"}
MAIL = {"address": "mail", "opted_out": "no_mail"}
ATTRIBUTES = {
    "mail": {"type": "text", "of": "contact", "hubspot": "email"},
    "no_mail": {"type": "boolean", "of": "contact", "hubspot": "hs_email_optout"},
    "trial_until": {"type": "date", "of": "contact", "hubspot": "trial_until"},
    "founded": {"type": "date", "of": "account", "hubspot": "founded"},
}


def row(event, **more):
    return {"id": "a", "event": event, "to": ["webhook"]} | more


CROSSING = row("score_crossing", threshold=70)
ENDING = row("trial_ending", attribute="trial_until", days=3)


def page(*rows, **sections):
    whole = starter(announcements=list(rows)) | {"funnel": FUNNEL, "loyalty": LOYALTY} | sections
    whole["attributes"] = whole["attributes"] | ATTRIBUTES
    return {name: part for name, part in whole.items() if part is not None}


def problems(*rows, **sections):
    with pytest.raises(PolicyInvalid) as refused:
        validate(page(*rows, **sections))
    return [str(problem) for problem in refused.value.problems]


BROKEN = {
    "an unknown occasion": (
        row("teir_up"),
        ["/announcements/0/event: 'teir_up' is unknown, did you mean tier_up?"],
    ),
    "an unknown way": (
        row("tier_up", to=["pigeon"]),
        [
            (
                "/announcements/0/to/0: 'pigeon' is unknown, write one of: crm_task, crm_note, "
                "event_bridge, webhook, email"
            )
        ],
    ),
    "a crossing without a mark": (
        row("score_crossing"),
        ["/announcements/0: write threshold beside event: score_crossing"],
    ),
    "a stay without a stage": (
        row("days_in_stage"),
        ["/announcements/0: write stage, days beside event: days_in_stage"],
    ),
    "a parameter of another occasion": (
        row("tier_up", days=3),
        ["/announcements/0/days: tier_up has no days: remove it"],
    ),
    "a place that is not filled": (
        row("tier_up", text=WORDS | {"fa": "{teir}"}),
        ["/announcements/0/text: there is no {teir}, did you mean tier?"],
    ),
    "a trial without its day": (
        ENDING | {"attribute": "trial_untill"},
        [
            (
                "/announcements/0/attribute: trial_untill is no attribute of contacts of type date, "
                "did you mean trial_until?"
            )
        ],
    ),
    "a trial that ends on a day of the account": (
        ENDING | {"attribute": "founded"},
        [
            (
                "/announcements/0/attribute: founded is no attribute of contacts of type date, "
                "write one of: trial_until"
            )
        ],
    ),
    "a mail to nobody": (
        row("tier_up", to=["email"]),
        ["/announcements/0: write email beside to: [email], and nowhere else"],
    ),
    "an address beside other ways": (
        row("tier_up", email=MAIL),
        ["/announcements/0: write email beside to: [email], and nowhere else"],
    ),
    "a mail that nobody can refuse": (
        row("tier_up", to=["email"], email=MAIL | {"opted_out": "mail"}),
        [
            (
                "/announcements/0/email/opted_out: mail is no attribute of contacts of type boolean, "
                "did you mean no_mail?"
            )
        ],
    ),
}


@pytest.mark.parametrize(("broken", "told"), BROKEN.values(), ids=BROKEN)
def test_a_mistake_is_told_with_its_place_and_what_to_write(broken, told):
    assert problems(broken) == told


NEVER = {
    "loyalty.tiers": (row("tier_down"), {"loyalty": {"rewards": [CUP]}}),
    "loyalty": (row("points_earned"), {"loyalty": None}),
    "loyalty.rewards": (row("reward_redeemed"), {"loyalty": {"tiers": TIERS}}),
    "funnel": (row("stage_left", stage="trial"), {"funnel": None}),
}


@pytest.mark.parametrize("section", NEVER)
def test_what_could_never_happen_is_told(section):
    broken, without = NEVER[section]
    told = f"/announcements/0/event: add the section {section}, or it never happens"
    assert problems(broken, **without) == [told]


def test_the_worth_of_a_call_is_no_score_of_a_policy_without_it():
    told = "/announcements/0/score: add the section priority, or it never happens"
    assert problems(CROSSING | {"score": "priority"}, priority=None) == [told]


EXAMPLES = {
    "score_crossing": CROSSING,
    "trial_ending": ENDING,
    "satisfaction_drop": row("satisfaction_drop", points=20),
    **{name: row(name, stage="trial") for name in ("stage_entered", "stage_left")},
    "days_in_stage": row("days_in_stage", stage="trial", days=14),
}


@pytest.mark.parametrize("occasion", OCCASIONS)
def test_every_occasion_can_be_asked_for(occasion):
    asked = page(EXAMPLES.get(occasion, row(occasion)))
    validate(asked)
    (rule,) = compile_policy(asked).announcements
    assert (rule.event, rule.to, rule.text) == (occasion, ("webhook",), None)


def test_a_row_becomes_a_rule():
    asked = CROSSING | {"to": ["email", "crm_task"], "direction": "down", "score": "lead_score"}
    (rule,) = compile_policy(page(asked | {"email": MAIL, "text": WORDS})).announcements
    assert (rule.threshold, rule.direction, rule.score) == (70, "down", "lead_score")
    assert rule.to == ("email", "crm_task")
    assert (rule.text, rule.customer_text) == (Text("Words", "واژه"), None)
    assert rule.mailing == Mailing("mail", "no_mail")


def test_a_policy_without_the_section_announces_nothing():
    assert compile_policy(starter()).announcements == ()
