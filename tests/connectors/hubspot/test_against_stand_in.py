"""The connector against the stand-in HubSpot: two readings of one documentation must agree."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from chalicelib.core.connector import Account, EventType, Reading, Request, Secret, Update
from chalicelib.core.errors import CredentialsInvalid, CrmUnavailable, RateLimited, WriteRefused
from chalicelib.core.facts import FactSet
from chalicelib.core.model import Money, Ref
from chalicelib.policy import compile_policy
from chalicelib.scoring.publication import provisioned
from connectors.hubspot import CONNECTOR
from connectors.hubspot.client import HubSpotClient
from infra.sandbox._serving.faults import Fault
from infra.sandbox._serving.rate_limit import Rate
from infra.sandbox.hubspot import StandIn
from infra.sandbox.hubspot.admin_rules import Required
from infra.sandbox.hubspot.portal import AppToken, Settings
from infra.sandbox.hubspot.records import COMPANIES, CONTACTS, DEALS, Actor
from infra.sandbox.hubspot.webhooks import WebhookSettings, subscriptions
from tests.connectors.hubspot.api_double import CONNECTION, account, attribute, contact, deal
from tests.connectors.scripted_server import Reply, serving
from tests.fakes.access import FakeAccess
from tests.scoring.examples import LOYALTY, starter

USER = Actor.user(77)
ALL = provisioned(compile_policy(starter(loyalty=LOYALTY)), "contact")
"""Every row, with the choices of a policy that has tiers."""

ATTRIBUTES = (
    attribute("job_title", field="jobtitle"),
    attribute("email"),
    attribute("employees", kind="account", field="numberofemployees", of_type="number"),
)
BATCH_UPDATE = "POST /crm/objects/{version}/contacts/batch/update"


@pytest.fixture
def hubspot():
    with StandIn.start() as running:
        yield running


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr("connectors._http.sleep", lambda _: None)


@pytest.fixture(params=["2026-03", "2026-09"])
def client(request, hubspot):
    connection = replace(CONNECTION, base_url=hubspot.url, api_version=request.param)
    return connected(connection, hubspot.token)


def connected(connection, token, attributes=ATTRIBUTES):
    return HubSpotClient(connection, Secret("", (), token), attributes, FakeAccess(token))


def load(hubspot, kind, record_id, **properties):
    return hubspot.portal.load(kind, properties, record_id=str(record_id)).id


@pytest.fixture
def customer(hubspot):
    """A contact of two companies with a won deal."""
    load(hubspot, CONTACTS, 512, jobtitle="مدیر فروش", email="someone@example.com")
    load(hubspot, COMPANIES, 700, numberofemployees="12")
    load(hubspot, COMPANIES, 701, numberofemployees="250")
    load(
        hubspot, DEALS, 900, amount="29.33", pipeline="default", dealstage="closedwon",
        closedate="2026-05-06T07:08:09Z", deal_currency_code="USD",
    )  # fmt: skip
    hubspot.portal.load_link((CONTACTS, "512"), (COMPANIES, "700"))
    hubspot.portal.load_link((CONTACTS, "512"), (COMPANIES, "701"), primary=True)
    hubspot.portal.load_link((CONTACTS, "512"), (DEALS, "900"))
    return contact(512)


def now():
    return datetime.now(UTC)


def fields(**own):
    return {
        "score": 82,
        "class": "A",
        "tags": ("class:A", "segment:loyal"),
        "confidence": 0.5,
    } | own


def shown(hubspot, record_id):
    record = hubspot.portal.get(CONTACTS, str(record_id))
    return {
        name.removeprefix("emtiaz_"): record.value(name)
        for name in record.history
        if name.startswith("emtiaz_")
    }


def test_it_knows_whose_account_it_is(client):
    assert client.account() == Account("62515", "USD", "Asia/Tehran")


def test_a_customer_is_read_with_company_and_purchase(client, customer):
    facts = FactSet.of(client.fetch([customer], now()).facts[customer])
    assert facts.record().data == {"job_title": "مدیر فروش", "email": "someone@example.com"}
    assert facts.facts["FACT#links"].data == {"deal": ["900"], "account": ["701", "700"]}
    companies = {one.id: one.data for one in facts.states("account")}
    assert {id_: data["employees"] for id_, data in companies.items()} == {"700": 12, "701": 250}
    assert companies["701"]["roll_up"]["contacts"] == 1
    [purchase] = facts.purchases()
    assert purchase.amount == Money(2933, "USD")
    assert purchase.occurred_at == datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)


def test_what_is_in_the_bin_is_gone_and_what_never_was_is_unknown(client, hubspot, customer):
    hubspot.portal.archive(DEALS, "900", USER)
    facts = FactSet.of(client.fetch([customer, contact(404)], now()).facts[customer])
    assert facts.linked("deal") == frozenset()
    hubspot.portal.archive(CONTACTS, "512", USER)
    assert client.fetch([customer, contact(404)], now()) == Reading({}, frozenset({customer}))


def test_a_changed_contact_is_newer_than_it_was(client, hubspot, customer):
    before = FactSet.of(client.fetch([customer], now()).facts[customer])
    hubspot.portal.update(CONTACTS, "512", {"jobtitle": "CEO"}, USER)
    after = FactSet.of(client.fetch([customer], now()).facts[customer])
    assert before.merge(after) == after.merge(before)
    assert before.merge(after).record().data["job_title"] == "CEO"


def test_a_deal_and_a_company_lead_to_their_contacts(client, hubspot, customer):
    load(hubspot, DEALS, 901)
    assert client.subjects([deal(900), deal(901), account(700), customer]) == {
        deal(900): (customer,),
        deal(901): (),
        account(700): (customer,),
        customer: (customer,),
    }


def test_everybody_is_listed_once(client, hubspot):
    for one in range(1, 251):
        load(hubspot, CONTACTS, one)
    refs, cursor = [], None
    while True:
        page = client.list_subjects(cursor)
        refs += page.refs
        cursor = page.next
        if cursor is None:
            break
    assert refs == [contact(one) for one in range(1, 251)]


def test_the_first_page_of_a_listing_tells_how_many_there_are(client, hubspot):
    assert client.list_subjects(None).total == 0
    for one in range(1, 151):
        load(hubspot, CONTACTS, one)
    load(hubspot, COMPANIES, 700)
    hubspot.portal.archive(CONTACTS, "7", USER)
    first = client.list_subjects(None)
    assert first.total == 149
    assert client.list_subjects(first.next).total is None


def test_nothing_can_be_written_before_provisioning(client, customer):
    refused = client.write([Update(customer, fields())])
    assert isinstance(refused[customer], WriteRefused)
    assert "emtiaz_" in str(refused[customer])
    assert refused[customer].correlation_id


def test_companies_are_provisioned_by_themselves_and_can_be_written(client, hubspot):
    both = ("contact", "account")
    made = client.provision(ALL, "en", both)
    assert {"emtiaz_score", "account emtiaz_score"} <= {one.target for one in made}
    assert client.plan(ALL, "en", both) == ()
    load(hubspot, COMPANIES, 700)
    company = Ref(CONNECTION.id, "account", "700")
    assert client.write([Update(company, {"score": 84, "tags": ("segment:loyal",)})]) == {}
    rows = [one for one in ALL if one.name in ("score", "tags")]
    assert client.shown([company], rows)[company] == {"score": 84, "tags": ("segment:loyal",)}


def some_value(output):
    first = output.choices[0].value if output.choices else "متن"
    by_type = {"score": 7, "number": 29.33, "tags": (first,), "instant": "2026-05-06T07:08:09.000Z"}
    return by_type.get(output.type, first)


def test_an_input_that_the_account_does_not_have_is_told(hubspot):
    attributes = (*ATTRIBUTES, attribute("budget"), attribute("size", kind="account", field="siz"))
    connection = replace(CONNECTION, base_url=hubspot.url)
    planned = connected(connection, hubspot.token, attributes).plan([], "en", ())
    assert [(one.action, one.target) for one in planned] == [
        ("missing", "companies.siz"), ("missing", "contacts.budget"),
    ]  # fmt: skip


@pytest.mark.parametrize("language", ["en", "fa"])
def test_provisioning_is_done_once_and_then_everything_can_be_written(
    client, hubspot, customer, language
):
    planned = client.plan(ALL, language)
    assert client.provision(ALL, language) == planned
    assert len(planned) == 1 + len(ALL)
    assert client.plan(ALL, language) == client.provision(ALL, language) == ()
    everything = fields(
        trend="rising", next_action="تماس بگیرید", why="خرید اخیر (+۱۲)", lead_score=7, grade="A1",
        temperature="hot", customer_score=82, rfm_segment="cant_lose_them",
        last_purchase="2026-05-06T07:08:09.000Z", last_purchase_amount=29.33,
        updated="2026-11-01T08:00:00.000Z",
    )  # fmt: skip
    everything = {one.name: some_value(one) for one in ALL} | everything
    assert client.write([Update(customer, everything)]) == {}
    assert shown(hubspot, 512)["score"] == "82"
    assert shown(hubspot, 512)["tags"] == "class:A;segment:loyal"
    assert shown(hubspot, 512)["next_action"] == "تماس بگیرید"
    assert client.write([Update(customer, dict.fromkeys(everything))]) == {}
    assert set(shown(hubspot, 512).values()) == {""}


def test_every_option_of_every_output_can_be_written(client, customer):
    client.provision(ALL, "en")
    for output in ALL:
        for choice in output.choices:
            value = (choice.value,) if output.type == "tags" else choice.value
            assert client.write([Update(customer, {output.name: value})]) == {}


def test_only_the_guilty_of_many_records_are_refused(client, hubspot):
    client.provision(ALL, "en")
    for one in range(1, 151):
        load(hubspot, CONTACTS, one)
    guilty = {7: fields(grade="Z9"), 120: fields(score="not a number")}
    updates = [Update(contact(one), guilty.get(one, fields())) for one in range(1, 152)]
    refused = client.write(updates)
    assert refused.keys() == {contact(7), contact(120), contact(151)}
    assert all(isinstance(error, WriteRefused) for error in refused.values())
    assert all(
        shown(hubspot, one).get("score") == "82" for one in range(1, 151) if one not in guilty
    )


def test_an_admins_rule_refuses_a_write_of_the_later_version_alone_and_says_which(
    client, hubspot, customer
):
    client.provision(ALL, "en")
    load(hubspot, CONTACTS, 513, lifecyclestage="customer")
    hubspot.portal.rules.add(Required(CONTACTS, "phone", "lifecyclestage", "customer"))
    refused = client.write([Update(one, fields()) for one in (customer, contact(513))])
    assert shown(hubspot, 512)["score"] == "82"
    if client._connection.api_version == "2026-03":
        assert refused == {}
        return
    [(ref, error)] = refused.items()
    assert (ref, type(error)) == (contact(513), WriteRefused)
    assert "phone" in str(error)
    assert error.correlation_id in str(error)
    assert "score" not in shown(hubspot, 513)


def test_a_batch_of_nothing_but_guilty_records_is_refused_one_by_one(client, hubspot):
    client.provision(ALL, "en")
    for one in range(1, 5):
        load(hubspot, CONTACTS, one)
    refused = client.write([Update(contact(one), fields(grade="Z9")) for one in range(1, 5)])
    assert len(refused) == 4


def test_a_thousand_contacts_cost_no_more_calls_than_batches(client, hubspot):
    hubspot.rate_limit.reset(Rate(calls=1000))
    client.provision(ALL, "en")
    subjects = [contact(one) for one in range(1, 1001)]
    for one in range(1, 1001):
        load(hubspot, CONTACTS, one)
        load(hubspot, DEALS, 10_000 + one, pipeline="default", dealstage="closedwon")
        hubspot.portal.load_link((CONTACTS, str(one)), (DEALS, str(10_000 + one)))
    hubspot.requests.reset()
    assert len(client.fetch(subjects, now()).facts) == 1000
    assert client.write([Update(one, fields()) for one in subjects]) == {}
    counts = {
        route.split("{version}/")[1]: times for route, times in hubspot.requests.counts().items()
    }
    assert counts == {
        "contacts/batch/read": 10,
        "contacts/deals/batch/read": 10,
        "contacts/companies/batch/read": 10,
        "deals/batch/read": 10,
        "deals": 1,
        "contacts/batch/update": 10,
    }


def test_a_rate_limit_is_waited_out(client, hubspot, customer):
    client.provision(ALL, "en")
    hubspot.faults.plan(Fault(count=1, status=429))
    assert client.write([Update(customer, fields())]) == {}
    assert len(hubspot.portal.get(CONTACTS, "512").history["emtiaz_score"]) == 1


def test_a_rate_limit_that_lasts_is_left_to_the_queue(client, hubspot, customer):
    hubspot.rate_limit.reset(Rate(calls=0))
    with pytest.raises(RateLimited) as caught:
        client.fetch([customer], now())
    assert 10 <= caught.value.retry_after <= 11


def test_a_write_whose_answer_was_lost_is_in_doubt_though_it_was_applied(client, hubspot, customer):
    client.provision(ALL, "en")
    hubspot.faults.plan(Fault(count=1, status=504, route="batch/update", applied=True))
    with pytest.raises(CrmUnavailable) as caught:
        client.write([Update(customer, fields())])
    assert caught.value.in_doubt
    assert len(hubspot.portal.get(CONTACTS, "512").history["emtiaz_score"]) == 1


def test_a_wrong_token_is_said(hubspot):
    connection = replace(CONNECTION, base_url=hubspot.url)
    with pytest.raises(CredentialsInvalid):
        connected(connection, "wrong").account()


def test_the_scopes_of_the_readme_are_enough_and_a_missing_one_is_said():
    listed = (
        "crm.objects.contacts.read", "crm.objects.contacts.write", "crm.objects.companies.read",
        "crm.objects.deals.read", "crm.schemas.contacts.read", "crm.schemas.contacts.write",
    )  # fmt: skip
    tokens = {
        "listed": AppToken(54321, frozenset(listed)),
        "short": AppToken(54321, frozenset(listed[:-1])),
    }
    with StandIn.start(settings=Settings(tokens=tokens)) as hubspot:
        connection = replace(CONNECTION, base_url=hubspot.url)
        short, enough = (connected(connection, token) for token in ("short", "listed"))
        with pytest.raises(CredentialsInvalid, match="scopes"):
            short.provision(ALL, "en")
        assert enough.provision(ALL, "en")
        load(hubspot, CONTACTS, 1)
        assert enough.fetch([contact(1)], now()).facts
        assert enough.write([Update(contact(1), fields())]) == {}
        assert enough.subjects([deal(1)]) == {deal(1): ()}
        assert enough.list_subjects(None).refs == (contact(1),)


def test_its_webhooks_verify_and_say_what_rang(client, hubspot, customer):
    client.provision(ALL, "en")
    wanted = [
        {"subscriptionType": "object.propertyChange", "objectType": "contact", "propertyName": name}
        for name in ("jobtitle", "emtiaz_score")
    ] + [{"subscriptionType": "deal.propertyChange", "propertyName": "dealstage"}] + [
        {"subscriptionType": f"contact.{what}"} for what in ("creation", "associationChange")
    ]  # fmt: skip
    with serving(Reply(body=b"")) as receiver:
        target = f"{receiver.url}/hooks/hubspot-main"
        hubspot.webhooks.configure(
            WebhookSettings(target, "a-client-secret", subscriptions=subscriptions(wanted))
        )
        hubspot.portal.update(CONTACTS, "512", {"jobtitle": "CEO"}, USER)
        hubspot.portal.win_deal("900", USER)
        load(hubspot, DEALS, 902, dealstage="qualifiedtobuy", pipeline="default")
        hubspot.portal.update(DEALS, "902", {"dealstage": "closedwon"}, USER)
        hubspot.portal.associate((CONTACTS, "512"), (DEALS, "902"), USER)
        client.write([Update(customer, fields())])
        assert hubspot.webhooks.flush(10)
    events = [event for arrived in receiver.requests for event in verified(arrived, target)]
    assert sorted((event.type, str(event.ref), event.ours) for event in events) == sorted(
        [
            (EventType.CHANGED, str(contact(512)), False),
            (EventType.CHANGED, str(deal(902)), False),
            (EventType.ASSOCIATED, str(contact(512)), False),
            (EventType.CHANGED, str(contact(512)), True),
        ]
    )


def verified(arrived, target):
    method, _, headers, body = arrived
    lower = {name.lower(): value for name, value in headers.items()}
    request = Request(method, "https://behind.a.gateway.example.com/", lower, body)
    CONNECTOR.verify(request, Secret(target, ("an-old-secret", "a-client-secret"), ""), now())
    CONNECTOR.check_shape(request)
    return CONNECTOR.parse(request, CONNECTION)
