import math

import pytest

from chalicelib.core.model import Text
from chalicelib.core.policy import Band
from chalicelib.policy import compile_policy, version_of
from tests.scoring.examples import starter


def test_the_version_is_that_of_the_page():
    assert compile_policy(starter()).version == version_of(starter())
    assert len(version_of(starter())) == 12


def test_the_order_of_keys_does_not_make_another_version():
    assert version_of(dict(reversed(starter().items()))) == version_of(starter())


@pytest.mark.parametrize("change", [{"language": "fa"}, {"currency": "IRR"}, {"name": "Other"}])
def test_any_change_makes_another_version(change):
    assert version_of(starter(**change)) != version_of(starter())


def test_attributes_name_the_fields_of_each_crm():
    attributes = {one.name: one for one in compile_policy(starter()).attributes}
    assert attributes["job_title"].fields == {
        "hubspot": "jobtitle",
        "salesforce": "Title",
        "zoho": "Title",
    }
    assert attributes["employees"].of == "account"
    opened = attributes["email_opened"]
    assert (opened.type, opened.activity) == ("activity", "email.opened")
    assert opened.fields == {"hubspot": "hs_email_last_open_date"}


def test_bands_stand_from_the_best_down_and_the_last_takes_the_rest():
    lead = compile_policy(starter()).lead
    assert lead.temperatures == (Band("hot", 70), Band("warm", 40), Band("cold", -math.inf))
    assert [band.name for band in lead.engagement_grades] == ["1", "2", "3"]


def test_caps_and_weights_have_defaults():
    page = starter()
    del page["lead"]["groups"][0]["cap"]
    group = compile_policy(page).lead.groups[0]
    assert (group.weight, group.low, group.high) == (1, 0, 100)


def test_groups_of_the_same_rules_share_one_model():
    policy = compile_policy(starter())
    assert policy.customer.components[0].model is policy.lead.groups[1].model


def test_actions_keep_their_order_and_their_words():
    actions = compile_policy(starter()).actions
    assert [action.id for action in actions] == [row["id"] for row in starter()["actions"]]
    assert actions[-1].when == {}
    assert actions[7].text == Text("Call today", "امروز تماس بگیرید")


def test_the_attribute_that_holds_a_referrer_names_a_record_and_no_other_does():
    page = starter(referrals={"attribute": "referred_by"})
    page["attributes"]["referred_by"] = {"type": "text", "of": "contact", "hubspot": "referred_by"}
    attributes = compile_policy(page).attributes
    assert [one.name for one in attributes if one.names_record] == ["referred_by"]
    assert not any(one.names_record for one in compile_policy(starter()).attributes)
