"""The stand-in as the demo and the end-to-end suites know it: in words of no CRM."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
import requests

from chalicelib.core.policy import Attribute
from chalicelib.policy import compile_policy
from infra.cli.policy_page import SHIPPED, read_page
from infra.sandbox import stand_in as neutral
from infra.sandbox.salesforce.acting import ActingStandIn, start
from infra.sandbox.stand_in import Deal, Person
from tests.infra.sandbox.conftest import Receiver
from tests.infra.sandbox.salesforce.conftest import Api
from tests.infra.sandbox.salesforce.test_ways_in import ACK, Bus

STARTER = compile_policy(read_page(SHIPPED))


@pytest.fixture
def acting() -> Iterator[ActingStandIn]:
    with start() as running:
        yield running


@pytest.fixture
def api(acting: ActingStandIn) -> Iterator[Api]:
    with requests.Session() as session:
        found = Api(acting.url, session)
        found.log_in()
        yield found


@pytest.fixture
def ann(acting: ActingStandIn) -> str:
    company = acting.people.load_company("Blue Harbour", 50)
    held = {"call.held": acting.people.now() - timedelta(days=3), "email.opened": acting.org.now()}
    person = Person("ann@example.com", "Buyer", ("Ann", "Lee"), "Iran", "+98 21", held)
    return acting.people.load_person(person, company)


@pytest.fixture
def deal(acting: ActingStandIn, ann: str) -> str:
    closed = acting.people.now() - timedelta(days=2)
    return acting.people.load_deal(ann, Deal("10.00", "EUR", "won", closed))


def test_it_is_a_stand_in() -> None:
    running: neutral.StandIn
    with neutral.starter("salesforce")(currency="IRR", account=2) as running:
        assert running.ref("salesforce-main", "003").kind == "contact"
        assert running.people.everybody() == []


def test_two_accounts_are_told_apart() -> None:
    with start() as one, start(account=2) as other:
        assert one.org.settings.org_id != other.org.settings.org_id
        assert one.credentials()[1] != other.credentials()[1]


def test_whom_one_loads_was_there_before_and_rings_for_nobody(
    acting: ActingStandIn, api: Api, ann: str, deal: str
) -> None:
    (row,) = api.rows(
        "SELECT Name, Email, Account.Name, MailingCountry, LastActivityDate, "
        "(SELECT Opportunity.Amount, Opportunity.CurrencyIsoCode, Opportunity.IsWon "
        "FROM OpportunityContactRoles), (SELECT TaskSubtype FROM Tasks) FROM Contact"
    )

    assert (row["Name"], row["Email"], row["Account"]["Name"]) == (
        "Ann Lee",
        "ann@example.com",
        "Blue Harbour",
    )
    role = row["OpportunityContactRoles"]["records"][0]["Opportunity"]
    assert (role["Amount"], role["CurrencyIsoCode"], role["IsWon"]) == (10.0, "EUR", True)
    assert row["Tasks"]["records"][0]["TaskSubtype"] == "Call"
    assert row["LastActivityDate"] == (acting.people.now() - timedelta(days=3)).date().isoformat()
    assert acting.told() == 0
    assert deal


def test_people_do_what_people_do(acting: ActingStandIn, ann: str, deal: str) -> None:
    crm, org = acting.people, acting.org
    bob = crm.add_person(Person("bob@example.com"))
    sale = crm.add_deal(bob, Deal("5", "USD"))
    crm.set_title(bob, "CEO")
    crm.set_country(bob, "Spain")
    crm.set_phone(bob, "+34 1")
    crm.set_email(bob, "robert@example.com")
    crm.set_amount(sale, "7.50")
    crm.win(sale)
    crm.join(bob, crm.keep("account", {"Name": "New"}))
    crm.keep("contact", {"Department": "Sales"}, bob)

    names = ("Title", "MailingCountry", "Phone", "Email", "Department", "LastName")
    found = [org.value("Contact", bob, name) for name in names]
    assert found == ["CEO", "Spain", "+34 1", "robert@example.com", "Sales", "bob"]
    assert [org.value("Opportunity", sale, one) for one in ("Amount", "IsWon")] == [7.5, True]
    crm.set_deal(sale, Deal("3", "USD", "lost", crm.now(), step="Closed Lost"))
    assert [org.value("Opportunity", sale, one) for one in ("IsClosed", "IsWon")] == [True, False]
    crm.part(sale, bob)
    crm.merge(ann, bob)
    crm.delete_deal(deal)
    crm.delete_person(ann)
    assert crm.everybody() == []
    crm.restore_person(ann)
    assert crm.everybody() == [ann]
    crm.erase_person(ann)
    assert crm.everybody() == []


def test_what_salesforce_notes_itself_tells_nobody(acting: ActingStandIn, ann: str) -> None:
    at = acting.people.now() - timedelta(days=1)
    before = acting.org.value("Contact", ann, "SystemModstamp")
    fields = ("Email.CompletedDateTime", "Event.EndDateTime", "CampaignMember.FirstRespondedDate")
    for field in (*fields, "LastActivityDate"):
        acting.people.note(ann, field, at)

    (member,) = acting.org.living("CampaignMember")
    (meeting,) = acting.org.living("Event")
    assert member.value("FirstRespondedDate") == at.date()
    assert meeting.value("EndDateTime") == at.replace(microsecond=0)
    assert {one.value("TaskSubtype") for one in acting.org.living("Task")} == {"Call", "Email"}
    assert isinstance(acting.org.value("Contact", ann, "LastActivityDate"), date)
    assert acting.org.value("Contact", ann, "SystemModstamp") == before


def test_what_we_write_is_shown_with_its_history(acting: ActingStandIn, api: Api, ann: str) -> None:
    for score in (41, 82):
        api.update({"id": ann, "Emtiaz_Score__c": score, "Emtiaz_Class__c": "A"})

    assert acting.people.shown(ann) == {"score": "82", "class": "A"}
    found = acting.people.revisions(ann, "score")
    assert [(one.value, one.ours) for one in found] == [("41", True), ("82", True)]
    assert acting.writes() == 2


def test_a_field_of_a_policy_is_made_once(acting: ActingStandIn, api: Api) -> None:
    attribute = Attribute("plan", "number", "contact", {"salesforce": "Plan__c"})
    acting.define(attribute)
    acting.define(attribute)

    fields = api.call("GET", "/sobjects/Contact/describe").json()["fields"]
    assert [one["type"] for one in fields if one["name"] == "Plan__c"] == ["double"]


def test_messages_tell_what_changed_and_callouts_what_is_gone(
    acting: ActingStandIn, receiver: Receiver, ann: str, deal: str
) -> None:
    receiver.answers = [ACK]
    acting.subscribe(receiver.url, STARTER, gather_ms=10)

    acting.people.set_title(ann, "CEO")
    acting.people.set_amount(deal, "20")
    assert acting.flush(5)
    acting.people.part(deal, ann)
    acting.people.delete_person(ann)
    assert acting.flush(5)

    paths = [one.removeprefix("/hooks/here/") for one in receiver.paths]
    assert [one == "flow" for one in paths] == [False, False, True, True]
    assert len(paths[0]) == 40
    assert acting.told() == 4
    assert [one.status for one in acting.attempts()] == [200] * 4


def test_messages_alone_tell_nothing_of_what_is_gone(
    acting: ActingStandIn, receiver: Receiver, ann: str, deal: str
) -> None:
    receiver.answers = [ACK]
    acting.subscribe(receiver.url, STARTER, way="messages", gather_ms=10)

    acting.people.part(deal, ann)
    acting.people.delete_person(ann)
    assert acting.flush(5)

    assert (acting.told(), receiver.requests) == (0, [])


@pytest.mark.parametrize("way", ["flow", "cdc"])
def test_any_way_rings_for_people_and_not_for_us(
    acting: ActingStandIn, api: Api, receiver: Receiver, ann: str, way: str
) -> None:
    bus = Bus()
    sink = {"sink": bus} if way == "cdc" else {}
    acting.subscribe(receiver.url, STARTER, way=way, gather_ms=10, duplicate_share=1.0, **sink)

    api.update({"id": ann, "Emtiaz_Score__c": 5})
    acting.people.set_title(ann, "CEO")
    assert acting.flush(5)

    assert acting.told() == 1
    ours = 2 if way == "cdc" else 0  # an echo, and twice as all else
    assert len(bus.events) + len(receiver.requests) == 2 + ours


def test_the_least_number_of_calls(acting: ActingStandIn) -> None:
    assert acting.least_calls(1000, 3000, 300) == {
        "finding whose deals changed": 3,
        "reading people and what they did and bought": 4,
        "writing": 5,
    }


def test_everything_is_in_the_dump(acting: ActingStandIn, ann: str, deal: str) -> None:
    acting.people.delete_deal(deal)
    dump = acting.dump()

    (record,) = dump["Opportunity"]
    assert record["IsDeleted"]
    assert dump["Contact"][0]["Id"] == ann
    assert dump["settings"]["rates"] == {"EUR": "0.8"}


def test_whoever_tries_the_demo_makes_somebody_a_ceo(acting: ActingStandIn, ann: str) -> None:
    line = acting.people.record_url(ann), acting.promotion(ann)
    Api(acting.url, requests.Session()).control("PATCH", f"records/Contact/{ann}", {"Title": "CEO"})

    assert acting.org.value("Contact", ann, "Title") == "CEO"
    assert f"/_control/records/Contact/{ann}" in line[1]
