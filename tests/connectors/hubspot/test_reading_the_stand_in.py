"""Merges, the bin, history, other kinds, currencies and changes, against the stand-in HubSpot."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random

import pytest

from chalicelib.core.connector import Reading, Secret, Update
from chalicelib.core.errors import RecordGone
from chalicelib.core.facts import Fact, FactSet, iso
from chalicelib.core.model import Money
from chalicelib.core.policy import Attribute, MachineTraffic
from chalicelib.scoring.profile import profile_of
from connectors.hubspot.client import HubSpotClient
from infra.sandbox._serving.rate_limit import Rate
from infra.sandbox.hubspot import StandIn
from infra.sandbox.hubspot.guesses import Guesses
from infra.sandbox.hubspot.portal import AppToken, Settings
from infra.sandbox.hubspot.records import (
    COMPANIES,
    CONTACTS,
    DEALS,
    FEEDBACK_SUBMISSIONS,
    HUBSPOT,
    LINE_ITEMS,
    PRODUCTS,
    TICKETS,
    Actor,
)
from tests.connectors.hubspot.api_double import CONNECTION, attribute, contact, deal, ref
from tests.connectors.hubspot.test_against_stand_in import ALL
from tests.fakes.access import FakeAccess
from tests.oracle.hubspot import rows_of

USER = Actor.user(77)
OPENED = Attribute(
    "opened", "activity", "contact", {"hubspot": "hs_email_last_open_date"}, "email.opened"
)
VIEWED = Attribute(
    "viewed", "activity", "contact", {"hubspot": "hs_analytics_num_page_views"}, "page.viewed"
)
EVERY_KIND = (
    attribute("industry", "account"),
    attribute("source", "ticket", "source_type"),
    attribute("comment", "survey", "hs_content"),
    attribute("note", "line_item", "description"),
)


@pytest.fixture(params=["2026-03", "2026-09"])
def version(request):
    return request.param


@pytest.fixture
def hubspot():
    with StandIn.start(settings=Settings(exchange_rates={"EUR": "1.0855"})) as running:
        running.rate_limit.reset(Rate(calls=1000))
        running.search_limit.reset(Rate(calls=1000))
        yield running


@pytest.fixture
def client(version, hubspot):
    return client_of(hubspot, version, attribute("job_title", field="jobtitle"), OPENED, VIEWED)


def client_of(hubspot, version, *attributes):
    connection = replace(CONNECTION, base_url=hubspot.url, api_version=version)
    token = hubspot.token
    return HubSpotClient(connection, Secret("", (), token), attributes, FakeAccess(token))


def load(hubspot, kind, record_id, **properties):
    return hubspot.portal.load(kind, properties, record_id=str(record_id)).id


def now():
    return datetime.now(UTC)


def facts_of(reading, subject):
    return FactSet.of(reading.facts[subject])


class TestIdsThatMoved:
    @pytest.fixture(autouse=True, params=[True, False], ids=["batches follow", "batches do not"])
    def guess(self, request, hubspot):
        hubspot.portal.guesses = Guesses(batch_read_follows_merges=request.param)

    @pytest.mark.parametrize("new_id", [True, False])
    def test_a_merged_contact_leads_to_its_survivor_with_the_deals_of_both(
        self, client, hubspot, new_id
    ):
        for one in (1, 2, 3):
            load(hubspot, CONTACTS, one)
            load(hubspot, DEALS, 900 + one, amount="10", dealstage="closedwon")
            hubspot.portal.load_link((CONTACTS, str(one)), (DEALS, str(900 + one)))
        survivor = hubspot.portal.merge(CONTACTS, "1", ["2"], USER, new_id=new_id).id
        reading = client.fetch([contact(1), contact(2), contact(3)], now())
        losers = {contact(1), contact(2)} - {contact(survivor)}
        assert reading.moved == dict.fromkeys(losers, contact(survivor))
        assert reading.facts.keys() == {contact(survivor), contact(3)}
        assert facts_of(reading, contact(survivor)).linked("deal") == {"901", "902"}

    def test_a_survivor_that_was_merged_again_is_found_from_every_older_id(self, client, hubspot):
        for one in (1, 2, 3):
            load(hubspot, CONTACTS, one)
        hubspot.portal.merge(CONTACTS, "2", ["1"], USER, new_id=False)
        hubspot.portal.merge(CONTACTS, "3", ["2"], USER, new_id=False)
        reading = client.fetch([contact(1), contact(2)], now())
        assert reading.moved == {contact(1): contact(3), contact(2): contact(3)}
        assert reading.facts.keys() == {contact(3)}

    def test_a_merged_deal_counts_once(self, client, hubspot):
        load(hubspot, CONTACTS, 1)
        for one in (900, 901):
            load(hubspot, DEALS, one, amount="10", dealstage="closedwon", closedate="2026-05-06")
            hubspot.portal.load_link((CONTACTS, "1"), (DEALS, str(one)))
        hubspot.portal.merge(DEALS, "900", ["901"], USER, new_id=False)
        facts = facts_of(client.fetch([contact(1)], now()), contact(1))
        assert facts.linked("deal") == {"900"}
        assert len(facts.purchases()) == 1
        assert client.subjects([deal(900)]) == {deal(900): (contact(1),)}

    def test_what_is_in_the_bin_is_gone_and_what_is_erased_is_unknown(self, client, hubspot):
        for one in (1, 2, 3):
            load(hubspot, CONTACTS, one)
        hubspot.portal.archive(CONTACTS, "1", USER)
        hubspot.portal.erase("2", USER)
        reading = client.fetch([contact(1), contact(2), contact(3)], now())
        assert reading.gone == {contact(1)}
        assert reading.facts.keys() == {contact(3)}
        hubspot.portal.restore(CONTACTS, "1", USER)
        assert client.fetch([contact(1)], now()).facts.keys() == {contact(1)}

    def test_the_loser_of_a_merge_into_the_bin_is_unknown(self, client, hubspot):
        for one in (1, 2):
            load(hubspot, CONTACTS, one)
        hubspot.portal.merge(CONTACTS, "1", ["2"], USER, new_id=False)
        hubspot.portal.archive(CONTACTS, "1", USER)
        reading = client.fetch([contact(1), contact(2)], now())
        assert (reading.facts, reading.moved) == ({}, {})
        assert contact(1) in reading.gone

    def test_neither_deleted_nor_merged_records_are_written_or_shown(self, client, hubspot):
        client.provision(ALL, "en")
        for one in (1, 2, 3, 4):
            load(hubspot, CONTACTS, one)
        updates = [Update(contact(one), {"score": 10 * one}) for one in (1, 2, 3, 4)]
        assert client.write(updates) == {}
        hubspot.portal.merge(CONTACTS, "1", ["2"], USER, new_id=False)
        hubspot.portal.archive(CONTACTS, "3", USER)
        refused = client.write(updates)
        assert {ref: type(error) for ref, error in refused.items()} == {
            contact(2): RecordGone,
            contact(3): RecordGone,
        }
        shown = client.shown([update.ref for update in updates], ALL)
        assert {ref: fields["score"] for ref, fields in shown.items()} == {
            contact(1): 10,
            contact(4): 40,
        }

    def test_a_lone_record_that_is_gone_is_told_apart_from_a_refused_value(self, client, hubspot):
        load(hubspot, CONTACTS, 1)
        hubspot.portal.archive(CONTACTS, "1", USER)
        [error] = client.write([Update(contact(1), {"score": 1})]).values()
        assert type(error) is RecordGone


@pytest.fixture
def second_by_second(hubspot, monkeypatch):
    """Whatever happens in the portal happens a second after what was before."""
    seconds = count()
    monkeypatch.setattr(
        hubspot.portal,
        "_clock",
        lambda: now() - timedelta(days=1) + timedelta(seconds=next(seconds)),
    )


@pytest.mark.usefixtures("second_by_second")
def test_opens_and_page_views_are_read_from_the_history(client, hubspot):
    load(hubspot, CONTACTS, 1)
    opens = ["2026-09-01T10:00:00.000Z", "2026-10-12T10:00:00.000Z", "2026-10-30T08:59:58.120Z"]
    for at in opens:
        hubspot.portal.update(CONTACTS, "1", {"hs_email_last_open_date": at}, HUBSPOT)
    for views in ("3", "4", "9", "2"):
        hubspot.portal.update(CONTACTS, "1", {"hs_analytics_num_page_views": views}, HUBSPOT)
    plain = facts_of(client.fetch([contact(1)], now()), contact(1))
    assert [iso(one.occurred_at) for one in plain.activities()] == opens[-1:]
    told = facts_of(client.fetch([contact(1)], now(), history=True), contact(1))
    assert [
        iso(one.occurred_at) for one in told.activities() if one.kind == "email.opened"
    ] == opens
    assert [one.count for one in told.activities() if one.kind == "page.viewed"] == [1, 5]
    assert plain.merge(told).activities() == told.activities()


@pytest.mark.parametrize(("second", "checks"), [("00", ["too_soon"]), ("09", [])])
def test_a_scanners_click_is_told_by_when_its_mail_was_sent(hubspot, version, second, checks):
    def held(name, field, activity):
        return Attribute(name, "activity", "contact", {"hubspot": field}, activity)

    one = client_of(
        hubspot,
        version,
        held("sent", "hs_email_last_send_date", "email.sent"),
        held("clicked", "hs_email_last_click_date", "email.clicked"),
    )
    load(hubspot, CONTACTS, 1)
    for field, value in (
        ("hs_email_last_send_date", "2026-10-30T08:00:00.100Z"),
        ("hs_email_last_click_date", f"2026-10-30T08:00:{second}.500Z"),
        ("hs_email_last_send_date", "2026-10-31T08:00:00.000Z"),
    ):
        hubspot.portal.update(CONTACTS, "1", {field: value}, HUBSPOT)
    told = facts_of(one.fetch([contact(1)], now(), history=True), contact(1))
    profile, _ = profile_of(contact(1), told, now(), MachineTraffic())
    assert [suspect.check for suspect in profile.machines] == checks


def test_history_of_many_contacts_takes_a_call_for_fifty(client, hubspot):
    for one in range(1, 121):
        load(hubspot, CONTACTS, one, hs_email_last_open_date="2026-10-30T08:59:58Z")
    hubspot.requests.reset()
    reading = client.fetch([contact(one) for one in range(1, 121)], now(), history=True)
    assert len(reading.facts) == 120
    reads = {
        route: times for route, times in hubspot.requests.counts().items() if "objects" in route
    }
    assert list(reads.values()) == [3]


@pytest.fixture
def everything(hubspot):
    """A contact with one of each: 512."""
    load(hubspot, CONTACTS, 512)
    load(hubspot, COMPANIES, 700, industry="RETAIL")
    load(
        hubspot, DEALS, 900, amount="1000.00", deal_currency_code="EUR", dealstage="closedwon",
        closedate="2026-05-06T07:08:09Z",
    )  # fmt: skip
    load(hubspot, TICKETS, 800, hs_pipeline_stage="4", hs_ticket_priority="HIGH")
    load(
        hubspot, FEEDBACK_SUBMISSIONS, 600, hs_survey_type="NPS", hs_value="9", hs_content="Good",
        hs_submission_timestamp="2026-09-03T10:00:00Z",
    )  # fmt: skip
    load(hubspot, PRODUCTS, 7100, name="Seat", hs_sku="SEAT")
    load(
        hubspot, LINE_ITEMS, 70, name="Seats", hs_product_id="7100", quantity="30", price="25.00",
        hs_line_item_currency_code="EUR", hs_recurring_billing_period="P12M",
    )  # fmt: skip
    for kind, identity in ((COMPANIES, 700), (DEALS, 900), (TICKETS, 800)):
        hubspot.portal.load_link((CONTACTS, "512"), (kind, str(identity)))
    hubspot.portal.load_link((FEEDBACK_SUBMISSIONS, "600"), (CONTACTS, "512"))
    hubspot.portal.load_link((DEALS, "900"), (LINE_ITEMS, "70"))
    return contact(512)


def test_all_that_belongs_to_a_contact_is_told(hubspot, version, everything):
    facts = facts_of(
        client_of(hubspot, version, *EVERY_KIND).fetch([everything], now()), everything
    )
    assert facts.facts["FACT#links"].data == {
        "deal": ["900"], "account": ["700"], "ticket": ["800"], "survey": ["600"],
        "line_item": ["70"],
    }  # fmt: skip
    data = {kind: facts.states(kind)[0].data for kind in ("ticket", "survey", "line_item", "deal")}
    assert (data["ticket"]["status"], data["ticket"]["priority"]) == ("closed", "high")
    assert (data["survey"]["kind"], data["survey"]["value"]) == ("nps", 9)
    assert data["survey"]["comment"] == "Good"
    assert data["line_item"] == {
        "deal_id": "900",
        "product_id": "7100",
        "name": "Seats",
        "quantity": 30,
        "price": {"amount": 2500, "currency": "EUR"},
        "amount": {"amount": 75000, "currency": "EUR"},
        "value": {"amount": 81413, "currency": "USD"},
        "recurring_period": "P12M",
        "product": {"name": "Seat", "sku": "SEAT"},
    }
    assert [one.amount for one in facts.purchases()] == [Money(108550, "USD")]
    roll_up = facts.states("account")[0].data["roll_up"]
    assert roll_up["contacts"] == 1


def test_each_of_them_rings_for_the_contact(hubspot, version, everything):
    rung = [ref("ticket", 800), ref("survey", 600), ref("line_item", 70), ref("account", 700)]
    moved = client_of(hubspot, version, *EVERY_KIND).subjects(rung)
    assert moved == dict.fromkeys(rung, (everything,))


def test_without_the_scope_for_currencies_hubspots_own_sum_serves(version):
    scopes = frozenset(
        {"crm.objects.contacts.read", "crm.objects.companies.read", "crm.objects.deals.read"}
    )
    settings = Settings(
        tokens={"narrow": AppToken(54321, scopes)}, exchange_rates={"EUR": "1.0855"}
    )
    with StandIn.start(settings=settings) as hubspot:
        load(hubspot, CONTACTS, 1)
        load(
            hubspot, DEALS, 900, amount="1000.00", deal_currency_code="EUR", dealstage="closedwon",
            closedate="2026-05-06T07:08:09Z",
        )  # fmt: skip
        hubspot.portal.load_link((CONTACTS, "1"), (DEALS, "900"))
        facts = facts_of(client_of(hubspot, version).fetch([contact(1)], now()), contact(1))
        assert [one.amount for one in facts.purchases()] == [Money(108550, "USD")]


@pytest.mark.parametrize("pace", ["at once", "second by second"])
def test_the_second_translation_agrees(hubspot, version, pace, request):
    """Purchases and doings of people drawn at random, read with history, as the oracle has them."""
    random = Random(20261101)
    page = {
        "currency": "USD",
        "attributes": {
            "hs_email_last_open_date": {
                "type": "activity", "of": "contact", "activity": "email.opened",
                "hubspot": "hs_email_last_open_date",
            },
            "hs_analytics_num_page_views": {
                "type": "activity", "of": "contact", "activity": "page.viewed",
                "hubspot": "hs_analytics_num_page_views",
            },
        },
    }  # fmt: skip
    if pace == "second by second":
        request.getfixturevalue("second_by_second")
    people = [str(one) for one in range(1, 21)]
    for one in people:
        live_through(hubspot, one, random)
    reading = client_of(hubspot, version, OPENED, VIEWED).fetch(
        [contact(one) for one in people], now(), history=True
    )
    dump = hubspot.portal.dump()
    for one in people:
        rows = rows_of(dump, page, CONNECTION.id, one, {"EUR": "1.0855"})
        expected = FactSet.of(Fact.from_json(row) for row in rows)
        found = facts_of(reading, contact(one))
        assert found.purchases() == expected.purchases()
        assert [doing(one) for one in found.activities()] == [
            doing(one) for one in expected.activities()
        ]


def live_through(hubspot, person, random):
    load(hubspot, CONTACTS, person)
    for number in range(random.randint(0, 3)):
        identity = f"{person}{number:03}"
        load(
            hubspot, DEALS, identity, amount=f"{random.uniform(-5, 5000):.3f}",
            deal_currency_code=random.choice(["USD", "EUR"]),
            dealstage=random.choice(["closedwon", "closedlost", "contractsent"]),
            closedate=f"2026-0{random.randint(1, 9)}-11T12:00:00Z",
        )  # fmt: skip
        hubspot.portal.load_link((CONTACTS, person), (DEALS, identity))
    for _ in range(random.randint(0, 6)):
        views = random.choice(["", "1", "2", "7", "30"])
        hubspot.portal.update(CONTACTS, person, {"hs_analytics_num_page_views": views}, HUBSPOT)
        opened = f"2026-10-{random.randint(10, 30)}T08:59:58.120Z"
        hubspot.portal.update(CONTACTS, person, {"hs_email_last_open_date": opened}, HUBSPOT)


def doing(activity):
    return activity.kind, activity.occurred_at, activity.count


class TestChanges:
    @pytest.fixture(autouse=True)
    def low_wall(self, monkeypatch):
        """As low as one page: whoever asks for a second one is refused."""
        monkeypatch.setattr("infra.sandbox.hubspot.search.RESULT_LIMIT", 200)

    def walk(self, client, since):
        met, cursor, pages = [], None, 0
        while pages < 50:
            page = client.changed_since(since, cursor)
            met += page.refs
            pages += 1
            if (cursor := page.next) is None:
                return met
        raise AssertionError("the walk has no end")

    def test_more_records_than_the_search_ever_gives_are_all_met(self, client, hubspot):
        moment = now() - timedelta(days=1)
        for one in range(1, 451):
            at = moment + timedelta(seconds=one if one > 250 else 0)  # 250 share one instant
            hubspot.portal.load(CONTACTS, {}, record_id=str(one), created_at=at)
        for one in range(1, 21):
            hubspot.portal.load(DEALS, {}, record_id=str(one), created_at=moment)
        old = hubspot.portal.load(CONTACTS, {}, created_at=moment - timedelta(days=1)).id
        met = self.walk(client, moment)
        assert set(met) == {contact(one) for one in range(1, 451)} | {
            deal(one) for one in range(1, 21)
        }
        assert contact(old) not in met

    def test_who_was_active_is_met_though_the_record_did_not_change(self, client, hubspot):
        hubspot.portal.guesses = Guesses(engagement_moves_dates=False)
        long_ago = now() - timedelta(days=30)
        hubspot.portal.load(CONTACTS, {}, record_id="1", created_at=long_ago)
        hubspot.portal.load(
            CONTACTS,
            {"hs_email_last_open_date": iso(now() - timedelta(minutes=5))},
            record_id="2",
            created_at=long_ago,
        )
        assert self.walk(client, now() - timedelta(hours=1)) == [contact(2)]

    def test_every_kind_that_the_policy_reads_is_walked(self, hubspot, version, everything):
        reader = client_of(hubspot, version, *EVERY_KIND)
        met = self.walk(reader, now() - timedelta(minutes=5))
        kinds = {"contact", "account", "deal", "ticket", "survey", "line_item"}
        assert {one.kind for one in met} == kinds
        assert everything in met


def test_a_reading_of_nobody_is_empty(client):
    assert client.fetch([], now()) == Reading({})
