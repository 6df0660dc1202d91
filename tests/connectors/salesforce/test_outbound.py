import time
from xml.etree import ElementTree as ET

import pytest

from chalicelib.core.connector import EventType, Request
from chalicelib.core.errors import DeliveryUnreadable, PayloadInvalid
from connectors.salesforce.outbound import ACKNOWLEDGEMENT, check_shape, parse
from tests.connectors import cases

GOOD = cases.Delivery("salesforce", "outbound_message_of_two_leads").request.body
QUICKLY_S = 1.0
DOCTYPE = b'<?xml version="1.0"?><!DOCTYPE x [%s]>'


def with_doctype(declaration, inside=b"&e;"):
    body = GOOD.partition(b"?>")[2].replace(b"Olmec Freight", inside)
    return DOCTYPE % declaration + body


BOMB = b'<!ENTITY a "aaaaaaaaaa">' + b"".join(
    b'<!ENTITY %c "%s">' % (one, b"&%c;" % (one - 1) * 10) for one in range(ord("b"), ord("j"))
)


@pytest.mark.parametrize(
    "body",
    [
        with_doctype(BOMB, b"&i;"),
        with_doctype(b'<!ENTITY e SYSTEM "file:///etc/passwd">'),
        with_doctype(b'<!ENTITY %% e SYSTEM "http://127.0.0.1:9/x"> %%e;'.replace(b"%%", b"%")),
        with_doctype(b"", b"nothing"),
        b"<a>" * 200_000,
        b"<a>" * 200_000 + b"</a>" * 200_000,
        GOOD.replace(b"<sf:Company>Olmec Freight", b"<sf:Company>" + b"<b>" * 100_000),
        GOOD[:-20],
        GOOD.replace(b'encoding="UTF-8"', b'encoding="UTF-7"'),
        GOOD.replace(b'encoding="UTF-8"', b'encoding="nonsense"'),
        GOOD.replace(b"S\xc3\xb6hne", b"S\xf6hne"),
        GOOD.replace(b"2005/09/outbound", b"2005/09/inbound"),
        GOOD.replace(b"soap/envelope", b"soap/envelop"),
        b"{}",
        b"",
    ],
)
def test_xml_that_means_harm_or_nothing_is_refused_quickly(body):
    began = time.perf_counter()
    with pytest.raises(PayloadInvalid):
        check_shape(body)
    assert time.perf_counter() - began < QUICKLY_S


def message(count):
    one = GOOD[GOOD.index(b"<Notification>") : GOOD.index(b"</Notification>") + 15]
    start, end = GOOD.index(b"<Notification>"), GOOD.rindex(b"</Notification>") + 15
    return GOOD[:start] + one * count + GOOD[end:]


def test_a_message_has_up_to_a_hundred_notifications(connection):
    check_shape(message(100))
    assert len(parse(Request("POST", "", {}, message(100), "t"), connection)) == 100


@pytest.mark.parametrize("count", [0, 101])
def test_a_message_of_none_or_more_is_refused(count):
    with pytest.raises(PayloadInvalid):
        check_shape(message(count))


def test_a_message_without_an_organisation_is_refused():
    with pytest.raises(PayloadInvalid):
        check_shape(GOOD.replace(b"00DWs000004ExA1MAK", b""))


def test_the_organisation_that_a_parser_finds_decides_whose_events_they_are(connection):
    """Whatever stands in a comment before it, which a search in the bytes would find first."""
    comment = b"<!--<OrganizationId>00DWs000004ExA1MAK</OrganizationId>-->"
    body = GOOD.replace(b"00DWs000004ExA1MAK", b"00DWs000009ZzZ1MAK")
    body = body.replace(b"<soapenv:Body>", comment + b"<soapenv:Body>")
    events = parse(Request("POST", "", {}, body, "t"), connection)
    assert [(event.type, event.ref) for event in events] == [(EventType.UNKNOWN, None)] * 2


def test_a_queued_body_that_is_no_message_any_more_is_parked(connection):
    with pytest.raises(DeliveryUnreadable):
        parse(Request("POST", "", {}, b"<a/>", "t"), connection)


def test_the_acknowledgement_is_exactly_what_salesforce_waits_for():
    media_type, body = ACKNOWLEDGEMENT
    assert media_type.startswith("text/xml")
    root = ET.fromstring(body.encode())
    soap, outbound = "{http://schemas.xmlsoap.org/soap/envelope/}", "{http://soap.sforce.com/2005/09/outbound}"  # fmt: skip
    assert root.tag == f"{soap}Envelope"
    [response] = root.find(f"{soap}Body")
    assert response.tag == f"{outbound}notificationsResponse"
    assert [(one.tag, one.text) for one in response] == [(f"{outbound}Ack", "true")]
