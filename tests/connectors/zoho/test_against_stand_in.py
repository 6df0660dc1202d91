"""The connector against the stand-in Zoho: two readings of one documentation must agree."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.core.connector import (
    Account,
    Errand,
    EventType,
    OAuthGrant,
    Request,
    Update,
)
from chalicelib.core.errors import CrmUnavailable, OutOfService, RecordGone, WriteRefused
from chalicelib.core.facts import Fact, FactSet
from chalicelib.core.model import Money
from chalicelib.policy import compile_policy
from chalicelib.scoring.publication import provisioned
from connectors.zoho import CONNECTOR
from connectors.zoho.client import ZohoClient
from infra.sandbox._serving.faults import Fault
from infra.sandbox.stand_in import Deal, Person
from infra.sandbox.zoho import StandIn
from infra.sandbox.zoho.modules import CALLS, CONTACTS, LEADS
from infra.sandbox.zoho.organisation import AT_WORK, REP, ROBOT
from infra.sandbox.zoho.settings import Settings
from tests.connectors.zoho.api_double import CONNECTION, attribute, contact, deal, lead, ref
from tests.fakes.receiver import receiver as receiving
from tests.scoring.examples import LOYALTY, starter

POLICY = compile_policy(starter(loyalty=LOYALTY))
ALL = provisioned(POLICY, "contact")
"""Every row, with the choices of a policy that has tiers."""

ATTRIBUTES = (
    attribute("job_title", field="Title"),
    attribute("email", field="Email"),
    attribute("employees", kind="account", field="Employees", of_type="number"),
    attribute("called", field="Calls.Call_Start_Time", of_type="activity", activity="call.held"),
)
CLOSED_AT = datetime(2026, 5, 6, 9, tzinfo=UTC)


@pytest.fixture
def zoho():
    with StandIn.start() as running:
        yield running


@dataclass
class Access:
    """By a grant of the stand-in; nobody waits."""

    zoho: StandIn
    grant: OAuthGrant
    held: str = ""

    def now(self):
        return self.zoho.clock.now()

    def enter(self, _rate):
        pass

    def token(self, refresh, *, refused=""):
        if self.held == refused:
            self.held = refresh(self.grant.refresh_token).token
        return self.held


ADDRESS = "https://hooks.example.com/hooks/zoho-main"


def connected(zoho, address=ADDRESS, attributes=ATTRIBUTES, **details):
    secret = zoho.granted(address)
    connection = replace(CONNECTION, base_url=zoho.url, details=details)
    return ZohoClient(connection, secret, attributes, Access(zoho, secret.oauth))


def provisioned_client(zoho, **more):
    first = connected(zoho, **more)
    first.provision(ALL, "en")
    details = {**first.account().details, **first.details(ALL, "en", ("contact",))}
    return connected(zoho, **more, **details)


@pytest.fixture
def client(zoho):
    return provisioned_client(zoho)


@pytest.fixture
def customer(zoho):
    """A contact with a company and a won deal."""
    company = zoho.people.load_company("Rangoni", 250)
    person = Person("someone@example.com", "مدیر فروش")
    identity = zoho.people.load_person(person, company)
    zoho.people.load_deal(identity, Deal("29.33", "USD", "won", CLOSED_AT))
    return contact(identity)


def now():
    return datetime.now(UTC)


def fields(**own):
    return {
        "score": 82,
        "class": "A",
        "tags": ("class:A", "segment:loyal"),
        "confidence": 0.5,
    } | own


def own_record(facts):
    return FactSet.of(facts).record().data


def walked(page_of):
    """All pages, by a function from a cursor to a page."""
    pages = [page_of(None)]
    while pages[-1].next:
        pages.append(page_of(pages[-1].next))
    return [one for page in pages for one in page.refs]


def test_it_knows_whose_account_it_is(zoho):
    told = {"user": ROBOT.id, "edition": "enterprise", "org": "5725767"}
    assert connected(zoho).account() == Account("5725767", "USD", "Asia/Tehran", told)


def test_a_customer_is_read_with_company_and_purchase(client, customer):
    facts = FactSet.of(client.fetch([customer], now()).facts[customer])
    assert facts.record().data == {"job_title": "مدیر فروش", "email": "someone@example.com"}
    assert [one.data for one in facts.states("account")] == [{"employees": 250}]
    [purchase] = facts.purchases()
    assert purchase.amount == Money(2933, "USD")
    assert purchase.occurred_at == datetime(2026, 5, 5, 20, 30, tzinfo=UTC)


def test_a_purchase_in_another_currency_has_its_worth_beside_it(client, zoho, customer):
    zoho.people.load_deal(customer.id, Deal("8.00", "EUR", "won", CLOSED_AT))
    facts = FactSet.of(client.fetch([customer], now()).facts[customer])
    assert sorted(one.amount.amount for one in facts.purchases()) == [1000, 2933]


def test_a_call_is_an_activity(client, zoho, customer):
    began = {"Call_Start_Time": "2026-10-20T09:00:00+03:30", "Who_Id": {"id": customer.id}}
    zoho.org.load(CALLS, {"Subject": "Hello", "Call_Type": "Outbound", **began})
    [activity] = FactSet.of(client.fetch([customer], now()).facts[customer]).activities()
    assert (activity.kind, activity.occurred_at) == (
        "call.held",
        datetime(2026, 10, 20, 5, 30, tzinfo=UTC),
    )


def test_a_lead_tells_what_it_knows_of_its_company(client, zoho):
    body = {"Last_Name": "Lee", "Company": "Lee KG", "Designation": "CTO", "No_of_Employees": 40}
    who = lead(zoho.org.load(LEADS, body).id)
    read = own_record(client.fetch([who], now()).facts[who])
    assert read == {"job_title": "CTO", "account": {"employees": 40}}


def test_what_is_in_the_bin_is_gone_and_comes_back(client, zoho, customer):
    zoho.people.delete_person(customer.id)
    reading = client.fetch([customer, contact(1)], now())
    assert (reading.facts, reading.gone, reading.moved) == ({}, {customer}, {})
    zoho.people.restore_person(customer.id)
    assert client.fetch([customer], now()).facts.keys() == {customer}


def test_a_bin_of_thousands_is_searched_beyond_its_numbered_pages(client, zoho, customer):
    zoho.people.delete_person(customer.id)
    for one in range(2_000):
        zoho.people.delete_person(zoho.people.load_person(Person(f"{one}@example.com")))
    assert client.fetch([customer], now()).gone == {customer}


def test_a_converted_lead_moves_to_its_contact(client, zoho):
    body = {"Last_Name": "Lee", "Company": "Lee KG", "Email": "lee@example.org"}
    who = zoho.org.load(LEADS, body).id
    made = zoho.org.convert(who, {}, AT_WORK)["Contacts"].id
    reading = client.fetch([lead(who)], now())
    assert reading.moved == {lead(who): contact(made)}
    assert reading.facts.keys() == {contact(made)}


def test_a_merge_is_known_by_the_address_that_lives_on(client, zoho, customer):
    survivor = zoho.people.load_person(Person("other@example.com"))
    zoho.people.load_person(Person("third@example.com"))
    [known] = [client.fetch([customer], now()).facts[customer]]
    zoho.people.merge(survivor, customer.id)
    assert client.fetch([customer], now()).gone == frozenset()
    assert client.heirs({customer: known}) == {customer: contact(survivor)}


def test_nobody_is_the_heir_of_somebody_without_a_known_address(client, zoho, customer):
    zoho.people.erase_person(customer.id)
    nameless = [Fact(customer, "contact", customer.id, now(), {})]
    assert client.heirs({customer: nameless, contact(1): ()}) == {}


def test_a_change_elsewhere_leads_to_the_contact(client, zoho, customer):
    facts = FactSet.of(client.fetch([customer], now()).facts[customer])
    [company], [bought] = facts.states("account"), facts.states("deal")
    records = [ref("account", company.id), deal(bought.id), deal(1), lead(7)]
    assert client.subjects(records) == {
        records[0]: (customer,),
        records[1]: (customer,),
        records[2]: (),
        records[3]: (records[3],),
    }


def test_everybody_is_listed_by_bulk_read(client, zoho, customer):
    who = zoho.org.load(LEADS, {"Last_Name": "Lee", "Company": "Lee KG"}).id
    assert walked(client.list_subjects) == [customer, lead(who)]
    assert zoho.requests.counts()["POST /crm/bulk/v8/read"] == 2


def test_what_changed_is_found_and_so_are_deletions_and_merges(client, zoho, customer):
    other = zoho.people.load_person(Person("other@example.com"))
    loser = zoho.people.load_person(Person("third@example.com"))
    since = now() + timedelta(hours=1)
    zoho.people.pass_time(timedelta(hours=2))
    zoho.people.set_title(customer.id, "CEO")
    zoho.people.merge(other, loser)
    found = walked(lambda cursor: client.changed_since(since, cursor))
    assert {customer, contact(other), contact(loser)} <= set(found)
    assert walked(lambda cursor: client.changed_since(now() + timedelta(days=1), cursor)) == []


def test_a_call_makes_its_contact_one_that_was_active(client, zoho, customer):
    since = now() + timedelta(hours=1)
    zoho.people.pass_time(timedelta(hours=2))
    body = {"Subject": "Hello", "Call_Type": "Outbound", "Who_Id": {"id": customer.id}}
    zoho.org.create(CALLS, {**body, "Call_Start_Time": "2026-10-20T09:00:00+03:30"}, AT_WORK)
    assert customer in walked(lambda cursor: client.changed_since(since, cursor))


def test_a_write_is_shown_and_read_back_the_same(client, zoho, customer):
    assert client.write([Update(customer, fields())]) == {}
    shown = client.shown([customer], ALL)[customer]
    assert {name: shown[name] for name in fields()} == fields()
    assert client.write([Update(customer, {"class": None, "tags": ()})]) == {}
    shown = client.shown([customer], ALL)[customer]
    assert (shown["score"], shown["class"], shown["tags"]) == (82, None, None)
    assert client.shown([contact(1)], ALL) == {}


def test_tags_of_reps_stay_and_only_ours_change(client, zoho, customer):
    record = zoho.org.get(CONTACTS, customer.id)
    palette = zoho.org.palettes[CONTACTS]
    zoho.org.add_tags(CONTACTS, customer.id, [palette.make("VIP")], AT_WORK, over_write=False)
    client.write([Update(customer, fields(tags=("class:A", "tier:silver")))])
    client.write([Update(customer, {"tags": ("class:A", "tier:gold", "influencer")})])
    assert sorted(one.name for one in record.tags) == [
        "VIP", "class:A", "emtiaz:influencer", "tier:gold",
    ]  # fmt: skip


@pytest.mark.parametrize(("fields", "in_doubt"), [({"score": 5}, True), ({}, False)])
def test_a_write_is_in_doubt_where_its_tags_certainly_failed_and_its_fields_did_not(
    client, zoho, customer, fields, in_doubt
):
    zoho.faults.plan(Fault(count=9, status=503, route="add_tags"))
    with pytest.raises(CrmUnavailable) as raised:
        client.write([Update(customer, {**fields, "tags": ("tier:gold",)})])
    assert raised.value.in_doubt is in_doubt


def test_the_least_telling_tags_give_way_where_a_record_is_full():
    with StandIn.start(Settings(edition="standard")) as zoho:
        client = connected(zoho, edition="standard")
        who = zoho.people.load_person(Person("a@example.com"))
        palette = zoho.org.palettes[CONTACTS]
        own = [palette.make(name) for name in ("VIP", "Fair", "Old")]
        zoho.org.add_tags(CONTACTS, who, own, AT_WORK, over_write=False)
        tags = ("class:A", "segment:loyal", "tier:gold")
        assert client.write([Update(contact(who), {"tags": tags})]) == {}
        names = {one.name for one in zoho.org.get(CONTACTS, who).tags}
        assert names == {"VIP", "Fair", "Old", "tier:gold", "class:A"}


def test_one_bad_record_fails_alone(client, zoho, customer):
    zoho.people.delete_person(gone := zoho.people.load_person(Person("gone@example.com")))
    bad = zoho.people.load_person(Person("bad@example.com"))
    updates = [
        Update(customer, fields()),
        Update(contact(gone), fields()),
        Update(contact(bad), fields(why="x" * 2_001)),
    ]
    refused = client.write(updates)
    assert refused.keys() == {contact(gone), contact(bad)}
    assert isinstance(refused[contact(gone)], RecordGone)
    assert type(refused[contact(bad)]) is WriteRefused
    assert client.shown([customer], ALL)[customer]["score"] == 82


def test_a_batch_of_bad_records_is_refused_one_by_one(client):
    refused = client.write([Update(contact(one), {"score": 1}) for one in (1, 2)])
    assert {type(one) for one in refused.values()} == {RecordGone}


def test_provisioning_is_done_once_and_asks_five_fields_a_call(zoho):
    client = connected(zoho)
    planned = client.plan(ALL, "en")
    assert {one.action for one in planned} == {"create"}
    assert client.provision(ALL, "en") == planned
    assert client.plan(ALL, "en") == client.provision(ALL, "en") == ()
    assert client.details(ALL, "en", ("contact",))["field.lead.class"] == "Emtiaz_class"


def test_an_input_that_the_organisation_does_not_have_is_told(zoho):
    wrong = (
        attribute("budget", field="Budgt"),
        attribute("met", field="Calls.Started", of_type="activity", activity="call.held"),
        attribute("visited", field="Visits_Zoho_Livedesk.visited_time", of_type="activity", activity="page.viewed"),
    )  # fmt: skip
    planned = connected(zoho, attributes=(*ATTRIBUTES, *wrong)).plan([], "en", ())
    assert [(one.action, one.target) for one in planned] == [
        ("missing", "Calls.Started"), ("missing", "Contacts.Budgt"),
    ]  # fmt: skip


@pytest.mark.parametrize("language", ["en", "fa"])
def test_what_was_made_in_one_language_is_found_in_both(zoho, language):
    client = connected(zoho)
    client.provision(ALL, language)
    assert client.plan(ALL, "en") == client.plan(ALL, "fa") == ()
    names = client.details(ALL, "en", ("contact",))
    assert len(names) == len(set(names)) == 2 * sum(one.name != "tags" for one in ALL)


def test_a_new_tier_extends_its_field(client, zoho):
    tier = next(one for one in ALL if one.name == "tier")
    more = replace(tier, choices=(*tier.choices, replace(tier.choices[0], value="diamond")))
    [of_contacts, of_leads] = client.plan([more], "en")
    assert (of_contacts.action, of_contacts.detail) == ("extend", "diamond")
    assert client.provision([more], "en") == (of_contacts, of_leads)
    assert client.plan([more], "en") == ()


def test_an_edition_without_room_says_so():
    standard = StandIn.start(Settings(edition="standard"))
    with standard as zoho, pytest.raises(WriteRefused, match="limit"):
        connected(zoho).provision(ALL, "en")


def test_the_few_fields_of_a_small_edition_hold_the_minimal_profile():
    minimal = [one for one in ALL if one.minimal]
    with StandIn.start(Settings(edition="standard")) as zoho:
        connected(zoho).provision(minimal, "en")
        assert connected(zoho).plan(minimal, "en") == ()


def test_it_rings_and_its_own_echo_is_known(zoho):
    with receiving() as receiver:
        client = provisioned_client(zoho, address=receiver.url)
        made = client.subscribe()
        assert [one.action for one in made] == ["create"] * 4
        who = zoho.people.add_person(Person("new@example.com"))
        zoho.people.set_title(who, "CEO")
        client.write([Update(contact(who), {"score": 82})])
        assert zoho.flush(5)
        events = [event for one in receiver.deliveries for event in parsed(one, client, receiver)]
    told = {(event.type, event.ref) for event in events if not event.ours}
    assert (EventType.CREATED, contact(who)) in told
    assert (EventType.CHANGED, contact(who)) in told


def parsed(delivery, client, receiver):
    channel = delivery.path.rsplit("/", 1)[1]
    headers = {name.lower(): text for name, text in delivery.headers.items()}
    request = Request("POST", receiver.url, headers, delivery.body, channel)
    CONNECTOR.verify(request, client._secret, now())
    CONNECTOR.check_shape(request)
    return CONNECTOR.parse(request, client._connection)


def test_channels_that_are_as_they_should_be_cost_one_call(zoho):
    client = connected(zoho)
    assert [one.action for one in client.subscribe()] == ["create"] * 4
    zoho.requests.reset()
    assert client.subscribe() == ()
    assert dict(zoho.requests.counts()) == {"GET /crm/v8/actions/watch": 1}


def test_a_channel_that_is_lost_is_opened_again(zoho):
    client = connected(zoho)
    client.subscribe()
    lost = zoho.channels.live()[0]
    zoho.channels.drop(lost.id)
    [made] = client.subscribe()
    assert made.action == "create"
    assert len(zoho.channels.live()) == 4


def test_channels_are_renewed_when_a_day_has_passed(zoho):
    client = connected(zoho)
    client.subscribe()
    zoho.people.pass_time(timedelta(days=1, minutes=5))
    assert {one.action for one in client.subscribe()} == {"extend"}
    assert client.subscribe() == ()


def test_nothing_rings_after_the_end(zoho):
    client = connected(zoho)
    client.subscribe()
    client.unsubscribe()
    assert zoho.channels.live() == []
    client.unsubscribe()


def test_a_task_and_a_note_stand_on_the_record(client, zoho, customer):
    who = lead(zoho.org.load(LEADS, {"Last_Name": "Lee", "Company": "Lee KG"}).id)
    errand = Errand("Call", "They are waiting", now() + timedelta(days=1))
    for subject in (customer, who):
        client.create_task(subject, errand)
        client.create_note(subject, errand)
    with pytest.raises(RecordGone):
        client.create_task(contact(1), errand)


def test_only_what_belongs_to_nobody_is_given_an_owner(client, zoho, customer):
    free = zoho.people.load_person(Person("free@example.com"))
    zoho.org.get(CONTACTS, free).owner = ROBOT.id
    kept = client.assign({customer: REP.id, contact(free): REP.id, contact(1): REP.id})
    assert {one: type(error) for one, error in kept.items()} == {
        customer: WriteRefused,
        contact(1): RecordGone,
    }


def test_spent_credits_rest_the_connection(client, zoho, customer):
    zoho.credits.leave(0)
    with pytest.raises(OutOfService) as caught:
        client.fetch([customer], now())
    assert caught.value.retry_after == pytest.approx(3600, abs=60)
