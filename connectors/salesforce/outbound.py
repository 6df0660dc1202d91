"""Outbound Messages: SOAP with up to a hundred records, sent again until it is acknowledged.

A message that was not answered with exactly ``ACKNOWLEDGEMENT`` comes again for 24 hours. What its
records held when they were sent is never taken for true: it says which of them to read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from chalicelib.core.connector import Connection, Event, Request
from chalicelib.core.errors import DeliveryUnreadable, PayloadInvalid
from connectors.salesforce.ids import same
from connectors.salesforce.rung import OTHER_ORGANISATION, Change, events, unknown

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

MOST_NOTIFICATIONS = 100
DEEPEST = 12
"""Levels of XML; a message of Salesforce's has six."""

_ACK = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    '<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack>'
    "</notificationsResponse></soapenv:Body></soapenv:Envelope>"
)
ACKNOWLEDGEMENT = ("text/xml; charset=utf-8", _ACK)
"""Media type and body: of all the notifications of a message at once."""

_ENVELOPE = "{http://schemas.xmlsoap.org/soap/envelope/}"
_MESSAGE = "{http://soap.sforce.com/2005/09/outbound}"
_RECORD = "{urn:sobject.enterprise.soap.sforce.com}"
_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
_OBJECT = re.compile(r"(?:[A-Za-z_][\w.-]{0,30}:)?([A-Za-z]\w{0,79})", re.ASCII)


def check_shape(body: bytes) -> None:
    """An envelope with one message of 1-100 notifications; else PayloadInvalid."""
    message = _message(body)
    notifications = message.findall(f"{_MESSAGE}Notification")
    if not 1 <= len(notifications) <= MOST_NOTIFICATIONS:
        raise PayloadInvalid(f"not a message of 1-{MOST_NOTIFICATIONS} notifications")
    if not message.findtext(f"{_MESSAGE}OrganizationId"):
        raise PayloadInvalid("a message without an organisation")


def parse(request: Request, connection: Connection) -> tuple[Event, ...]:
    """Raises DeliveryUnreadable."""
    try:
        message = _message(request.body)
    except PayloadInvalid as fault:
        raise DeliveryUnreadable(str(fault)) from fault
    organisation = (message.findtext(f"{_MESSAGE}OrganizationId") or "").strip()
    notifications = message.findall(f"{_MESSAGE}Notification")
    if not same(organisation, connection.account_id):
        return tuple(unknown(OTHER_ORGANISATION, _id(one)) for one in notifications)
    return tuple(event for one in notifications for event in _events(one, connection))


def _events(notification: Element, connection: Connection) -> Iterator[Event]:
    key = _id(notification)
    record = notification.find(f"{_MESSAGE}sObject")
    named = _OBJECT.fullmatch(record.get(_TYPE, "")) if record is not None else None
    if record is None or named is None:  # of a record that was deleted meanwhile
        yield unknown("outbound message without a record", key)
        return
    values = _values(record)
    change = Change(
        object=named[1],
        identity=str(values.get("Id", "")),
        name=f"outbound.{named[1]}",
        key=key,
        values=values,
    )
    yield from events(change, connection)


def _id(notification: Element) -> str:
    return (notification.findtext(f"{_MESSAGE}Id") or "").strip()[:18]


def _values(record: Element) -> Mapping[str, Any]:
    return {
        one.tag.removeprefix(_RECORD): (one.text or "").strip()
        for one in record
        if one.tag.startswith(_RECORD)
    }


def _message(body: bytes) -> Element:
    """Raises PayloadInvalid; for XML with a document type before any of it is expanded."""
    root = _parsed(body)
    message = root.find(f"{_ENVELOPE}Body/{_MESSAGE}notifications")
    if root.tag != f"{_ENVELOPE}Envelope" or message is None:
        raise PayloadInvalid("not an Outbound Message")
    return message


def _parsed(body: bytes) -> Element:
    from xml.etree.ElementTree import ParseError, TreeBuilder

    from defusedxml.ElementTree import DefusedXMLParser

    class Shallow(TreeBuilder):
        """Stops at the first element that is too deep, however much comes after it."""

        depth = 0

        def start(self, tag: Any, attrs: Any, /) -> Element:
            self.depth += 1
            if self.depth > DEEPEST:
                raise PayloadInvalid(f"more than {DEEPEST} levels deep")
            return super().start(tag, attrs)

        def end(self, tag: Any, /) -> Element:
            self.depth -= 1
            return super().end(tag)

    parser = DefusedXMLParser(target=Shallow(), forbid_dtd=True)
    try:
        parser.feed(body)
        root: Element = parser.close()
    except (ParseError, ValueError, LookupError) as fault:
        raise PayloadInvalid("not XML, or XML with a document type") from fault
    return root
