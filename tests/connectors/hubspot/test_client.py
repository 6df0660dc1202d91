import json
from datetime import timedelta

import pytest

from chalicelib.core.connector import Account, Page, Reading
from chalicelib.core.errors import CrmUnavailable
from connectors.hubspot.reference_data import PIPELINES_LIVE, UNKNOWN_STAGE_LIVES
from tests.connectors.hubspot.api_double import (
    ASSOCIATIONS,
    CONNECTION,
    NOW,
    OBJECTS,
    TOKEN,
    account,
    all_found,
    attribute,
    client,
    contact,
    deal,
    linked_to,
    no_links,
)

CONTACTS_READ = OBJECTS + "contacts/batch/read"
DEALS_READ = OBJECTS + "deals/batch/read"
COMPANIES_READ = OBJECTS + "companies/batch/read"
PIPELINES = "/crm/pipelines/2026-03/deals"


def test_account_is_who_the_token_speaks_for(api):
    details = {
        "portalId": 62515,
        "timeZone": "Asia/Tehran",
        "companyCurrency": "USD",
        "additionalCurrencies": ["EUR"],
        "uiDomain": "app.hubspot.com",
    }
    api.answer("GET", "/account-info/2026-03/details", details)
    assert client().account() == Account(id="62515", currency="USD", time_zone="Asia/Tehran")
    [call] = api.mock.calls
    assert call.request.headers["Authorization"] == f"Bearer {TOKEN}"


def test_a_contact_moves_itself_without_asking(api):
    assert client().subjects([contact(1)]) == {contact(1): (contact(1),)}
    assert api.calls == []


def test_deals_and_companies_move_their_contacts(api):
    api.answer("POST", ASSOCIATIONS + "deals/contacts/batch/read", linked_to(2, 1))
    api.answer("POST", ASSOCIATIONS + "companies/contacts/batch/read", linked_to(3))
    looks_at_companies = client(attribute("industry", kind="account"))
    assert looks_at_companies.subjects([deal(900), contact(9), account(700), deal(901)]) == {
        deal(900): (contact(1), contact(2)),
        deal(901): (contact(1), contact(2)),
        account(700): (contact(3),),
        contact(9): (contact(9),),
    }
    assert api.calls == [
        (
            "POST",
            ASSOCIATIONS + "deals/contacts/batch/read",
            {"inputs": [{"id": "900"}, {"id": "901"}]},
        ),
        ("POST", ASSOCIATIONS + "companies/contacts/batch/read", {"inputs": [{"id": "700"}]}),
    ]


def test_a_company_moves_nobody_under_a_policy_that_does_not_look_at_companies(api):
    assert client().subjects([account(700)]) == {account(700): ()}
    assert api.calls == []


def test_a_record_without_contacts_moves_nobody(api):
    api.answer("POST", ASSOCIATIONS + "deals/contacts/batch/read", no_links)
    assert client().subjects([deal(900)]) == {deal(900): ()}


def test_a_company_with_many_contacts_is_read_page_by_page(api):
    def page(body):
        [asked] = body["inputs"]
        first = int(asked.get("after", 0))
        to = [{"toObjectId": one, "associationTypes": []} for one in range(first, first + 500)]
        paging = {"paging": {"next": {"after": str(first + 500)}}} if first < 1000 else {}
        return {"results": [{"from": {"id": asked["id"]}, "to": to, **paging}]}

    api.answer("POST", ASSOCIATIONS + "companies/contacts/batch/read", page)
    [moved] = client(attribute("industry", kind="account")).subjects([account(700)]).values()
    assert set(moved) == {contact(one) for one in range(1500)}
    assert len(api.calls) == 3


def test_fetch_reads_in_batches_of_a_hundred_and_nothing_twice(api):
    api.answer("POST", CONTACTS_READ, all_found)
    api.answer("POST", ASSOCIATIONS + "contacts/deals/batch/read", linked_to(900))
    api.answer("POST", DEALS_READ, all_found)
    api.answer("GET", PIPELINES, {"results": []})
    subjects = [contact(one) for one in range(250)]
    reading = client(attribute("job", field="jobtitle")).fetch(subjects * 2, NOW)
    assert reading.facts.keys() == set(subjects)
    asked = [one["id"] for body in api.calls_to(CONTACTS_READ) for one in body["inputs"]]
    assert sorted(asked) == sorted(str(one) for one in range(250))
    assert [len(body["inputs"]) for body in api.calls_to(CONTACTS_READ)] == [100, 100, 50]
    asked = api.calls_to(CONTACTS_READ)[0]["properties"]
    assert asked == ["hs_merged_object_ids", "jobtitle", "lastmodifieddate"]
    assert [body["inputs"] for body in api.calls_to(DEALS_READ)] == [[{"id": "900"}]]
    assert len(api.calls) == 3 + 3 + 1 + 1


def test_companies_are_read_only_for_a_policy_that_looks_at_them(api):
    api.answer("POST", CONTACTS_READ, all_found)
    api.answer("POST", ASSOCIATIONS + "contacts/deals/batch/read", no_links)
    api.answer("POST", ASSOCIATIONS + "contacts/companies/batch/read", linked_to(700))
    api.answer("POST", COMPANIES_READ, all_found)
    client(attribute("job")).fetch([contact(1)], NOW)
    assert not api.calls_to(COMPANIES_READ)
    client(attribute("industry", kind="account")).fetch([contact(1)], NOW)
    [body] = api.calls_to(COMPANIES_READ)
    assert body["inputs"] == [{"id": "700"}]
    assert {"hs_lastmodifieddate", "industry", "total_revenue"} <= set(body["properties"])


def test_a_contact_without_deals_costs_no_reading_of_deals_or_pipelines(api):
    api.answer("POST", CONTACTS_READ, all_found)
    api.answer("POST", ASSOCIATIONS + "contacts/deals/batch/read", no_links)
    client().fetch([contact(1)], NOW)
    assert len(api.calls) == 2


def test_a_company_or_deal_is_no_subject_though_a_contact_has_its_number(api):
    assert client().fetch([account(1), deal(1)], NOW) == Reading({})
    assert api.calls == []


def test_an_error_other_than_absence_is_never_taken_for_absence(api):
    api.answer(
        "POST",
        CONTACTS_READ,
        {"results": [], "errors": [{"category": "INTERNAL_ERROR", "message": "try later"}]},
        status=207,
    )
    with pytest.raises(CrmUnavailable, match="try later"):
        client().fetch([contact(1)], NOW)


class TestPipelines:
    """What a stage means is remembered for ten minutes, an unknown one for one."""

    @pytest.fixture(autouse=True)
    def one_deal(self, api):
        self.stage = "won"
        self.pipelines = {"results": [{"id": "p", "stages": [self.stage_row("won", "1.0")]}]}
        api.answer("POST", CONTACTS_READ, all_found)
        api.answer("POST", ASSOCIATIONS + "contacts/deals/batch/read", linked_to(900))
        api.answer("POST", DEALS_READ, lambda _: {"results": [self.deal_row()]})
        api.mock.add_callback(
            "GET", CONNECTION.base_url + PIPELINES, lambda _: (200, {}, self.pipelines_json())
        )

    def stage_row(self, stage, probability):
        return {"id": stage, "metadata": {"isClosed": "true", "probability": probability}}

    def deal_row(self):
        return {"id": "900", "properties": {"pipeline": "p", "dealstage": self.stage}}

    def pipelines_json(self):
        return json.dumps(self.pipelines)

    def status(self, one, at):
        [*_, fact] = one.fetch([contact(1)], at).facts[contact(1)]
        return fact.data["status"]

    def test_they_are_read_once_in_ten_minutes(self, api):
        one = client()
        for minutes in (0, 4, 10):
            assert self.status(one, NOW + timedelta(minutes=minutes)) == "won"
        assert len(api.calls_to(PIPELINES)) == 1

    def test_an_edited_stage_is_seen_after_ten_minutes(self, api):
        one = client()
        self.status(one, NOW)
        self.pipelines = {"results": [{"id": "p", "stages": [self.stage_row("won", "0.0")]}]}
        assert self.status(one, NOW + PIPELINES_LIVE) == "won"
        assert self.status(one, NOW + PIPELINES_LIVE + timedelta(seconds=1)) == "lost"

    def test_a_new_stage_is_looked_up_within_a_minute_but_not_at_every_deal(self, api):
        one = client()
        self.status(one, NOW)
        self.stage = "renewed"
        assert self.status(one, NOW + UNKNOWN_STAGE_LIVES) == "open"
        assert len(api.calls_to(PIPELINES)) == 1
        self.pipelines["results"][0]["stages"].append(self.stage_row("renewed", "1.0"))
        assert self.status(one, NOW + UNKNOWN_STAGE_LIVES + timedelta(seconds=1)) == "won"


def test_listing_gives_the_total_with_the_first_page_and_a_cursor_until_the_last(api):
    first = {"results": [{"id": "1"}, {"id": "2"}], "paging": {"next": {"after": "2"}}}
    api.mock.add("GET", CONNECTION.base_url + OBJECTS + "contacts?limit=100", json=first)
    api.mock.add(
        "GET",
        CONNECTION.base_url + OBJECTS + "contacts?limit=100&after=2",
        json={"results": [{"id": "3"}]},
    )
    api.answer("POST", OBJECTS + "contacts/search", {"total": 3, "results": []})
    lister = client()
    assert lister.list_subjects(None) == Page((contact(1), contact(2)), "2", 3)
    assert lister.list_subjects("2") == Page((contact(3),), None, None)
    assert [(method, path) for method, path, _ in api.calls] == [
        ("GET", OBJECTS + "contacts?limit=100"),
        ("POST", OBJECTS + "contacts/search"),
        ("GET", OBJECTS + "contacts?limit=100&after=2"),
    ]


def test_listing_does_without_a_total_that_hubspot_will_not_give(api):
    api.answer("GET", OBJECTS + "contacts", {"results": []})
    api.answer("POST", OBJECTS + "contacts/search", {"message": "no"}, status=400)
    assert client().list_subjects(None) == Page((), None, None)
