"""What becomes of records: stages, sums, deletions, merges, leads that are converted."""

from __future__ import annotations

from datetime import date

import pytest

from infra.sandbox.salesforce import StandIn
from infra.sandbox.salesforce.errors import ApiError
from infra.sandbox.salesforce.lineage import convert, merge
from infra.sandbox.salesforce.records import PERSON
from infra.sandbox.salesforce.work import Work
from tests.infra.sandbox.salesforce.conftest import Api, changed, deleted, made, person


@pytest.fixture
def deal(stand_in: StandIn) -> str:
    fields = {"StageName": "Prospecting", "CloseDate": "2026-12-24", "Amount": 200}
    return made(stand_in, "Opportunity", Name="Deal", **fields)


def of(stand_in: StandIn, record_id: str, *names: str) -> list[object]:
    record = stand_in.org.find(record_id)
    assert record
    return [record.value(name) for name in names]


def test_a_stage_says_whether_a_deal_is_won(stand_in: StandIn, deal: str) -> None:
    names = ("IsClosed", "IsWon", "Probability", "ExpectedRevenue", "ForecastCategoryName")
    assert of(stand_in, deal, *names) == [False, False, 10.0, 20.0, "Pipeline"]

    changed(stand_in, "Opportunity", deal, StageName="Closed Won")

    assert of(stand_in, deal, *names) == [True, True, 100.0, 200.0, "Closed"]


def test_the_amount_of_a_deal_with_products_is_theirs(stand_in: StandIn, deal: str) -> None:
    product = made(stand_in, "Product2", Name="Lamp")
    line = {"OpportunityId": deal, "Product2Id": product}
    made(stand_in, "OpportunityLineItem", **line, Quantity=2, UnitPrice=30)
    made(stand_in, "OpportunityLineItem", **line, Quantity=1, TotalPrice=15)

    changed(stand_in, "Opportunity", deal, Amount=999)

    assert of(stand_in, deal, "Amount", "HasOpportunityLineItem") == [75.0, True]


def test_a_contact_named_at_creation_gets_a_role(stand_in: StandIn) -> None:
    ines = person(stand_in)
    fields = {"StageName": "Prospecting", "CloseDate": "2026-12-24"}
    deal = made(stand_in, "Opportunity", Name="Deal", ContactId=ines, **fields)

    (role,) = stand_in.org.living("OpportunityContactRole")

    names = ("OpportunityId", "ContactId", "IsPrimary")
    assert [role.value(name) for name in names] == [deal, ines, True]


def test_only_one_role_is_the_primary_one(stand_in: StandIn, deal: str) -> None:
    first, second = (
        made(
            stand_in,
            "OpportunityContactRole",
            OpportunityId=deal,
            ContactId=person(stand_in),
            IsPrimary=True,
        )
        for _ in range(2)
    )

    assert [*of(stand_in, first, "IsPrimary"), *of(stand_in, second, "IsPrimary")] == [False, True]


def test_what_was_done_moves_the_last_activity_and_no_stamp(stand_in: StandIn) -> None:
    acme = made(stand_in, "Account", Name="Acme")
    ines = person(stand_in, AccountId=acme)
    stamp = of(stand_in, ines, "SystemModstamp")
    call = {"WhoId": ines, "TaskSubtype": "Call", "ActivityDate": "2026-01-05"}

    task = made(stand_in, "Task", **call)
    assert of(stand_in, ines, "LastActivityDate") == [None]
    changed(stand_in, "Task", task, Status="Completed")

    for one in (ines, acme):
        assert of(stand_in, one, "LastActivityDate") == [date(2026, 1, 5)]
    assert of(stand_in, ines, "SystemModstamp") == stamp
    assert of(stand_in, task, "IsClosed") == [True]
    assert of(stand_in, task, "CompletedDateTime") != [None]


def test_a_case_that_is_closed_has_a_date(stand_in: StandIn) -> None:
    case = made(stand_in, "Case", Subject="Broken")
    changed(stand_in, "Case", case, Status="Closed")

    closed, at = of(stand_in, case, "IsClosed", "ClosedDate")
    assert closed
    assert at is not None


def test_a_response_has_a_day(stand_in: StandIn) -> None:
    campaign = made(stand_in, "Campaign", Name="Webinar")
    member = {"CampaignId": campaign, "ContactId": person(stand_in)}
    one = made(stand_in, "CampaignMember", **member, Status="Responded")

    assert of(stand_in, one, "HasResponded", "FirstRespondedDate") == [
        True,
        stand_in.org.now().date(),
    ]


def test_what_hangs_on_a_record_goes_and_comes_with_it(stand_in: StandIn, deal: str) -> None:
    acme = made(stand_in, "Account", Name="Acme")
    ines = person(stand_in, AccountId=acme)
    role = made(stand_in, "OpportunityContactRole", OpportunityId=deal, ContactId=ines)

    deleted(stand_in, "Account", acme)
    for one in (acme, ines, role):
        assert of(stand_in, one, "IsDeleted") == [True]
    with stand_in.org.transaction(PERSON) as work:
        work.undelete(acme)

    assert of(stand_in, acme, "IsDeleted") == [False]
    assert of(stand_in, ines, "IsDeleted") == [False]


def test_what_is_purged_leaves_no_trace(stand_in: StandIn, api: Api) -> None:
    ines = person(stand_in)
    with stand_in.org.transaction(PERSON) as work:
        work.purge("Contact", ines)

    assert api.rows("SELECT Id FROM Contact", "queryAll") == []
    with pytest.raises(ApiError), stand_in.org.transaction(PERSON) as work:
        work.undelete(ines)


def test_a_merge_names_the_master_and_moves_what_belongs_to_it(
    stand_in: StandIn, api: Api, deal: str
) -> None:
    master, loser = person(stand_in, "Stays"), person(stand_in, "Goes", Phone="+90 5")
    role = made(stand_in, "OpportunityContactRole", OpportunityId=deal, ContactId=loser)

    with stand_in.org.transaction(PERSON) as work:
        merge(work, "Contact", master, [loser])

    assert of(stand_in, role, "ContactId", "IsDeleted") == [master, False]
    assert of(stand_in, master, "Phone") == [None]
    (row,) = api.rows("SELECT Id, MasterRecordId FROM Contact WHERE IsDeleted = true", "queryAll")
    assert (row["Id"], row["MasterRecordId"]) == (loser, master)
    with pytest.raises(ApiError, match="recycle bin"), stand_in.org.transaction(PERSON) as work:
        work.undelete(loser)


def test_a_lead_becomes_a_contact_of_an_account(stand_in: StandIn, api: Api) -> None:
    lead = made(
        stand_in,
        "Lead",
        FirstName="Ines",
        LastName="Bergmann",
        Company="Olmec Freight",
        Email="ines@example.com",
        Country="Spain",
        NumberOfEmployees=12,
    )
    task = made(stand_in, "Task", WhoId=lead, Subject="Call")

    with stand_in.org.transaction(PERSON) as work:
        done = convert(work, lead, opportunity="Freight")

    (row,) = api.rows("SELECT IsConverted, ConvertedContactId, Status FROM Lead")
    assert (row["IsConverted"], row["ConvertedContactId"]) == (True, done.contact)
    contact = of(stand_in, done.contact, "Name", "Email", "MailingCountry", "AccountId")
    assert contact == ["Ines Bergmann", "ines@example.com", "Spain", done.account]
    assert of(stand_in, done.account, "Name", "NumberOfEmployees") == ["Olmec Freight", 12]
    assert of(stand_in, task, "WhoId") == [done.contact]
    (role,) = stand_in.org.living("OpportunityContactRole")
    assert role.value("OpportunityId") == done.opportunity


def test_a_lead_is_converted_once(stand_in: StandIn) -> None:
    lead = made(stand_in, "Lead", LastName="Lee", Company="Olmec")
    with stand_in.org.transaction(PERSON) as work:
        convert(work, lead)

    with pytest.raises(ApiError), stand_in.org.transaction(PERSON) as work:
        convert(work, lead)


def test_a_failed_transaction_has_not_been(stand_in: StandIn) -> None:
    ines = person(stand_in)

    def work_in_vain(work: Work) -> None:
        work.update("Contact", ines, {"Title": "CEO"})
        work.create("Contact", {"LastName": "New"})
        work.purge("Contact", ines)
        work.update("Contact", ines, {"Title": "CFO"})

    with pytest.raises(ApiError), stand_in.org.transaction(PERSON) as work:
        work_in_vain(work)

    assert of(stand_in, ines, "Title", "IsDeleted") == [None, False]
    assert [one.id for one in stand_in.org.living("Contact")] == [ines]
