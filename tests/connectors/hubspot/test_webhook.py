import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core.connector import EventType, Request, Secret
from chalicelib.core.errors import DeliveryUnreadable, PayloadInvalid, SignatureInvalid
from connectors.hubspot.webhook import check_shape, parse, sign, verify
from tests.connectors import cases

VECTORS = Path(__file__).parent / "vectors"
EPOCH = datetime.fromtimestamp(0, UTC)
CONNECTION = cases.connection_of("hubspot")


def vectors(verdict):
    return [
        pytest.param(cases.read(path), id=path.stem)
        for path in sorted((VECTORS / verdict).glob("*.json"))
    ]


def verify_vector(vector, **changes):
    row = vector | changes
    request = Request(row["method"], row["url"], row["headers"], row["body"].encode())
    secret = Secret(url=vector["url"], webhook_secrets=(row["secret"],), token="")
    verify(request, secret, EPOCH + timedelta(milliseconds=row["at_ms"]))


@pytest.mark.parametrize("vector", vectors("accepted"))
def test_a_published_signature_is_accepted(vector):
    verify_vector(vector)


@pytest.mark.parametrize("vector", vectors("refused"))
def test_a_published_signature_of_another_kind_is_refused(vector):
    with pytest.raises(SignatureInvalid):
        verify_vector(vector)


@pytest.mark.parametrize("vector", vectors("accepted"))
def test_five_minutes_on_either_side_are_accepted_and_a_millisecond_more_is_not(vector):
    for inside in (-300_000, 300_000):
        verify_vector(vector, at_ms=vector["at_ms"] + inside)
    for outside in (-300_001, 300_001):
        with pytest.raises(SignatureInvalid, match="away"):
            verify_vector(vector, at_ms=vector["at_ms"] + outside)


@pytest.mark.parametrize("vector", vectors("accepted"))
def test_the_method_is_signed(vector):
    with pytest.raises(SignatureInvalid):
        verify_vector(vector, method="PUT")


@pytest.mark.parametrize("vector", vectors("accepted"))
def test_the_address_comes_from_the_secret_and_never_from_the_request(vector):
    verify_vector(vector, url="https://attacker.example.com/")
    request = Request(vector["method"], vector["url"], vector["headers"], vector["body"].encode())
    elsewhere = Secret("https://elsewhere.example.com/", (vector["secret"],), "")
    with pytest.raises(SignatureInvalid):
        verify(request, elsewhere, EPOCH + timedelta(milliseconds=vector["at_ms"]))


@pytest.mark.parametrize(
    "timestamp",
    ["", " 1790000001000", "+1790000001000", "1790000001000.0", "1_790_000_001_000", "NaN",
     "۱۷۹۰۰۰۰۰۰۱۰۰۰", "1790000001000\n", "9" * 16, "9" * 5000, "-1"],
)  # fmt: skip
def test_a_timestamp_that_is_not_plain_digits_is_refused_though_it_be_signed(timestamp):
    key = "example-client-secret-1234"
    url = "https://hooks.example.com/webhooks/hubspot"
    headers = {
        "x-hubspot-request-timestamp": timestamp,
        "x-hubspot-signature-v3": sign("POST", url, b"[]", timestamp, key),
    }
    with pytest.raises(SignatureInvalid, match="milliseconds"):
        verify(
            Request("POST", url, headers, b"[]"),
            Secret(url, (key,), ""),
            EPOCH + timedelta(milliseconds=1790000001000),
        )


@given(signature=st.text(), timestamp=st.text() | st.integers(0, 10**16).map(str))
def test_any_headers_verify_or_are_refused(signature, timestamp):
    delivery = cases.Delivery("hubspot", "property_change_of_a_contact")
    headers = {"x-hubspot-signature-v3": signature, "x-hubspot-request-timestamp": timestamp}
    with pytest.raises(SignatureInvalid):
        verify(replace(delivery.request, headers=headers), delivery.secret, delivery.at)


@given(body=st.binary(), url=st.text(st.characters(min_codepoint=33, max_codepoint=126)))
def test_what_sign_signs_verify_accepts(body, url):
    headers = {
        "x-hubspot-request-timestamp": "5",
        "x-hubspot-signature-v3": sign("POST", url, body, "5", "k"),
    }
    verify(Request("POST", "", headers, body), Secret(url, ("old", "k"), ""), EPOCH)


@pytest.mark.parametrize(
    ("escape", "plain"),
    [("%3A", ":"), ("%2F", "/"), ("%3F", "?"), ("%40", "@"), ("%21", "!"), ("%24", "$"),
     ("%27", "'"), ("%28", "("), ("%29", ")"), ("%2A", "*"), ("%2C", ","), ("%3B", ";")],
)  # fmt: skip
def test_these_escapes_of_the_address_are_undone(escape, plain):
    assert sign("GET", f"https://x/?a={escape}b", b"", "1", "k") == sign(
        "GET", f"https://x/?a={plain}b", b"", "1", "k"
    )


@pytest.mark.parametrize(
    ("escape", "plain"),
    [("%20", " "), ("%26", "&"), ("%3D", "="), ("%2B", "+"), ("%25", "%"), ("%3a", ":"),
     ("%253A", "%3A"), ("%253A", ":"), ("%23", "#")],
)  # fmt: skip
def test_no_other_escapes_are_undone(escape, plain):
    assert sign("GET", f"https://x/?a={escape}b", b"", "1", "k") != sign(
        "GET", f"https://x/?a={plain}b", b"", "1", "k"
    )


def nested(depth):
    """A delivery that is ``depth`` levels deep in all."""
    value = 1
    for _ in range(depth - 2):
        value = [value]
    return json.dumps([{"deep": value}]).encode()


def test_thirty_two_levels_are_deep_enough():
    check_shape(nested(32))
    with pytest.raises(PayloadInvalid, match="32 levels"):
        check_shape(nested(33))


@pytest.mark.parametrize("number", [1, 100])
def test_a_delivery_has_one_to_a_hundred_events(number):
    check_shape(json.dumps([{}] * number).encode())


@pytest.mark.parametrize(
    "body",
    [b"[]", json.dumps([{}] * 101).encode(), b"{}", b"[1]", b"[{}, null]", b'[{"a": Infinity}]',
     b'[{"a": "\xe9"}]', b"[{}] trailing", b'[{"a": ' + b"9" * 5000 + b"}]"],
)  # fmt: skip
def test_another_shape_is_refused(body):
    with pytest.raises(PayloadInvalid):
        check_shape(body)


def line(**changes):
    return {
        "portalId": 62515,
        "occurredAt": 1790000000000,
        "subscriptionType": "contact.creation",
        "objectId": 512,
    } | changes


def parse_lines(*lines):
    return parse(Request("POST", "", {}, json.dumps(lines).encode()), CONNECTION)


@pytest.mark.parametrize(
    "changes",
    [{"portalId": "62515"}, {"portalId": None}, {"occurredAt": -1}, {"occurredAt": 10**15},
     {"occurredAt": "2026-09-21"}, {"objectId": "512"}, {"objectId": True}, {"objectId": 1e300},
     {"subscriptionType": 7}, {"subscriptionType": "a\nb"}, {"subscriptionType": "x" * 101},
     {"subscriptionType": ""}, {"mergedObjectIds": [None]}, {"propertyName": 5}],
)  # fmt: skip
def test_a_line_that_lacks_what_we_rely_on_makes_the_delivery_unreadable(changes):
    with pytest.raises(DeliveryUnreadable):
        parse_lines(line(), line(**changes))


@pytest.mark.parametrize("body", [b"", b"{}", b"\xff", b"[" * 5000, b"[[]]"])
def test_a_body_that_never_passed_the_edge_is_unreadable(body):
    with pytest.raises(DeliveryUnreadable):
        parse(Request("POST", "", {}, body), CONNECTION)


@pytest.mark.parametrize("missing", ["portalId", "occurredAt", "subscriptionType"])
def test_a_line_needs_a_portal_a_time_and_a_type(missing):
    short = line()
    del short[missing]
    with pytest.raises(DeliveryUnreadable):
        parse_lines(short)


def test_no_message_of_an_unreadable_delivery_repeats_its_contents():
    with pytest.raises(DeliveryUnreadable) as caught:
        parse_lines(line(propertyName=["someone@example.com"]))
    assert "someone" not in str(caught.value)
    assert str(caught.value) == "$[0].propertyName: type fails"


def test_a_known_type_without_the_record_it_is_about_is_counted_as_unknown():
    [event] = parse_lines({key: value for key, value in line().items() if key != "objectId"})
    assert (event.type, event.ref) == (EventType.UNKNOWN, None)


@pytest.mark.parametrize(
    ("association", "rung"),
    [
        ("DEAL_TO_CONTACT", ["contact:2"]),
        ("CONTACT_TO_DEAL", ["contact:1"]),
        ("CONTACT_TO_CONTACT", ["contact:1", "contact:2"]),
        ("COMPANY_TO_TICKET", ["account:1", "ticket:2"]),
        ("DEAL_TO_LINE_ITEM", ["deal:1"]),
        ("LINE_ITEM_TO_DEAL", ["deal:2"]),
    ],
)
def test_a_changed_association_rings_the_contact_or_both_ends(association, rung):
    changed = line(
        subscriptionType="contact.associationChange",
        associationType=association,
        fromObjectId=1,
        toObjectId=2,
    )
    assert [str(event.ref) for event in parse_lines(changed)] == [
        f"hubspot-main:{one}" for one in rung
    ]
