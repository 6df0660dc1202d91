"""The connector and a stand-in that is as strict as Salesforce is, over real HTTP."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from chalicelib.adapters.clock import SystemClock
from chalicelib.core.connector import Connection, Errand, Update
from chalicelib.core.errors import CredentialsInvalid, RecordGone, WrittenInPart
from chalicelib.core.facts import FactSet
from chalicelib.core.model import Money, Ref
from chalicelib.core.outputs import OUTPUTS
from chalicelib.core.policy import Attribute
from chalicelib.pipeline.local_access import local_access
from chalicelib.policy import compile_policy
from connectors.salesforce import CONNECTOR
from connectors.salesforce.ids import full
from connectors.salesforce.soql import among, select
from infra.sandbox.salesforce import acting
from infra.sandbox.salesforce.records import PERSON
from infra.sandbox.salesforce.settings import Settings
from infra.sandbox.stand_in import Deal, Person

STARTER = Path("chalicelib/policy/shipped/starter.yaml")
ADDRESS = "https://hooks.example.com/v1/hooks/salesforce-main"


@pytest.fixture
def salesforce():
    with acting.start() as running:
        yield running


@pytest.fixture
def attributes():
    return compile_policy(yaml.safe_load(STARTER.read_text("utf-8"))).attributes


def connected(salesforce, attributes=(), **changed):
    secret = salesforce.granted(ADDRESS)
    new = Connection("salesforce-main", "salesforce", "", salesforce.url, "v66.0", "", "")
    access = local_access(secret, salesforce.clock)
    account = CONNECTOR.connect(new, secret, (), access).account()
    known = Connection(
        new.id, new.crm, account.id, new.base_url, new.api_version, account.currency,
        account.time_zone, dict(account.details),
    )  # fmt: skip
    return CONNECTOR.connect(known, secret, attributes, access), account


@pytest.fixture
def client(salesforce, attributes):
    return connected(salesforce, attributes)[0]


def ref(kind, identity):
    return Ref("salesforce-main", kind, full(identity))


@pytest.fixture
def ann(salesforce):
    company = salesforce.people.load_company("Blue Harbour", 50)
    done = {"call.held": salesforce.people.now() - timedelta(days=3)}
    person = Person("ann@example.com", "Buyer", ("Ann", "Lee"), "Iran", "+98 21 8800 0000", done)
    return salesforce.people.load_person(person, company)


def fetched(client, salesforce, *refs):
    return client.fetch(list(refs), salesforce.people.now())


def by_type(facts):
    found = {}
    for one in facts:
        found.setdefault(one.type, []).append(one)
    return found


def test_an_app_looks_at_its_organisation(salesforce):
    _, account = connected(salesforce)
    assert account.id == full(salesforce.org.settings.org_id)
    assert account.currency == salesforce.org.settings.currency
    assert account.time_zone == salesforce.org.settings.time_zone


def test_a_person_is_read_with_company_deals_and_calls(client, salesforce, ann):
    closed = salesforce.people.now() - timedelta(days=2)
    salesforce.people.load_deal(ann, Deal("10.50", "USD", "won", closed))
    facts = by_type(fetched(client, salesforce, ref("contact", ann)).facts[ref("contact", ann)])
    [person], [company], [deal] = facts["contact"], facts["account"], facts["deal"]
    assert person.data["email"] == "ann@example.com"
    assert person.data["job_title"] == "Buyer"
    assert company.data["employees"] == 50
    assert deal.data["status"] == "won"
    assert deal.data["amount"] == {"amount": 1050, "currency": "USD"}
    assert [one.data["kind"] for one in facts["activity"]] == ["call.held"]
    assert facts["links"][0].data["deal"] == [deal.id]


def test_reading_costs_one_call_once_the_organisation_is_described(client, salesforce, ann):
    fetched(client, salesforce, ref("contact", ann))
    salesforce.requests.reset()
    fetched(client, salesforce, ref("contact", ann))
    assert sum(salesforce.requests.counts().values()) == 1


def test_what_is_written_is_shown(client, salesforce, ann):
    fields = {
        "score": 82,
        "class": "A",
        "tags": ("class:A", "segment:loyal"),
        "why": "Because · they called",
        "last_purchase": "2026-09-30T08:14:52.000Z",
        "last_purchase_amount": 29.33,
        "rfm_segment": None,
    }
    assert client.write([Update(ref("contact", ann), fields)]) == {}
    outputs = [one for one in OUTPUTS if one.name in fields]
    assert client.shown([ref("contact", ann)], outputs) == {ref("contact", ann): fields}


@pytest.mark.parametrize("access", ["none", "read"])
def test_a_field_that_is_hidden_or_read_only_keeps_no_other_from_being_written(
    client, salesforce, ann, access
):
    salesforce.org.schema.grant("Contact", "Emtiaz_Tags__c", access)
    update = Update(ref("contact", ann), {"score": 61, "tags": ("class:A",)})
    found = client.write([update])
    assert isinstance(found[update.ref], WrittenInPart)
    assert found[update.ref].left_out == {"tags": "Contact.Emtiaz_Tags__c"}
    outputs = [one for one in OUTPUTS if one.name in update.fields]
    assert client.shown([update.ref], outputs)[update.ref] == {"score": 61, "tags": None}
    assert [one.target for one in client.plan(outputs, "en")] == ["Contact.Emtiaz_Tags__c"]


def test_a_person_account_is_scored_like_anybody():
    settings = Settings(person_accounts=True)
    with acting.ActingStandIn.start(settings=settings) as salesforce:
        with salesforce.org.transaction(PERSON) as work:
            account = work.create("Account", {"LastName": "Lee", "PersonEmail": "lee@example.com"})
        lee = ref("contact", account.text("PersonContactId"))
        client = connected(salesforce)[0]
        assert client.write([Update(lee, {"score": 82})]) == {}
        assert client.shown([lee], [one for one in OUTPUTS if one.name == "score"]) == {
            lee: {"score": 82}
        }


def test_all_fields_are_there_once_the_project_is_deployed(client):
    outputs = [one for one in OUTPUTS if one.of is None]
    assert client.plan(outputs, "en") == ()


def test_a_deleted_person_is_gone_and_a_restored_one_back(client, salesforce, ann):
    salesforce.people.delete_person(ann)
    reading = fetched(client, salesforce, ref("contact", ann))
    assert (reading.facts, reading.gone) == ({}, {ref("contact", ann)})
    assert isinstance(
        client.write([Update(ref("contact", ann), {"score": 1})])[ref("contact", ann)], RecordGone
    )
    salesforce.people.restore_person(ann)
    assert ref("contact", ann) in fetched(client, salesforce, ref("contact", ann)).facts


def test_a_merged_person_is_found_under_the_survivor(client, salesforce, ann):
    other = salesforce.people.load_person(Person("ann.lee@example.com", "Buyer"))
    salesforce.people.merge(other, ann)
    reading = fetched(client, salesforce, ref("contact", ann))
    assert reading.moved == {ref("contact", ann): ref("contact", other)}
    assert set(reading.facts) == {ref("contact", other)}


def test_everybody_is_listed_by_an_export(client, salesforce, ann):
    others = [salesforce.people.load_person(Person(f"p{number}@example.com", "")) for number in range(5)]  # fmt: skip
    found, cursor, total = [], None, None
    while True:
        page = client.list_subjects(cursor)
        total = page.total if cursor is None else total
        found += page.refs
        if not (cursor := page.next):
            break
    assert set(found) == {ref("contact", one) for one in (ann, *others)}
    assert total == len(found)


def test_what_changed_is_found_without_being_told(client, salesforce, ann):
    salesforce.people.pass_time(timedelta(hours=1))
    before = salesforce.people.now()
    salesforce.people.set_title(ann, "CEO")
    deal = salesforce.people.add_deal(ann, Deal("10.00", "USD", "open", before))
    found, cursor = set(), None
    while True:
        page = client.changed_since(before - timedelta(seconds=1), cursor)
        found |= set(page.refs)
        if not (cursor := page.next):
            break
    assert {ref("contact", ann), ref("deal", deal)} <= found
    assert client.subjects([ref("deal", deal)]) == {ref("deal", deal): (ref("contact", ann),)}


def test_a_task_and_a_note_are_made(client, salesforce, ann):
    errand = Errand("Call Ann", "She asked for it.", salesforce.people.now())
    client.create_task(ref("contact", ann), errand)
    client.create_note(ref("contact", ann), errand)
    titles = [row["Subject"] for row in client._api.queries([tasks_of(ann)])[0]]
    assert "Call Ann" in titles


def tasks_of(person):
    return select(["Subject"], "Task", among("WhoId", [full(person)]))


def test_a_token_that_ended_is_replaced_once(client, salesforce, ann):
    fetched(client, salesforce, ref("contact", ann))
    salesforce.sessions.expire()
    assert fetched(client, salesforce, ref("contact", ann)).facts


def test_another_secret_gets_no_token(salesforce):
    secret = salesforce.granted(ADDRESS)
    wrong = type(secret.oauth)(secret.oauth.client_id, "another", "")
    new = Connection("salesforce-main", "salesforce", "", salesforce.url, "v66.0", "", "")
    secret = replace(secret, oauth=wrong)
    client = CONNECTOR.connect(new, secret, (), local_access(secret, SystemClock()))
    with pytest.raises(CredentialsInvalid):
        client.account()


def test_a_foreign_sum_counts_by_the_organisations_rate(client, salesforce, ann):
    closed = salesforce.people.now() - timedelta(days=2)
    salesforce.people.load_deal(ann, Deal("8.00", "EUR", "won", closed))
    facts = by_type(fetched(client, salesforce, ref("contact", ann)).facts[ref("contact", ann)])
    [deal] = facts["deal"]
    assert deal.data["amount"] == {"amount": 800, "currency": "EUR"}
    worth = Decimal("8.00") / Decimal("0.8")
    assert deal.data["value"] == {"amount": int(worth * 100), "currency": "USD"}


def ordered(salesforce, person, amount, **fields):
    """An activated order of one product that is billed to a person."""
    account = fields.pop("AccountId", "") or salesforce.org.value("Contact", person, "AccountId")
    day = salesforce.people.now().date() - timedelta(days=1)
    told = {"AccountId": account, "BillToContactId": person, "EffectiveDate": day.isoformat()}
    with salesforce.org.transaction(PERSON) as work:
        order = work.create("Order", {**told, **fields}).id
        work.create("OrderItem", {"OrderId": order, "Quantity": 1, "UnitPrice": amount})
        work.update("Order", order, {"Status": "Activated"})
    return full(order)


def purchases(client, salesforce, person):
    found = fetched(client, salesforce, ref("contact", person)).facts[ref("contact", person)]
    return [one.amount for one in FactSet.of(found).purchases()]


def test_an_activated_order_is_a_purchase_less_what_a_reduction_order_takes_back(
    client, salesforce, ann
):
    order = ordered(salesforce, ann, 120.0)
    draft = {"AccountId": salesforce.org.value("Contact", ann, "AccountId"), "BillToContactId": ann}
    with salesforce.org.transaction(PERSON) as work:
        work.create("Order", {**draft, "EffectiveDate": "2026-01-01"})
    assert purchases(client, salesforce, ann) == [Money(12_000, "USD")]
    ordered(salesforce, ann, -20.0, IsReductionOrder=True, OriginalOrderId=order)
    assert purchases(client, salesforce, ann) == [Money(10_000, "USD")]


def test_an_order_of_a_won_deal_counts_once(client, salesforce, ann):
    closed = salesforce.people.now() - timedelta(days=2)
    deal = salesforce.people.load_deal(ann, Deal("10.50", "USD", "won", closed))
    ordered(salesforce, ann, 99.0, OpportunityId=deal)
    assert purchases(client, salesforce, ann) == [Money(1050, "USD")]


def test_an_order_that_is_activated_or_made_a_draft_is_found_without_being_told(
    client, salesforce, ann
):
    order = ordered(salesforce, ann, 120.0)
    for status in ("Draft", "Activated"):
        salesforce.people.pass_time(timedelta(hours=1))
        before = salesforce.people.now()
        with salesforce.org.transaction(PERSON) as work:
            work.update("Order", order, {"Status": status})
        assert ref("contact", ann) in walked(client, before - timedelta(seconds=1))
        assert bool(purchases(client, salesforce, ann)) == (status == "Activated")


def walked(client, since):
    found, cursor = set(), None
    while True:
        page = client.changed_since(since, cursor)
        found |= set(page.refs)
        if not (cursor := page.next):
            return found


def test_won_deals_that_nobody_has_a_role_in_are_counted(client, salesforce, ann):
    now = salesforce.people.now()
    assert client.stray_deals() == 0
    salesforce.people.load_deal(ann, Deal("10.00", "USD", "won", now))
    for status in ("won", "won", "lost", "open"):
        deal = salesforce.people.load_deal(ann, Deal("10.00", "USD", status, now))
        with salesforce.org.transaction(PERSON) as work:
            for role in list(salesforce.org.living("OpportunityContactRole")):
                if role.value("OpportunityId") == deal:
                    work.delete("OpportunityContactRole", role.id)
    assert client.stray_deals() == 2
    salesforce.org.schema.grant("OpportunityContactRole", "OpportunityId", "none")
    assert client.stray_deals() is None


def test_a_won_deal_of_a_person_account_is_no_stray():
    with acting.ActingStandIn.start(settings=Settings(person_accounts=True)) as salesforce:
        deal = {"Name": "D", "StageName": "Closed Won", "CloseDate": "2026-01-01"}
        with salesforce.org.transaction(PERSON) as work:
            person = work.create("Account", {"LastName": "Lee"}).id
            for account in (person, work.create("Account", {"Name": "Olmec"}).id):
                work.create("Opportunity", {**deal, "AccountId": account})
        assert connected(salesforce)[0].stray_deals() == 1


def test_a_deal_whose_role_moved_to_somebody_else_is_found_without_being_told(
    client, salesforce, ann
):
    """It leads to whoever has it now; who had it is known from what was read."""
    bob = salesforce.people.load_person(Person("bob@example.com", "Buyer"))
    deal = salesforce.people.load_deal(ann, Deal("10.00", "USD", "won", salesforce.people.now()))
    salesforce.people.pass_time(timedelta(hours=1))
    since = salesforce.people.now()
    salesforce.people.pass_time(timedelta(minutes=1))
    [role] = salesforce.org.living("OpportunityContactRole")
    with salesforce.org.transaction(PERSON) as work:
        work.update("OpportunityContactRole", role.id, {"ContactId": bob})
    assert walked(client, since) == {ref("contact", bob), ref("deal", deal)}
    assert client.subjects([ref("deal", deal)]) == {ref("deal", deal): (ref("contact", bob),)}


def activity(kind, field):
    return Attribute(kind.replace(".", "_"), "activity", "contact", {"salesforce": field}, kind)


def later(salesforce, **much):
    """An hour passes, and then this much; returns the instant between."""
    salesforce.people.pass_time(timedelta(hours=1))
    since = salesforce.people.now()
    salesforce.people.pass_time(timedelta(**much))
    return since


def done(client, salesforce, person):
    facts = fetched(client, salesforce, ref("contact", person)).facts[ref("contact", person)]
    return [one.data["kind"] for one in facts if one.type == "activity"]


def test_a_meeting_is_found_once_it_is_over_though_nobody_changed_it(salesforce, ann):
    client, _ = connected(salesforce, [activity("meeting.held", "Event.EndDateTime")])
    begins = salesforce.people.now() + timedelta(hours=24)
    with salesforce.org.transaction(PERSON) as work:
        work.create("Event", {"WhoId": ann, "StartDateTime": begins, "DurationInMinutes": 60})
    since = later(salesforce, hours=2)
    assert (walked(client, since), done(client, salesforce, ann)) == (set(), [])
    salesforce.people.pass_time(timedelta(hours=20, minutes=30))
    since = later(salesforce, hours=1)
    assert walked(client, since) == {ref("contact", ann)}
    assert done(client, salesforce, ann) == ["meeting.held"]


def test_whom_a_call_gave_another_last_activity_is_found(salesforce, ann):
    client, _ = connected(salesforce, [activity("x.crm.active", "LastActivityDate")])
    since = later(salesforce, minutes=1)
    today = salesforce.people.now().date()
    with salesforce.org.transaction(PERSON) as work:
        work.create("Task", {"WhoId": ann, "Status": "Completed", "ActivityDate": today})
    assert ref("contact", ann) in walked(client, since)
    assert done(client, salesforce, ann) == ["x.crm.active"]


def test_an_order_of_a_person_account_is_the_persons():
    settings = Settings(person_accounts=True)
    with acting.ActingStandIn.start(settings=settings) as salesforce:
        with salesforce.org.transaction(PERSON) as work:
            account = work.create("Account", {"LastName": "Lee", "PersonEmail": "lee@example.com"})
        lee = account.text("PersonContactId")
        client = connected(salesforce)[0]
        ordered(salesforce, None, 30.0, AccountId=account.id)
        assert purchases(client, salesforce, lee) == [Money(3_000, "USD")]
        since = salesforce.people.now() - timedelta(minutes=1)
        assert ref("contact", lee) in walked(client, since)


@pytest.mark.parametrize("feature", ["off", "hidden"])
def test_where_orders_are_off_or_hidden_everything_else_is_read(feature):
    settings = Settings(orders=feature == "hidden")
    with acting.ActingStandIn.start(settings=settings) as salesforce:
        person = salesforce.people.load_person(Person("lee@example.com", "Buyer"))
        if feature == "hidden":
            for one in ("StatusCode", "TotalAmount", "BillToContactId"):
                salesforce.org.schema.grant("Order", one, "none")
        client = connected(salesforce)[0]
        assert purchases(client, salesforce, person) == []
        assert ref("contact", person) in walked(client, salesforce.people.now() - timedelta(days=1))
