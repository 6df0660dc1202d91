from __future__ import annotations

import json
from collections import Counter
from hashlib import sha256
from itertools import pairwise
from typing import Any

import pytest

from infra.sandbox.hubspot import StandIn
from infra.sandbox.hubspot.signature import sign_v3
from tests.infra.sandbox.conftest import Receiver
from tests.infra.sandbox.hubspot.conftest import Api

SUBSCRIPTIONS = [
    {"subscriptionType": "object.creation", "objectType": "contact"},
    {"subscriptionType": "object.propertyChange", "objectType": "contact", "propertyName": "email"},
    {"subscriptionType": "contact.propertyChange", "propertyName": "email"},
    {"subscriptionType": "object.propertyChange", "objectType": "contact",
     "propertyName": "hs_email_open"},
    {"subscriptionType": "contact.deletion"},
    {"subscriptionType": "deal.associationChange"},
    {"subscriptionType": "contact.associationChange"},
    {"subscriptionType": "deal.propertyChange", "propertyName": "dealstage"},
]  # fmt: skip
SECRET = "client-secret"


def configure(api: Api, receiver: Receiver, **settings: Any) -> None:
    api.control(
        "PUT",
        "webhooks",
        {
            "target_url": receiver.url,
            "secret": SECRET,
            "subscriptions": SUBSCRIPTIONS,
            "gather_ms": 20,
            "retry_ms": 5,
            **settings,
        },
    )


def batches(api: Api, receiver: Receiver) -> list[list[dict[str, Any]]]:
    assert api.control("POST", "flush?timeout=30") == {"idle": True}
    return [json.loads(body) for _, body in receiver.requests]


def events(api: Api, receiver: Receiver) -> list[dict[str, Any]]:
    return [event for batch in batches(api, receiver) for event in batch]


@pytest.fixture
def contact(api: Api) -> str:
    return api.load(contacts=[{"firstname": "Alice", "email": "a@example.com"}])["contacts"][0]


def change(api: Api, contact: str, **properties: str) -> None:
    api.control("PATCH", f"records/contacts/{contact}", {"properties": properties})


def test_a_change_by_a_person_rings_in_the_generic_and_the_classic_form(
    api: Api, receiver: Receiver, contact: str
) -> None:
    configure(api, receiver)
    change(api, contact, email="new@example.com")

    generic, classic = events(api, receiver)
    common = {
        "portalId": 62515,
        "appId": 54321,
        "attemptNumber": 0,
        "objectId": int(contact),
        "propertyName": "email",
        "propertyValue": "new@example.com",
        "changeSource": "CRM_UI",
        "sourceId": "userId:77",
        "occurredAt": generic["occurredAt"],
    }
    assert generic == common | {
        "eventId": 1001,
        "subscriptionId": 2,
        "subscriptionType": "object.propertyChange",
        "objectTypeId": "0-1",
        "isSensitive": False,
    }
    assert classic == common | {
        "eventId": 1002,
        "subscriptionId": 3,
        "subscriptionType": "contact.propertyChange",
    }


def test_an_event_names_the_instant_at_which_the_record_was_modified(
    api: Api, stand_in: StandIn, receiver: Receiver, contact: str
) -> None:
    configure(api, receiver)
    change(api, contact, email="new@example.com")

    row = stand_in.portal.dump()["contacts"][0]
    assert row["updatedAt"] == row["history"]["email"][0]["timestamp"]
    assert events(api, receiver)[0]["occurredAt"] % 1000 == int(row["updatedAt"][-4:-1])


def test_an_apps_own_write_comes_back_under_its_app_id(
    api: Api, receiver: Receiver, contact: str
) -> None:
    configure(api, receiver)
    api.patch(f"/crm/objects/{{v}}/contacts/{contact}", {"properties": {"email": "b@example.com"}})

    first = events(api, receiver)[0]
    assert (first["changeSource"], first["sourceId"]) == ("INTEGRATION", str(first["appId"]))


def test_what_nobody_subscribed_to_and_what_did_not_change_stay_silent(
    api: Api, receiver: Receiver, contact: str
) -> None:
    configure(api, receiver)
    change(api, contact, firstname="Anna", email="a@example.com")

    assert events(api, receiver) == []


def test_calculated_properties_ring_for_nobody(api: Api, receiver: Receiver, contact: str) -> None:
    configure(api, receiver)
    body = {"properties": {"hs_email_open": "7"}, "as": "hubspot"}
    api.control("PATCH", f"records/contacts/{contact}", body)

    found = api.get(f"/crm/objects/{{v}}/contacts/{contact}", properties="hs_email_open").json()
    assert found["properties"]["hs_email_open"] == "7"
    assert events(api, receiver) == []


def test_creation_deletion_and_both_ends_of_an_association_ring(
    api: Api, receiver: Receiver, contact: str
) -> None:
    configure(api, receiver)
    link = {"to": ["contacts", contact]}
    body = {"properties": {"dealname": "Order"}, "associations": [link]}
    deal = api.control("POST", "records/deals", body)["id"]
    created = api.control("POST", "records/contacts", {"properties": {"firstname": "B"}})["id"]
    api.control("DELETE", f"records/contacts/{created}")

    found = events(api, receiver)
    shapes = [
        (one["subscriptionType"], one.get("associationType") or one["changeFlag"]) for one in found
    ]
    assert shapes == [
        ("deal.associationChange", "DEAL_TO_CONTACT"),
        ("contact.associationChange", "CONTACT_TO_DEAL"),
        ("object.creation", "CREATED"),
        ("contact.deletion", "DELETED"),
    ]
    assert (found[0]["fromObjectId"], found[0]["toObjectId"]) == (int(deal), int(contact))
    assert (found[0]["associationRemoved"], found[0]["isPrimaryAssociation"]) == (False, False)


def test_a_primary_association_rings_twice(api: Api, receiver: Receiver, contact: str) -> None:
    company = api.load(companies=[{"name": "Blue"}])["companies"][0]
    configure(api, receiver)
    ends = {"from": ["contacts", contact], "to": ["companies", company]}
    api.control("POST", "associations", {**ends, "primary": True})

    assert [one["isPrimaryAssociation"] for one in events(api, receiver)] == [False, True]


def test_winning_a_deal_rings_its_stage(api: Api, receiver: Receiver) -> None:
    rows = [{"dealname": "A", "dealstage": "contractsent"}]
    deal = api.load(deals=rows)["deals"][0]
    configure(api, receiver)
    api.control("POST", f"deals/{deal}/win")

    found = events(api, receiver)
    assert [one["propertyValue"] for one in found] == ["closedwon"]
    answer = api.get(f"/crm/objects/{{v}}/deals/{deal}", properties="hs_is_closed_won,closedate")
    assert answer.json()["properties"]["hs_is_closed_won"] == "true"
    assert answer.json()["properties"]["closedate"]


def test_events_are_gathered_up_to_a_hundred_a_request(api: Api, receiver: Receiver) -> None:
    configure(api, receiver, gather_ms=300)
    inputs = [{"properties": {"firstname": f"N{n}"}} for n in range(100)]
    for _ in range(2):
        api.post("/crm/objects/{v}/contacts/batch/create", {"inputs": inputs})
    api.post("/crm/objects/{v}/contacts", inputs[0])

    assert sorted(len(batch) for batch in batches(api, receiver)) == [1, 100, 100]


def test_every_attempt_is_stamped_and_signed_afresh(
    api: Api, receiver: Receiver, contact: str
) -> None:
    configure(api, receiver)
    receiver.statuses = [500, 404, 302]
    change(api, contact, email="سارا@example.com")

    found = batches(api, receiver)
    assert [{one["attemptNumber"] for one in batch} for batch in found] == [{0}, {1}, {2}, {3}]
    for headers, body in receiver.requests:
        stamp = int(headers["x-hubspot-request-timestamp"])
        expected = sign_v3(SECRET, "POST", receiver.url, body, stamp)
        assert headers["x-hubspot-signature-v3"] == expected
    stamps = [int(headers["x-hubspot-request-timestamp"]) for headers, _ in receiver.requests]
    assert all(earlier < later for earlier, later in pairwise(stamps))


def test_an_event_is_lost_after_the_last_retry(api: Api, receiver: Receiver, contact: str) -> None:
    configure(api, receiver, retries=3)
    receiver.statuses = [500] * 10
    change(api, contact, email="b@example.com")

    assert len(batches(api, receiver)) == 4
    attempts = api.control("GET", "deliveries")["attempts"]
    assert [one["status"] for one in attempts] == [500] * 4


def test_a_target_that_is_down_is_tried_again(api: Api, receiver: Receiver, contact: str) -> None:
    configure(api, receiver, retries=1, target_url="http://127.0.0.1:9/hooks")
    change(api, contact, email="b@example.com")

    assert batches(api, receiver) == []
    attempts = api.control("GET", "deliveries")["attempts"]
    assert [one["status"] for one in attempts] == [None, None]


def test_a_storm_is_the_same_events_more_often_and_in_another_order(
    api: Api, receiver: Receiver
) -> None:
    rows = [{"firstname": f"N{n}", "email": f"n{n}@example.com"} for n in range(50)]
    ids = api.load(contacts=rows)["contacts"]
    configure(api, receiver, gather_ms=400, duplicate_share=1.5, shuffle=True, seed=7)
    for contact in ids:
        change(api, contact, email=f"new{contact}@example.com")

    found = events(api, receiver)
    times = Counter(one["eventId"] for one in found)
    first_seen = list(times)
    assert len(times) == 100
    assert set(times.values()) == {2, 3}
    assert first_seen != sorted(first_seen)


@pytest.mark.parametrize(("scheme", "versions"), [("v1", {"v1"}), ("v2", {"v2"})])
def test_an_older_app_gets_the_older_signature_alone(
    api: Api, receiver: Receiver, contact: str, scheme: str, versions: set[str]
) -> None:
    configure(api, receiver, signature=scheme)
    change(api, contact, email="b@example.com")
    batches(api, receiver)

    headers, body = receiver.requests[0]
    signed = SECRET.encode() + (f"POST{receiver.url}".encode() if scheme == "v2" else b"") + body
    assert headers["x-hubspot-signature"] == sha256(signed).hexdigest()
    assert {headers["x-hubspot-signature-version"]} == versions
    assert not headers.keys() & {"x-hubspot-signature-v3", "x-hubspot-request-timestamp"}


def test_an_unknown_signature_is_refused(api: Api, receiver: Receiver) -> None:
    with pytest.raises(AssertionError, match="VALIDATION_ERROR"):
        configure(api, receiver, signature="v4")


def test_events_of_subscriptions_that_vanished_are_lost_without_a_word(
    api: Api, receiver: Receiver, contact: str
) -> None:
    configure(api, receiver)
    api.control("DELETE", "webhooks/subscriptions/2")
    change(api, contact, email="b@example.com")
    assert [one["subscriptionId"] for one in events(api, receiver)] == [3]
    api.control("DELETE", "webhooks/subscriptions")
    change(api, contact, email="c@example.com")

    assert len(events(api, receiver)) == 1


def test_a_seeded_share_of_deliveries_is_lost_for_good(api: Api, receiver: Receiver) -> None:
    rows = [{"firstname": f"N{n}"} for n in range(40)]
    ids = api.load(contacts=rows)["contacts"]
    rows = [{"subscriptionType": "contact.propertyChange", "propertyName": "email"}]
    lose = {"lose_share": 0.3, "batch_limit": 1, "seed": 5, "gather_ms": 200}
    configure(api, receiver, subscriptions=rows, **lose)
    for contact in ids:
        change(api, contact, email=f"new{contact}@example.com")

    sent = {one["eventId"] for one in events(api, receiver)}
    lost = set(api.control("GET", "deliveries")["lost"])
    assert sent | lost == set(range(1001, 1041))
    assert not sent & lost
    assert 3 < len(lost) < 25


@pytest.mark.parametrize("new_id", [False, True])
def test_a_merge_rings_with_all_its_ids(
    api: Api, receiver: Receiver, contact: str, new_id: bool
) -> None:
    other = api.load(contacts=[{"lastname": "Moreau", "city": "Lyon"}])["contacts"][0]
    configure(
        api,
        receiver,
        subscriptions=[
            {"subscriptionType": "object.merge", "objectType": "contact"},
            {"subscriptionType": "contact.merge"},
            {"subscriptionType": "contact.deletion"},
        ],
    )
    merging = {"others": [other], "new_id": new_id}
    survivor = api.control("POST", f"records/contacts/{contact}/merge", merging)["id"]

    generic, classic = events(api, receiver)
    members = {
        "objectId": int(contact),
        "primaryObjectId": int(contact),
        "mergedObjectIds": [int(other)],
        "newObjectId": int(survivor),
        "numberOfPropertiesMoved": 2,
        "changeSource": "MERGE_OBJECTS",
        "sourceId": "userId:77",
    }
    assert {name: generic[name] for name in members} == members
    assert {name: classic[name] for name in members} == members
    assert (generic["objectTypeId"], classic["subscriptionType"]) == ("0-1", "contact.merge")


def test_a_restoration_rings(api: Api, receiver: Receiver) -> None:
    deal = api.load(deals=[{"dealname": "Order"}])["deals"][0]
    api.control("DELETE", f"records/deals/{deal}")
    configure(api, receiver, subscriptions=[{"subscriptionType": "deal.restore"}])
    api.control("POST", f"records/deals/{deal}/restore")

    (event,) = events(api, receiver)
    assert (event["subscriptionType"], event["objectId"]) == ("deal.restore", int(deal))


@pytest.mark.parametrize("order", ["privacy_first", "deletion_first"])
@pytest.mark.parametrize("apart", [False, True])
def test_a_privacy_deletion_rings_twice_in_either_order_together_or_apart(
    api: Api, receiver: Receiver, contact: str, order: str, apart: bool
) -> None:
    rows = [{"subscriptionType": f"contact.{what}"} for what in ("privacyDeletion", "deletion")]
    limit = {"batch_limit": 1, "max_concurrent": 1} if apart else {}
    configure(api, receiver, subscriptions=rows, **limit)
    api.control("PUT", "guesses", {"erasure_order": order})
    api.control("POST", f"contacts/{contact}/erase")

    found = batches(api, receiver)
    types = [event["subscriptionType"] for batch in found for event in batch]
    expected = ["contact.privacyDeletion", "contact.deletion"]
    assert types == (expected if order == "privacy_first" else expected[::-1])
    assert {event["objectId"] for batch in found for event in batch} == {int(contact)}
    assert [len(batch) for batch in found] == ([1, 1] if apart else [2])


@pytest.mark.parametrize("rings", [False, True])
def test_deleting_a_deal_rings_for_its_contacts_only_if_so_guessed(
    api: Api, receiver: Receiver, contact: str, rings: bool
) -> None:
    deal = api.load(deals=[{"dealname": "Order"}])["deals"][0]
    link = {"from": ["contacts", contact], "to": ["deals", deal]}
    api.control("POST", "load", {"associations": [link]})
    configure(api, receiver)
    api.control("PUT", "guesses", {"deletion_rings_associations": rings})
    api.control("DELETE", f"records/deals/{deal}")

    found = [one for one in events(api, receiver) if "associationType" in one]
    assert [one["associationType"] for one in found] == (
        ["DEAL_TO_CONTACT", "CONTACT_TO_DEAL"] if rings else []
    )
    assert all(one["associationRemoved"] for one in found)


@pytest.mark.parametrize(
    "row",
    [
        {"subscriptionType": "object.creation", "objectType": "spaceship"},
        {"subscriptionType": "contact.explosion"},
        {"subscriptionType": "deal.privacyDeletion"},
        {"subscriptionType": "contact.propertyChange"},
        {
            "subscriptionType": "contact.propertyChange",
            "propertyName": "num_unique_conversion_events",
        },
    ],
)
def test_subscriptions_that_hubspot_would_refuse_are_refused(api: Api, row: dict[str, str]) -> None:
    with pytest.raises(AssertionError, match="VALIDATION_ERROR"):
        api.control("PUT", "webhooks", {"subscriptions": [row]})
