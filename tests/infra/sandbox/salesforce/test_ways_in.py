"""How it rings: outbound messages, callouts of flows, and change events."""

from __future__ import annotations

import hmac
import json
from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256
from time import sleep
from typing import Any
from xml.etree import ElementTree as ET

import boto3
import pytest
import requests

from infra.sandbox.local_cloud import LocalCloud
from infra.sandbox.salesforce import StandIn
from infra.sandbox.salesforce.callouts import REMOVALS, CalloutSettings
from infra.sandbox.salesforce.change_events import ChangeEventSettings, partner_bus, source_name
from infra.sandbox.salesforce.errors import ApiError
from infra.sandbox.salesforce.lineage import convert
from infra.sandbox.salesforce.outbound_messages import Definition, MessageSettings
from infra.sandbox.salesforce.records import PERSON
from infra.sandbox.salesforce.settings import Guesses, Settings
from tests.infra.sandbox.conftest import Receiver
from tests.infra.sandbox.salesforce.conftest import Api, changed, deleted, made, person

ACK = (
    b'<?xml version="1.0"?><e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>'
    b'<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack>'
    b"</notificationsResponse></e:Body></e:Envelope>"
)
OUTBOUND = "{http://soap.sforce.com/2005/09/outbound}"
RECORD = "{urn:sobject.enterprise.soap.sforce.com}"


def subscribe(stand_in: StandIn, receiver: Receiver, **settings: Any) -> None:
    receiver.answers = [*settings.pop("answers", ()), ACK]
    watched = settings.pop("watched", frozenset())
    fields = ("Email", "LastModifiedDate", "HasOptedOutOfEmail", "Title")
    definition = Definition("Contact", f"{receiver.url}/token", fields, watched)
    quick = {"gather_ms": 20, "retry_ms": 20, **settings}
    stand_in.messages.configure(MessageSettings(definitions=(definition,), **quick))


def notifications(receiver: Receiver) -> list[list[ET.Element]]:
    """Of each message."""
    bodies = (ET.fromstring(body) for _, body in receiver.requests)
    return [list(one.iter(f"{OUTBOUND}Notification")) for one in bodies]


def test_a_message_names_its_org_and_its_records(stand_in: StandIn, receiver: Receiver) -> None:
    subscribe(stand_in, receiver)
    one = person(stand_in, Email="a&b@example.com")
    assert stand_in.flush(5)

    ((headers, body),) = receiver.requests
    root = ET.fromstring(body)
    ((notification,),) = notifications(receiver)
    record = notification.find(f"{OUTBOUND}sObject")
    assert headers["content-type"] == "text/xml; charset=utf-8"
    assert root.findtext(f".//{OUTBOUND}OrganizationId") == stand_in.org.settings.org_id
    assert root.findtext(f".//{OUTBOUND}SessionId") == ""
    assert notification.findtext(f"{OUTBOUND}Id", "").startswith("04l")
    assert record is not None
    assert record.get("{http://www.w3.org/2001/XMLSchema-instance}type") == "sf:Contact"
    told = {field.tag.removeprefix(RECORD): field.text for field in record}
    assert told.pop("LastModifiedDate", "").endswith(".000Z")
    assert told == {"Id": one, "Email": "a&b@example.com", "HasOptedOutOfEmail": "false"}


def test_up_to_a_hundred_records_share_a_message(stand_in: StandIn, receiver: Receiver) -> None:
    subscribe(stand_in, receiver, gather_ms=300)
    with stand_in.org.transaction(PERSON) as work:
        for n in range(130):
            work.create("Contact", {"LastName": f"Name {n}"})
    assert stand_in.flush(5)

    assert sorted(map(len, notifications(receiver))) == [30, 100]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"{}",
        b"<Ack>true</Ack>",
        ACK.replace(b"true", b"false"),
        ACK.replace(b"true", b" true "),
        ACK.replace(b"notificationsResponse", b"notifications"),
        ACK.replace(b"2005/09", b"2006/09"),
        ACK[:-5],
    ],
)
def test_whatever_is_not_exactly_an_acknowledgement_is_none(
    stand_in: StandIn, receiver: Receiver, answer: bytes
) -> None:
    subscribe(stand_in, receiver, answers=[answer])
    person(stand_in)
    assert stand_in.flush(5)

    assert [one.status for one in stand_in.messages.attempts()] == [0, 200]
    first, second = (body for _, body in receiver.requests)
    assert first == second


def test_an_acknowledgement_with_another_status_is_none(
    stand_in: StandIn, receiver: Receiver
) -> None:
    subscribe(stand_in, receiver)
    receiver.statuses = [202, 500]
    person(stand_in)
    assert stand_in.flush(5)

    assert [one.status for one in stand_in.messages.attempts()] == [0, 500, 200]


def test_what_is_repeated_tells_the_newest_and_nothing_of_what_is_gone(
    stand_in: StandIn, receiver: Receiver
) -> None:
    subscribe(stand_in, receiver, answers=[b""] * 2, retry_ms=400)
    stays, goes = person(stand_in), person(stand_in)
    while not stand_in.messages.attempts():
        sleep(0.01)
    changed(stand_in, "Contact", stays, Title="CEO")
    deleted(stand_in, "Contact", goes)
    assert stand_in.flush(10)

    repeated = [one for message in notifications(receiver)[1:] for one in message]
    told = [{field.tag.removeprefix(RECORD): field.text for field in one[1]} for one in repeated]
    assert {"Id": goes} in told
    assert any(one.get("Title") == "CEO" for one in told)


def test_only_what_is_watched_rings_and_never_our_own_writes(
    stand_in: StandIn, api: Api, receiver: Receiver
) -> None:
    one = person(stand_in)
    subscribe(stand_in, receiver, watched=frozenset({"Title"}))

    changed(stand_in, "Contact", one, Phone="+90 5")
    api.update({"id": one, "Title": "CFO"})
    deleted(stand_in, "Contact", person(stand_in, "New"))
    changed(stand_in, "Contact", one, Title="CEO")
    assert stand_in.flush(5)

    assert stand_in.messages.told == sum(map(len, notifications(receiver))) == 2


def test_the_integration_user_rings_while_it_has_the_right(
    stand_in: StandIn, api: Api, receiver: Receiver
) -> None:
    one = person(stand_in)
    subscribe(stand_in, receiver, integration_user_sends=True)
    api.update({"id": one, "Title": "CFO"})
    assert stand_in.flush(5)

    assert len(receiver.requests) == 1


def test_a_callout_is_signed_over_time_and_body(stand_in: StandIn, receiver: Receiver) -> None:
    watched = {"Opportunity": frozenset({"Amount"})}
    settings = CalloutSettings(url=f"{receiver.url}/flow", secret="s", watched=watched)
    stand_in.callouts.configure(settings)
    fields = {"StageName": "Prospecting", "CloseDate": "2026-12-24"}
    deal = made(stand_in, "Opportunity", Name="Deal", **fields)
    assert stand_in.flush(5)
    changed(stand_in, "Opportunity", deal, NextStep="Call")
    changed(stand_in, "Opportunity", deal, Amount=5)
    assert stand_in.flush(5)

    (_, first), (headers, body) = receiver.requests
    stamp = headers["x-emtiaz-timestamp"]
    mac = hmac.new(b"s", stamp.encode() + b"." + body, sha256).hexdigest()
    assert headers["x-emtiaz-signature"] == f"v1={mac}"
    (event,) = json.loads(body)["events"]
    assert json.loads(body)["schema"] == "emtiaz.salesforce.v1"
    assert json.loads(first)["events"][0]["operation"] == "CREATE"
    assert (event["operation"], event["id"], event["fields"]["Amount"]) == ("UPDATE", deal, 5)
    assert "Amount" in event["changedFields"]


def test_a_callout_tells_to_whom_belonged_what_is_deleted(
    stand_in: StandIn, receiver: Receiver
) -> None:
    fields = {"StageName": "Prospecting", "CloseDate": "2026-12-24"}
    ines = person(stand_in)
    deal = made(stand_in, "Opportunity", Name="Deal", **fields)
    role = made(stand_in, "OpportunityContactRole", OpportunityId=deal, ContactId=ines)
    watched = {"OpportunityContactRole": frozenset[str]()}
    stand_in.callouts.configure(
        CalloutSettings(url=receiver.url, secret="s", watched=watched, operations=REMOVALS)
    )

    deleted(stand_in, "OpportunityContactRole", role)
    assert stand_in.flush(5)

    ((_, body),) = receiver.requests
    (event,) = json.loads(body)["events"]
    assert event["operation"] == "DELETE"
    assert event["fields"]["ContactId"] == ines


class Bus:
    """What comes to a rule's target."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.failures = 0

    def __call__(self, events: Sequence[dict[str, Any]]) -> None:
        if self.failures:
            self.failures -= 1
            raise RuntimeError("throttled")
        self.events += events

    @property
    def headers(self) -> list[dict[str, Any]]:
        return [one["detail"]["payload"]["ChangeEventHeader"] for one in self.events]


@pytest.fixture
def bus(stand_in: StandIn) -> Bus:
    found = Bus()
    enriched = {"Opportunity": ("AccountId",)}
    stand_in.change_events.configure(
        ChangeEventSettings(sink=found, gather_ms=20, retry_ms=20, enriched=enriched)
    )
    return found


def test_an_event_has_what_changed_and_who_changed_it(stand_in: StandIn, bus: Bus) -> None:
    one = person(stand_in, MailingCity="Ankara")
    assert stand_in.flush(5)
    stand_in.clock.advance(timedelta(seconds=5))
    changed(stand_in, "Contact", one, FirstName="Ines", MailingCity=None, Title="CEO")
    assert stand_in.flush(5)

    event = bus.events[-1]
    payload, header = event["detail"]["payload"], bus.headers[-1]
    assert event["detail-type"] == "ContactChangeEvent"
    assert event["source"] == source_name(stand_in.org.settings.org_id)
    assert (payload["Name"], payload["MailingAddress"], payload["Title"]) == (
        {"FirstName": "Ines"},
        {"City": None},
        "CEO",
    )
    assert set(header["changedFields"]) == {
        "Name.FirstName",
        "MailingAddress.City",
        "Title",
        "LastModifiedDate",
    }
    assert (header["changeType"], header["recordIds"]) == ("UPDATE", [one])
    assert header["changeOrigin"] == "com/salesforce/api/soap/66.0;client=SfdcInternalAPI/"
    assert header["commitNumber"] > 2**53
    assert bus.headers[0]["changeType"] == "CREATE"
    assert "SystemModstamp" not in payload


def test_one_event_covers_all_that_changed_alike(stand_in: StandIn, api: Api, bus: Bus) -> None:
    ids = [person(stand_in) for _ in range(3)]
    assert stand_in.flush(5)
    stand_in.clock.advance(timedelta(seconds=5))
    rows = [{"id": one, "Title": "CEO"} for one in ids]
    api.log_in()
    api.update(*rows, headers={"Sforce-Call-Options": "client=emtiaz"})
    assert stand_in.flush(5)

    last = bus.headers[-1]
    assert (last["recordIds"], len(bus.events)) == (ids, 4)
    assert last["changeOrigin"] == "com/salesforce/api/rest/66.0"
    assert stand_in.change_events.told == 3


def test_single_rows_tell_by_which_client_they_were_written(
    stand_in: StandIn, api: Api, bus: Bus
) -> None:
    one = person(stand_in)
    headers = {"Sforce-Call-Options": "client=emtiaz"}
    api.call("PATCH", f"/sobjects/Contact/{one}", json={"Title": "CEO"}, headers=headers)
    assert stand_in.flush(5)

    assert bus.headers[-1]["changeOrigin"] == "com/salesforce/api/rest/66.0;client=emtiaz"


def test_a_conversion_is_one_transaction(stand_in: StandIn, bus: Bus) -> None:
    lead = made(stand_in, "Lead", LastName="Lee", Company="Olmec")
    assert stand_in.flush(5)
    bus.events.clear()
    with stand_in.org.transaction(PERSON) as work:
        convert(work, lead, opportunity="Deal")
    assert stand_in.flush(5)

    assert [(one["entityName"], one["changeType"]) for one in bus.headers] == [
        ("Account", "CREATE"),
        ("Contact", "CREATE"),
        ("Opportunity", "CREATE"),
        ("Lead", "UPDATE"),
    ]
    assert [one["sequenceNumber"] for one in bus.headers] == [1, 2, 3, 4]
    assert len({one["transactionKey"] for one in bus.headers}) == 1


def test_deletions_and_returns_are_told(stand_in: StandIn, bus: Bus) -> None:
    one = person(stand_in)
    deleted(stand_in, "Contact", one)
    with stand_in.org.transaction(PERSON) as work:
        work.undelete(one)
    assert stand_in.flush(5)

    assert [one["changeType"] for one in bus.headers] == ["CREATE", "DELETE", "UNDELETE"]
    assert list(bus.events[1]["detail"]["payload"]) == ["ChangeEventHeader"]


def test_enriched_fields_come_along_unchanged(stand_in: StandIn, bus: Bus) -> None:
    acme = made(stand_in, "Account", Name="Acme")
    fields = {"StageName": "Prospecting", "CloseDate": "2026-12-24", "AccountId": acme}
    deal = made(stand_in, "Opportunity", Name="Deal", **fields)
    changed(stand_in, "Opportunity", deal, Amount=5)
    assert stand_in.flush(5)

    payload = bus.events[-1]["detail"]["payload"]
    assert payload["AccountId"] == acme
    assert "AccountId" not in payload["ChangeEventHeader"]["changedFields"]


def test_app_flow_brings_the_record_itself(stand_in: StandIn) -> None:
    bus = Bus()
    stand_in.change_events.configure(ChangeEventSettings(sink=bus, by_app_flow=True))
    one = person(stand_in)
    assert stand_in.flush(5)

    (event,) = bus.events
    assert event["source"].startswith("aws.partner/appflow")
    assert event["detail"]["ChangeEventHeader"]["recordIds"] == [one]


def test_what_nobody_knows_for_sure_can_be_otherwise() -> None:
    guesses = Guesses(collections_tell_client=True, events_tell_nulls=False, one_session=False)
    with StandIn.start(settings=Settings(guesses=guesses)) as stand_in:
        bus = Bus()
        stand_in.change_events.configure(ChangeEventSettings(sink=bus))
        api = Api(stand_in.url, requests.Session())
        tokens = {api.log_in().json()["access_token"] for _ in range(2)}
        one = person(stand_in, Title="CEO")
        headers = {"Sforce-Call-Options": "client=emtiaz"}
        api.update({"id": one, "Title": None}, headers=headers)
        assert stand_in.flush(5)
        api.session.close()

    header = bus.headers[-1]
    assert len(tokens) == 2
    assert header["changeOrigin"].endswith(";client=emtiaz")
    assert "Title" in header["changedFields"]
    assert "Title" not in bus.events[-1]["detail"]["payload"]


def test_gaps_overflows_and_wildcards(stand_in: StandIn, bus: Bus) -> None:
    one = person(stand_in)
    stand_in.change_events.gap("Contact", [one], "GAP_DELETE")
    stand_in.change_events.overflow("Contact")
    stand_in.change_events.wildcard("Account")
    assert stand_in.flush(5)

    found = [(one["changeType"], one["recordIds"]) for one in bus.headers[1:]]
    assert found == [
        ("GAP_DELETE", [one]),
        ("GAP_OVERFLOW", ["000000000000000AAA"]),
        ("UPDATE", ["001*"]),
    ]


def test_what_a_bus_does_not_take_comes_again(stand_in: StandIn, bus: Bus) -> None:
    bus.failures = 2
    person(stand_in)
    assert stand_in.flush(5)

    assert len(bus.events) == 1


def test_no_more_than_five_kinds_are_selected() -> None:
    with pytest.raises(ApiError):
        ChangeEventSettings(entities=frozenset("abcdef"))


@pytest.mark.local_cloud
def test_events_come_through_the_bus_of_a_cloud(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = source_name(stand_in.org.settings.org_id)
    with LocalCloud() as cloud:
        for key, value in cloud.environment.items():
            monkeypatch.setenv(key, value)
        events, sqs = boto3.client("events"), boto3.client("sqs")
        events.create_event_bus(Name=name)
        url = sqs.create_queue(QueueName="changes")["QueueUrl"]
        wanted = {"AttributeNames": ["QueueArn"], "QueueUrl": url}
        arn = sqs.get_queue_attributes(**wanted)["Attributes"]["QueueArn"]
        pattern = json.dumps({"source": [name]})
        events.put_rule(Name="changes", EventBusName=name, EventPattern=pattern)
        target = {"Id": "queue", "Arn": arn}
        events.put_targets(Rule="changes", EventBusName=name, Targets=[target])

        settings = ChangeEventSettings(sink=partner_bus(events), gather_ms=20)
        stand_in.change_events.configure(settings)
        one = person(stand_in)
        assert stand_in.flush(10)
        got = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"]

    envelope = json.loads(got[0]["Body"])
    header = envelope["detail"]["payload"]["ChangeEventHeader"]
    assert (envelope["source"], envelope["detail-type"]) == (name, "ContactChangeEvent")
    assert header["recordIds"] == [one]
    assert header["commitNumber"] > 2**53
