import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

import connectors
from chalicelib.core.connector import EventType, Request
from chalicelib.core.errors import DeliveryUnreadable, PayloadInvalid, UnknownConnection
from connectors.hubspot.workflow import CHANNELS, check_shape, parse
from tests.connectors import cases

CONNECTION = cases.connection_of("hubspot")


def parse_record(record, channel="contacts"):
    body = json.dumps(record).encode()
    return parse(Request("POST", "", {}, body, channel), CONNECTION)


@pytest.mark.parametrize(
    ("channel", "kind"),
    [("contacts", "contact"), ("companies", "account"), ("deals", "deal"), ("tickets", "ticket"),
     ("line_items", "line_item"), ("feedback_submissions", "survey"), ("leads", "lead")],
)  # fmt: skip
def test_a_channel_is_a_kind_of_record(channel, kind):
    [event] = parse_record({"id": "7"}, channel)
    assert (event.type, str(event.ref)) == (EventType.CHANGED, f"hubspot-main:{kind}:7")
    assert event.name == f"workflow.{channel}"


@pytest.mark.parametrize("channel", ["contact", "Contacts", "products", "contacts/", "0-1"])
def test_no_other_channel_is_an_address(channel):
    assert channel not in CHANNELS
    delivery = cases.Delivery("hubspot", "workflow_sends_a_contact")
    request = Request("POST", "", delivery.request.headers, delivery.request.body, channel)
    with pytest.raises(UnknownConnection):
        connectors.load("hubspot").verify(request, delivery.secret, delivery.at)
    with pytest.raises(DeliveryUnreadable):
        parse_record({"id": "7"}, channel)


@pytest.mark.parametrize(
    ("channel", "record"),
    [
        ("contacts", {"id": "512"}),
        ("contacts", {"id": 512}),
        ("contacts", {"objectId": 512, "objectTypeId": "0-1"}),
        ("contacts", {"hs_object_id": "512", "id": "our customer number 9"}),
        ("contacts", {"properties": {"hs_object_id": "512"}}),
        ("contacts", {"properties": {"hs_object_id": {"value": "512", "versions": []}}}),
        ("contacts", {"vid": 512, "canonical-vid": 512, "properties": {"email": {"value": ""}}}),
        ("companies", {"companyId": 512, "portalId": 62515}),
        ("deals", {"dealId": 512, "portalId": 62515}),
        ("tickets", {"objectId": 512, "portalId": 62515, "objectType": "TICKET"}),
        ("contacts", {"id": "512", "portalId": "62515"}),
        ("contacts", {"id": "512", "portalId": None}),
    ],
)
def test_the_id_is_found_in_every_shape_that_a_workflow_may_send(channel, record):
    [event] = parse_record(record, channel)
    assert event.ref.id == "512"


@pytest.mark.parametrize(
    "record",
    [{}, {"id": ""}, {"id": "abc"}, {"id": True}, {"id": 1.5}, {"id": -1}, {"id": "-1"},
     {"id": "۵۱۲"}, {"id": "9" * 19}, {"id": "1" * 5000}, {"id": ["512"]}, {"companyId": 512},
     {"properties": ["512"]}, {"properties": {"hs_object_id": None}}, {"id": "5\n"}],
)  # fmt: skip
def test_a_record_without_an_id_is_unreadable_and_not_quoted(record):
    with pytest.raises(DeliveryUnreadable, match=r"^no id of a contact in the record$"):
        parse_record(record)


def test_it_tells_no_time_and_is_never_our_echo():
    [event] = parse_record({"id": "512", "properties": {"emtiaz_score": "82"}})
    assert event.occurred_at is None
    assert not event.ours


@pytest.mark.parametrize(
    "portal", [{"portalId": 99999}, {"portal-id": "99999"}, {"portalId": ["62515"]}]
)
def test_a_record_of_another_portal_is_counted_and_dropped(portal):
    [event] = parse_record({"id": "512"} | portal)
    assert (event.type, event.ref) == (EventType.UNKNOWN, None)


def test_a_retry_has_the_same_key_and_another_record_another():
    [first], [retry], [other], [elsewhere] = (
        parse_record({"id": "512"}),
        parse_record({"id": "512"}),
        parse_record({"id": "513"}),
        parse_record({"id": "512"}, "deals"),
    )
    assert first.key == retry.key
    assert len({first.key, other.key, elsewhere.key}) == 3


@pytest.mark.parametrize("body", [b"[]", b'[{"id": "1"}]', b'"1"', b"1", b"{} trailing", b"{1}"])
def test_another_shape_is_refused(body):
    with pytest.raises(PayloadInvalid):
        check_shape(body)


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b"[" * 5000])
def test_a_body_that_never_passed_the_edge_is_unreadable(body):
    with pytest.raises(DeliveryUnreadable):
        parse(Request("POST", "", {}, body, "contacts"), CONNECTION)


@given(st.integers(0, 2**63 - 1))
def test_any_id_is_found_as_a_number_and_as_text(identity):
    for record in ({"id": identity}, {"id": str(identity)}):
        [event] = parse_record(record)
        assert event.ref.id == str(identity)
