"""Outbound messages: SOAP with up to 100 notifications, sent again until it is acknowledged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, groupby
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from infra.sandbox._serving import deliveries
from infra.sandbox._serving.deliveries import Delivery, Unkindness
from infra.sandbox._serving.posting import post
from infra.sandbox.salesforce.changes import Change, Transaction
from infra.sandbox.salesforce.errors import ApiError
from infra.sandbox.salesforce.ids import Numbering
from infra.sandbox.salesforce.org import Org
from infra.sandbox.salesforce.settings import API, INTEGRATION_USER
from infra.sandbox.salesforce.values import written

MOST_NOTIFICATIONS = 100
UNACKNOWLEDGED = 0
"""The status of an attempt that was answered with 200 and yet with no acknowledgement."""

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
OUTBOUND = "http://soap.sforce.com/2005/09/outbound"
_OK = 200
_SUCCESSES = range(200, 300)
_ACK = f"{{{ENVELOPE}}}Body/{{{OUTBOUND}}}notificationsResponse/{{{OUTBOUND}}}Ack"
_HEADERS = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'}


@dataclass(frozen=True, slots=True)
class Definition:
    """What is sent of one kind of record, to where, and which changes send it; none: any does."""

    object: str
    url: str
    fields: tuple[str, ...]
    watched: frozenset[str] = frozenset()
    action_id: str = "04kWs00000001ZpIAI"

    def is_sent_for(self, change: Change) -> bool:
        """A flow that a record starts is started by its creation and by a change."""
        if change.object != self.object or change.operation not in {"CREATE", "UPDATE"}:
            return False
        is_new, anything = change.operation == "CREATE", not self.watched
        return is_new or anything or not self.watched.isdisjoint(change.changed)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageSettings(Unkindness):
    """``integration_user_sends`` is that right of the integration user's profile.

    Salesforce repeats for 24 hours, at growing gaps of up to two.
    """

    definitions: tuple[Definition, ...] = ()
    integration_user_sends: bool = False


@dataclass(frozen=True, slots=True)
class Notification:
    number: int
    id: str
    definition: Definition
    record_id: str


class OutboundMessages(deliveries.Dispatcher[Notification, MessageSettings]):
    """``told`` are all notifications so far."""

    def __init__(self, org: Org) -> None:
        super().__init__(MessageSettings())
        self._org = org
        self._numbers = count(1)
        self._ids = Numbering()
        self.told = 0

    def hear(self, done: Transaction) -> None:
        if done.by.user == INTEGRATION_USER and not self.settings.integration_user_sends:
            return
        found = [
            Notification(next(self._numbers), self._ids.next("04l"), definition, change.id)
            for change in done.changes
            for definition in self.settings.definitions
            if definition.is_sent_for(change)
        ]
        self.told += len(found)
        self.add(found)

    def batches(self, events: Sequence[Notification]) -> Iterable[tuple[Notification, ...]]:
        """A message has notifications of one definition."""
        ordered = sorted(events, key=lambda one: self.settings.definitions.index(one.definition))
        limit = min(self.settings.batch_limit, MOST_NOTIFICATIONS)
        for _, group in groupby(ordered, key=lambda one: one.definition):
            mine = tuple(group)
            yield from (mine[start : start + limit] for start in range(0, len(mine), limit))

    def send(self, delivery: Delivery[Notification, MessageSettings]) -> int | None:
        url = delivery.events[0].definition.url
        body = message(self._org, delivery.events).encode()
        answer = post(url, body, _HEADERS, delivery.settings.timeout_seconds)
        if answer is None:
            return None
        if answer.status_code not in _SUCCESSES:
            return answer.status_code
        is_taken = answer.status_code == _OK and is_acknowledged(answer.content)
        return _OK if is_taken else UNACKNOWLEDGED

    def number_of(self, event: Notification) -> int:
        return event.number


def is_acknowledged(body: bytes) -> bool:
    """Nothing but exactly this says so."""
    try:
        root = ET.fromstring(body)  # noqa: S314 - what our own receiver said
    except ET.ParseError:
        return False
    return root.tag == f"{{{ENVELOPE}}}Envelope" and root.findtext(_ACK) == "true"


def message(org: Org, notifications: Sequence[Notification]) -> str:
    """Each record as it is now, whatever it was when the message was made."""
    definition, org_id = notifications[0].definition, org.settings.org_id
    host = "https://northwind.my.salesforce.com/services/Soap"
    with org.lock:
        told = "".join(_notification(org, one) for one in notifications)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<soapenv:Envelope xmlns:soapenv="{ENVELOPE}"'
        ' xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n'
        f' <soapenv:Body>\n  <notifications xmlns="{OUTBOUND}">\n'
        f"   <OrganizationId>{org_id}</OrganizationId>\n"
        f"   <ActionId>{definition.action_id}</ActionId>\n"
        '   <SessionId xsi:nil="true"/>\n'
        f"   <EnterpriseUrl>{host}/c/{API}/{org_id[:15]}</EnterpriseUrl>\n"
        f"   <PartnerUrl>{host}/u/{API}/{org_id[:15]}</PartnerUrl>\n"
        f"{told}  </notifications>\n </soapenv:Body>\n</soapenv:Envelope>\n"
    )


def _notification(org: Org, one: Notification) -> str:
    definition = one.definition
    fields = {"Id": one.record_id, **_told(org, definition, one.record_id)}
    lines = "".join(
        f"     <sf:{name}>{escape(text)}</sf:{name}>\n" for name, text in fields.items() if text
    )
    return (
        f"   <Notification>\n    <Id>{one.id}</Id>\n"
        f'    <sObject xsi:type="sf:{definition.object}"'
        ' xmlns:sf="urn:sobject.enterprise.soap.sforce.com">\n'
        f"{lines}    </sObject>\n   </Notification>\n"
    )


def _told(org: Org, definition: Definition, record_id: str) -> Mapping[str, str]:
    """The definition's fields that its user sees; nothing of a record that is deleted by now."""
    try:
        record = org.get(definition.object, record_id)
    except ApiError:
        return {}
    seen = [one for one in definition.fields if org.schema.seen(definition.object, one)]
    return {name: written(record.value(name), "Z") for name in sorted(seen)}
