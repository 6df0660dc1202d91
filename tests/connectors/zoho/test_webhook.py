"""What rang, and what the bodies of strangers come to."""

import json

import pytest

from chalicelib.core.connector import EventType, Request
from chalicelib.core.errors import DeliveryUnreadable, PayloadInvalid
from connectors.zoho.webhook import check_shape, parse
from tests.connectors.zoho.api_double import CONNECTION, contact

JSON = {"content-type": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}


def request(body, headers=JSON):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Request("POST", "", headers, raw, "a-token")


def notification(**own):
    told = {"module": "Contacts", "operation": "update", "ids": ["1"], "channel_id": "9"}
    return told | {"server_time": 1} | own


def events(**own):
    return parse(request(notification(**own)), CONNECTION)


def test_every_record_of_a_callback_rings_and_each_of_them_once():
    found = events(ids=[str(one) for one in range(1, 501)] + ["1"])
    assert [event.ref for event in found] == [contact(one) for one in range(1, 501)]
    assert len({event.key for event in found}) == 500


def test_the_same_event_has_the_same_key_in_another_delivery_and_a_later_one_does_not():
    assert events(affected_fields=[{"1": ["Title"]}])[0].key == events()[0].key
    assert events(server_time=2)[0].key != events()[0].key


def test_no_time_is_told_since_that_of_sending_is_later_than_any_change():
    assert [event.occurred_at for event in events()] == [None]


@pytest.mark.parametrize(
    ("affected", "ours"),
    [
        ([{"1": ["Emtiaz_score", "Emtiaz_class"]}], True),
        ([{"1": ["Emtiaz_score", "Modified_Time", "Modified_By", "Tag"]}], True),
        ([{"1": ["Emtiaz_score", "Title"]}], False),
        ([{"1": []}], False),
        ([{"2": ["Emtiaz_score"]}], False),
        ([], False),
        (None, False),
    ],
)
def test_an_echo_is_a_change_of_nothing_but_our_own_fields(affected, ours):
    assert events(affected_fields=affected)[0].ours is ours


def test_a_field_of_our_name_on_a_record_that_we_do_not_write_is_not_ours():
    [event] = events(module="Deals", affected_fields=[{"1": ["Emtiaz_score"]}])
    assert not event.ours


@pytest.mark.parametrize(
    "own",
    [
        {"ids": []}, {"ids": ["x"]}, {"ids": [1.5]}, {"ids": [True]}, {"operation": 7},
        {"module": "../Contacts"}, {"module": "Contacts\n"}, {"ids": ["1" * 20]},
        {"ids": ["0"]}, {"ids": ["007"]}, {"ids": [1e3]}, {"ids": [2**63]}, {"ids": ["٧"]},
        {"affected_fields": {"1": []}}, {"affected_fields": [{"1": "Title"}]},
    ],
)  # fmt: skip
def test_what_is_not_as_zoho_sends_it_is_unreadable(own):
    with pytest.raises(DeliveryUnreadable):
        events(**own)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b'{"a": 1}', JSON), (b"[]", JSON), (b'{"ids": "1"}', JSON), (b"module=Contacts", FORM),
        (b"id=\xff", FORM), (b"&".join([b"id=1"] * 41), FORM),
        (b"id=1", {"content-type": "multipart/form-data; boundary=x"}),
        (b"", {"content-type": "multipart/form-data"}),
        (b"--x\r\n\r\nid\r\n--x--", {"content-type": "multipart/form-data; boundary=x"}),
    ],
)  # fmt: skip
def test_what_names_no_record_is_refused(body, headers):
    with pytest.raises(PayloadInvalid):
        check_shape(request(body, headers))


def test_a_form_that_breaks_later_is_unreadable():
    with pytest.raises(DeliveryUnreadable):
        parse(request(b"id=\xff", FORM), CONNECTION)
    with pytest.raises(DeliveryUnreadable):
        parse(request(b"id=7", FORM), CONNECTION)


def test_a_workflow_may_send_an_id_as_a_number_and_is_its_own_key():
    one, other = (
        parse(request({"module": "Contacts", "id": 7, "at": at}), CONNECTION)[0] for at in (1, 2)
    )
    assert (one.type, one.ref) == (EventType.CHANGED, contact(7))
    assert one.key != other.key
