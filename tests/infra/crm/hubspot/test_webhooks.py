from typing import get_args, get_type_hints

import pytest
from hubspot_sdk.types.webhooks.webhook_create_event_subscription_params import (
    WebhookCreateEventSubscriptionParams,
)
from hypothesis import given

from chalicelib.core.policy import Attribute
from connectors.hubspot.records import properties_of
from infra.crm.hubspot.webhooks import OBJECTS, component, kinds_read, subscriptions
from tests.infra.crm.hubspot.policies import STARTER, URL, attribute, attributes

KNOWN_TYPES = get_args(get_type_hints(WebhookCreateEventSubscriptionParams)["event_type"])


def rows(attributes, held=None):
    return subscriptions(component(URL, attributes, held))


def active(attributes, held=None):
    """``what of property``, in words."""
    return {
        " ".join(
            str(row[word])
            for word in ("subscriptionType", "objectType", "propertyName")
            if word in row
        )
        for row in rows(attributes, held)
        if row["active"]
    }


def test_the_component_is_as_hubspot_takes_it():
    assert component(URL, [attribute("contact", "jobtitle")]) == {
        "uid": "emtiaz_webhooks",
        "type": "webhooks",
        "config": {
            "settings": {"targetUrl": URL, "maxConcurrentRequests": 10},
            "subscriptions": {
                "crmObjects": [
                    *(
                        {"subscriptionType": f"object.{what}", "objectType": kind, "active": True}
                        for kind, happenings in (
                            ("contact", ("creation", "deletion", "restore", "merge")),
                            ("deal", ("deletion", "restore", "merge")),
                        )
                        for what in happenings
                    ),
                    *(
                        {
                            "subscriptionType": "object.propertyChange",
                            "objectType": kind,
                            "propertyName": name,
                            "active": True,
                        }
                        for kind, name in (
                            ("contact", "jobtitle"),
                            ("deal", "amount"),
                            ("deal", "closedate"),
                            ("deal", "deal_currency_code"),
                            ("deal", "dealstage"),
                            ("deal", "pipeline"),
                        )
                    ),
                ],
                "legacyCrmObjects": [
                    {"subscriptionType": "contact.associationChange", "active": True},
                    {"subscriptionType": "deal.associationChange", "active": True},
                ],
                "hubEvents": [{"subscriptionType": "contact.privacyDeletion", "active": True}],
            },
        },
    }


@pytest.mark.parametrize(
    ("of", "name"), [("account", "company"), ("ticket", "ticket"), ("line_item", "line_item")]
)
def test_other_kinds_ring_only_for_a_policy_that_looks_at_them(of, name):
    without = active([attribute("contact", "jobtitle")])
    with_it = active([attribute("contact", "jobtitle"), attribute(of, "colour")])
    assert not any(name in one for one in without)
    assert with_it - without >= {
        f"object.deletion {name}",
        f"object.restore {name}",
        f"object.merge {name}",
        f"object.propertyChange {name} colour",
        f"{name}.associationChange",
    }


def test_surveys_ring_when_they_are_answered():
    rung = active([attribute("survey", "hs_content")])
    assert "object.creation feedback_submission" in rung
    assert "object.propertyChange feedback_submission hs_content" in rung
    assert not any(one.startswith("feedback_submission.") for one in rung)


def test_what_hubspot_computes_does_not_ring():
    opened = attribute("contact", "hs_email_last_open_date", "activity")
    assert not any("hs_email_last_open_date" in one for one in active([opened]))


def test_an_attribute_that_hubspot_does_not_hold_does_not_ring():
    elsewhere = Attribute("rank", "text", "ticket", {"zoho": "Rank"})
    assert active([elsewhere]) == active([])
    assert kinds_read([elsewhere]) == ("contact", "deal")


@given(attributes)
def test_no_policy_makes_a_component_that_hubspot_refuses_or_that_echoes(wanted):
    found = rows(wanted)
    assert len(found) < 1000
    assert {row["subscriptionType"] for row in found} <= set(KNOWN_TYPES)
    refused = {"lastmodifieddate", "hs_lastmodifieddate", "num_unique_conversion_events"}
    properties = {row["propertyName"] for row in found if "propertyName" in row}
    assert not properties & refused
    assert not any(name.startswith("emtiaz_") for name in properties)


@given(attributes)
def test_nothing_is_subscribed_to_twice_and_every_change_names_its_property(wanted):
    found = rows(wanted)
    told = [tuple(sorted(row.items())) for row in found]
    assert len(set(told)) == len(told)
    assert all(
        ("propertyName" in row) is (row["subscriptionType"] == "object.propertyChange")
        for row in found
    )
    assert all(
        ("objectType" in row) is row["subscriptionType"].startswith("object.") for row in found
    )


@given(attributes, attributes)
def test_what_is_not_wanted_any_more_stays_and_is_switched_off(before, after):
    held = component(URL, before)
    again = component(URL, after, held)
    assert active(after, held) == active(after)
    silent = [row for row in subscriptions(again) if not row["active"]]
    gone = [row for row in subscriptions(held) if row not in subscriptions(again)]
    assert sorted(map(str, silent)) == sorted(str({**row, "active": False}) for row in gone)


@given(attributes, attributes)
def test_writing_it_again_changes_nothing(before, after):
    once = component(URL, after, component(URL, before))
    assert component(URL, after, once) == once


def test_the_shipped_policy_looks_at_contacts_companies_and_deals():
    assert kinds_read(STARTER) == ("contact", "account", "deal")
    assert active(STARTER) >= {
        "object.propertyChange contact jobtitle",
        "object.propertyChange company industry",
        "company.associationChange",
    }


SILENT = {
    "hs_merged_object_ids", "lastmodifieddate", "hs_lastmodifieddate",
    "amount_in_home_currency", "createdate", "closed_date",
    "num_associated_contacts", "num_associated_deals", "hs_num_open_deals", "total_revenue",
    "recent_deal_close_date", "recent_deal_amount",
    "hs_response_group", "hs_sentiment", "hs_submission_timestamp", "hs_survey_channel",
    "hs_survey_type",
}  # fmt: skip
"""What HubSpot sets by itself: with the merge, the deal or the answer that rings anyway."""


@pytest.mark.parametrize("kind", OBJECTS)
def test_whatever_is_read_of_a_record_rings_and_nothing_else_does(kind):
    wanted = [attribute(one, "colour") for one in OBJECTS]
    rung = {
        row["propertyName"]
        for row in rows(wanted)
        if "propertyName" in row and row["objectType"] == OBJECTS[kind]
    }
    assert rung == set(properties_of(kind, wanted)) - SILENT
