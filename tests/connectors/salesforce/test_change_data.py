import json

import pytest

from chalicelib.core.connector import BUS, EventType, Request
from chalicelib.core.errors import DeliveryUnreadable
from chalicelib.core.facts import iso
from connectors.salesforce import CONNECTOR

ORGANISATION = "00DWs000004ExA1MAK"
SOURCE = f"aws.partner/salesforce.com/{ORGANISATION}/0YLWs0000000GsvOAE"
DEAL = "006Ws00000BxYzTIAV"
CONTACT = "003Ws00000A1b2CIAR"


def header(**fields):
    return {
        "entityName": "Opportunity",
        "recordIds": [DEAL],
        "changeType": "UPDATE",
        "changeOrigin": "com/salesforce/api/soap/66.0;client=SfdcInternalAPI/",
        "transactionKey": "0003a1b9-7d52-11c4-6e08-2b6a9c40f7d1",
        "sequenceNumber": 1,
        "commitTimestamp": 1790756092000,
        "commitNumber": 1790756092716501506,
        "commitUser": "005Ws000001dTfVIAU",
        "changedFields": ["StageName", "Amount", "LastModifiedDate"],
        **fields,
    }


def relayed(head, source=SOURCE, **values):
    payload = {"LastModifiedDate": "2026-09-30T08:14:52.000Z", **values, "ChangeEventHeader": head}
    return {
        "version": "0",
        "id": "3f1c1f7e-6a0b-9d0e-2c55-5f8d3a7f0b11",
        "detail-type": f"{head['entityName']}ChangeEvent",
        "source": source,
        "detail": {"schemaId": "kzq0pX2mT1uS9bQe7cVtYw", "event": {"replayId": 7}, "payload": payload},
    }  # fmt: skip


@pytest.fixture
def told(connection):
    def parse(event):
        body = json.dumps(event).encode()
        return CONNECTOR.parse(Request("POST", "", {}, body, BUS), connection)

    return parse


def refs(events):
    return [str(event.ref) if event.ref else None for event in events]


def test_an_event_rings_for_its_record(told):
    [event] = told(relayed(header()))
    assert refs([event]) == [f"salesforce-main:deal:{DEAL}"]
    assert (event.type, event.ours) == (EventType.CHANGED, False)


def test_what_app_flow_sends_means_the_same(told):
    event = relayed(header(), source="aws.partner/appflow/salesforce.com/123456789012/changes")
    event["detail"] = event["detail"]["payload"]
    assert told(event) == told(relayed(header()))


def test_an_event_of_several_records_rings_for_each(told):
    others = ["006Ws00000BxYzUIAV", "006Ws00000BxYzW"]
    events = told(relayed(header(recordIds=[DEAL, *others])))
    assert refs(events) == [
        f"salesforce-main:deal:{one}" for one in (DEAL, others[0], "006Ws00000BxYzWIAV")
    ]
    assert len({event.key for event in events}) == 3


@pytest.mark.parametrize(
    ("told_type", "type_"),
    [
        ("CREATE", EventType.CREATED),
        ("DELETE", EventType.DELETED),
        ("UNDELETE", EventType.RESTORED),
        ("GAP_UPDATE", EventType.CHANGED),
        ("GAP_DELETE", EventType.DELETED),
        ("SNAPSHOT", EventType.CHANGED),
    ],
)
def test_gaps_and_kinds_of_change_that_nobody_knows_ring_for_their_record(told, told_type, type_):
    [event] = told(relayed(header(changeType=told_type)))
    assert (event.type, refs([event])) == (type_, [f"salesforce-main:deal:{DEAL}"])


@pytest.mark.parametrize(
    ("told_type", "ids"),
    [
        ("GAP_OVERFLOW", ["000000000000000AAA"]),
        ("UPDATE", ["001*"]),
        ("GAP_UPDATE", []),
        ("GAP_UPDATE", None),
        ("UPDATE", "006Ws00000BxYzTIAV"),
    ],
)
def test_an_event_of_no_record_has_them_all_looked_for(told, told_type, ids):
    [event] = told(relayed(header(changeType=told_type, recordIds=ids)))
    assert (event.type, event.ref) == (EventType.MISSED, None)
    assert iso(event.occurred_at) == "2026-09-30T08:14:52.000Z"


def test_what_is_missed_of_an_object_that_nobody_reads_is_counted(told):
    head = header(entityName="User", changeType="GAP_OVERFLOW", recordIds=["000000000000000AAA"])
    [event] = told(relayed(head))
    assert (event.type, event.ref) == (EventType.UNKNOWN, None)


def test_of_one_that_names_some_records_these_ring_beside(told):
    events = told(relayed(header(recordIds=[DEAL, "006*"])))
    assert [event.type for event in events] == [EventType.CHANGED, EventType.MISSED]


@pytest.mark.parametrize(
    ("changed", "ours"),
    [
        (["Emtiaz_Score__c", "Emtiaz_Why__c", "LastModifiedDate"], True),
        (["Emtiaz_Score__c", "LastModifiedById", "SystemModstamp"], True),
        (["Emtiaz_Score__c", "Title"], False),
        (["LastModifiedDate"], False),
        ([], False),
        (None, False),
    ],
)
def test_a_change_of_nothing_but_our_fields_is_an_echo(told, changed, ours):
    head = header(entityName="Contact", recordIds=[CONTACT], changedFields=changed)
    [event] = told(relayed(head))
    assert event.ours is ours


def test_who_changed_it_makes_no_echo(told):
    """People who edit a page come as a client of the API too."""
    head = header(changeOrigin="com/salesforce/api/rest/66.0;client=emtiaz")
    [event] = told(relayed(head))
    assert not event.ours


def test_a_creation_with_our_fields_is_no_echo(told):
    head = header(changeType="CREATE", changedFields=["Emtiaz_Score__c"])
    [event] = told(relayed(head))
    assert not event.ours


@pytest.mark.parametrize(
    ("name", "values", "rung"),
    [
        ("Task", {"WhoId": CONTACT}, [f"salesforce-main:contact:{CONTACT}"]),
        ("Event", {"WhoId": "00QWs00000Kp3Qd"}, ["salesforce-main:lead:00QWs00000Kp3QdMAJ"]),
        ("OpportunityContactRole", {"ContactId": CONTACT}, [f"salesforce-main:contact:{CONTACT}"]),
        ("OpportunityContactRole", {"ContactId": CONTACT, "OpportunityId": DEAL}, [f"salesforce-main:contact:{CONTACT}", f"salesforce-main:deal:{DEAL}"]),
        ("CampaignMember", {"LeadId": "00QWs00000Kp3QdMAJ"}, ["salesforce-main:lead:00QWs00000Kp3QdMAJ"]),
        ("Task", {"WhoId": "001Ws00000Qw1ErIAJ"}, [None]),
        ("Task", {}, [None]),
        ("Invoice__c", {}, [None]),
    ],
)  # fmt: skip
def test_what_we_keep_no_record_of_rings_for_the_person_that_it_names(told, name, values, rung):
    head = header(entityName=name, recordIds=["00TWs00000A1b2CMAR"])
    assert refs(told(relayed(head, **values))) == rung


def test_an_event_that_is_sent_again_has_the_same_key_whatever_the_bus_calls_it(told):
    first, second = relayed(header()), relayed(header())
    second["id"] = "another"
    assert told(first) == told(second)


def test_a_commit_number_is_never_rounded(told):
    """It has more digits than a float."""
    [one] = told(relayed(header(commitNumber=1745500706683617281)))
    [other] = told(relayed(header(commitNumber=1745500706683617282)))
    assert one.key != other.key


@pytest.mark.parametrize(
    "source",
    [
        "aws.partner/salesforce.com/00DWs000009ZzZ1MAK/0YLWs0000000GsvOAE",
        "aws.partner/salesforce.com/",
        "aws.partner/shop.example/00DWs000004ExA1MAK",
        "emtiaz.test",
        "",
    ],
)
def test_events_of_other_sources_are_counted_and_dropped(told, source):
    [event] = told(relayed(header(), source=source))
    assert (event.type, event.ref) == (EventType.UNKNOWN, None)


@pytest.mark.parametrize("timestamp", [None, "soon", -1, 10**18, True])
def test_a_time_that_is_none_is_not_taken_for_one(told, timestamp):
    head = header(changeType="GAP_OVERFLOW", recordIds=["000000000000000AAA"])
    [event] = told(relayed(head | {"commitTimestamp": timestamp}))
    assert event.occurred_at is None


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"detail": 7}', b"[" * 100_000, b"\xff"])
def test_what_is_no_event_is_parked(connection, body):
    with pytest.raises(DeliveryUnreadable):
        CONNECTOR.parse(Request("POST", "", {}, body, BUS), connection)


def test_an_event_without_a_header_is_counted(told):
    event = relayed(header())
    del event["detail"]["payload"]["ChangeEventHeader"]
    assert refs(told(event)) == [None]
