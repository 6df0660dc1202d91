"""How much is asked for what is read, and what is not there."""

from datetime import timedelta

import pytest

from chalicelib.core.errors import CredentialsInvalid
from connectors._http import Refused
from tests.connectors.zoho.api_double import (
    NOW,
    V8,
    attribute,
    client,
    contact,
    deal,
    error,
    lead,
    ref,
    rows,
)

CONTACTS, COQL, FIELDS = V8 + "/Contacts", V8 + "/coql", V8 + "/settings/fields"
DEAL_FIELDS = ("Contact_Name", "Stage", "Amount", "Closing_Date", "Modified_Time")
MODIFIED = "2026-10-01T00:00:00+00:00"


def described(*names, of_type="text"):
    return {"fields": [{"api_name": one, "id": "1", "data_type": of_type} for one in names]}


def everybody(query):
    ids = query["ids"].split(",")
    return rows(*({"id": one, "Modified_Time": MODIFIED} for one in ids))


@pytest.fixture
def zoho(api):
    """Contacts that have nothing but themselves."""
    api.answer("GET", CONTACTS, everybody)
    api.answer("GET", FIELDS, described(*DEAL_FIELDS))
    api.answer("POST", COQL, None, 204)
    return api


def test_a_hundred_contacts_take_two_calls_and_their_deals_two_more(zoho):
    one, people = client(), [contact(5725767000000500000 + n) for n in range(100)]
    one.fetch(people, NOW)
    assert [path for _, path, _ in zoho.calls] == [CONTACTS, CONTACTS, FIELDS, COQL, COQL]
    assert all(len(query["ids"]) <= 1024 for query in zoho.calls_to(CONTACTS))
    one.fetch(people, NOW)
    assert len(zoho.calls_to(FIELDS)) == 1


def test_a_policy_of_many_attributes_reads_fifty_fields_a_call(zoho):
    many = [attribute(f"a{one:02}", field=f"Field_{one:02}") for one in range(60)]
    client(*many).fetch([contact(1)], NOW)
    asked = [query["fields"].split(",") for query in zoho.calls_to(CONTACTS)]
    assert [len(names) for names in asked] == [50, 11]


def test_a_field_that_is_not_there_costs_a_policy_only_that_field(api):
    def answer(query):
        if "Shoe_Size" in query["fields"]:
            return 400, error("INVALID_DATA", "no such field", api_name="Shoe_Size")
        return rows({"id": "1", "Title": "CEO", "Modified_Time": MODIFIED})

    api.answer("GET", CONTACTS, answer)
    api.answer("GET", FIELDS, described("Title", *DEAL_FIELDS))
    api.answer("POST", COQL, None, 204)
    found = client(attribute("title", field="Title"), attribute("size", field="Shoe_Size")).fetch(
        [contact(1)], NOW
    )
    assert found.facts[contact(1)][0].data == {"title": "CEO"}


def test_a_refusal_for_another_reason_stays_one(api):
    api.answer("GET", CONTACTS, error("INVALID_DATA"), 400)
    api.answer("GET", FIELDS, described("Modified_Time"))
    with pytest.raises(Refused):
        client().fetch([contact(1)], NOW)


def test_a_module_that_is_not_there_is_asked_for_once(api):
    def answer(query):
        if query["module"] == "Cases":
            return 400, error("INVALID_MODULE")
        return described(*DEAL_FIELDS)

    api.answer("GET", CONTACTS, everybody)
    api.answer("GET", FIELDS, answer)
    api.answer("POST", COQL, None, 204)
    one = client(attribute("origin", kind="ticket", field="Case_Origin"))
    for _ in range(2):
        facts = one.fetch([contact(1)], NOW).facts[contact(1)]
        assert facts[1].data == {"deal": [], "ticket": []}
    assert [query["module"] for query in api.calls_to(FIELDS)] == ["Deals", "Cases"]


def test_deals_cannot_be_done_without(api):
    api.answer("GET", CONTACTS, everybody)
    api.answer("GET", FIELDS, error("OAUTH_SCOPE_MISMATCH", "deals are withheld"), 401)
    with pytest.raises(CredentialsInvalid, match="withheld"):
        client().fetch([contact(1)], NOW)


def test_what_a_contact_has_much_of_is_read_to_its_end(api):
    def answer(body):
        query = body["select_query"]
        if "id > '199'" in query:
            assert "(Contact_Name in ('1') and id > '199') order by id limit 2000" in query
            return rows({"id": "200", "Contact_Name": {"id": "1"}})
        return rows(*({"id": str(one), "Contact_Name": {"id": "1"}} for one in range(200)))

    api.answer("GET", CONTACTS, everybody)
    api.answer("GET", FIELDS, described(*DEAL_FIELDS))
    api.answer("POST", COQL, answer)
    facts = client().fetch([contact(1)], NOW).facts[contact(1)]
    assert sum(fact.type == "deal" for fact in facts) == 201


def test_a_stage_that_is_new_is_looked_up_and_not_at_every_deal_in_it(api):
    stages = [{"actual_value": "Paid", "display_value": "Paid", "forecast_type": "Closed Won"}]

    def fields(_query):
        told = described(*DEAL_FIELDS)
        told["fields"][1]["pick_list_values"] = list(stages)
        return told

    row = {"id": "9", "Contact_Name": {"id": "1"}, "Stage": "Settled", "Amount": 1}
    api.answer("GET", CONTACTS, everybody)
    api.answer("GET", FIELDS, fields)
    api.answer("POST", COQL, rows({**row, "Closing_Date": "2026-10-01"}))
    one = client()
    status = lambda: one.fetch([contact(1)], NOW).facts[contact(1)][2].data["status"]  # noqa: E731
    assert status() == "open"
    stages.append({**stages[0], "actual_value": "Settled", "display_value": "Settled"})
    assert status() == "open"
    one._modules.now = lambda: NOW + timedelta(minutes=2)
    assert status() == "won"
    assert len(api.calls_to(FIELDS)) == 2


def test_a_converted_lead_whose_contact_was_deleted_goes_with_it(api):
    converted = {"id": "7", "Converted__s": True, "Converted_Contact": {"id": "1"}}
    api.answer("GET", V8 + "/Leads", rows(converted))
    api.answer("GET", CONTACTS, None, 204)
    api.answer("GET", CONTACTS + "/deleted", rows({"id": "1"}))
    reading = client().fetch([lead(7)], NOW)
    assert (reading.facts, reading.gone, reading.moved) == ({}, {lead(7)}, {})


def test_a_bin_that_is_full_is_not_searched_for_ever(api):
    api.answer("GET", CONTACTS, None, 204)
    info = {"more_records": True, "next_page_token": "beyond"}
    api.answer("GET", CONTACTS + "/deleted", {"data": [{"id": "9"}], "info": info})
    assert client().fetch([contact(1)], NOW).gone == frozenset()
    assert len(api.calls_to(CONTACTS + "/deleted")) == 25


@pytest.mark.parametrize("token", ["beyond", None])
def test_pages_of_the_bin_have_numbers_up_to_the_tenth_and_tokens_beyond(api, token):
    def deleted(query):
        is_last = "page_token" in query
        info = {"more_records": not is_last, "next_page_token": token}
        return {"data": [{"id": "1" if is_last else "9"}], "info": info}

    api.answer("GET", CONTACTS, None, 204)
    api.answer("GET", CONTACTS + "/deleted", deleted)
    assert client().fetch([contact(1)], NOW).gone == ({contact(1)} if token else frozenset())
    asked = [one.get("page") for one in api.calls_to(CONTACTS + "/deleted")]
    assert asked == [*map(str, range(1, 11)), *([None] if token else [])]


def test_kinds_that_are_not_read_lead_to_nobody_at_no_cost(api):
    records = [ref("account", 1), ref("ticket", 2), ref("line_item", 3)]
    assert client().subjects(records) == dict.fromkeys(records, ())
    assert api.calls == []


def test_deals_lead_to_their_contacts_by_one_query(api):
    api.answer("POST", COQL, rows({"id": "9", "Contact_Name": {"id": "1"}}, {"id": "8"}))
    found = client().subjects([deal(9), deal(8), contact(3)])
    assert found == {deal(9): (contact(1),), deal(8): (), contact(3): (contact(3),)}
    query = "select id, Contact_Name from Deals where id in ('8', '9') order by id limit 200"
    assert api.calls_to(COQL) == [{"select_query": query}]


def test_an_organisation_of_one_currency_has_no_rates(api):
    foreign = {"id": "9", "Contact_Name": {"id": "1"}, "Amount": 5, "Currency": "EUR"}
    api.answer("GET", CONTACTS, everybody)
    api.answer("GET", FIELDS, described(*DEAL_FIELDS, "Currency"))
    api.answer("POST", COQL, rows(foreign))
    api.answer("GET", V8 + "/org/currencies", error("FEATURE_NOT_ENABLED"), 400)
    one = client()
    for _ in range(2):
        data = one.fetch([contact(1)], NOW).facts[contact(1)][2].data
        assert data["amount"] == {"amount": 500, "currency": "EUR"}
        assert "value" not in data
    assert len(api.calls_to(V8 + "/org/currencies")) == 1


CAMPAIGN = attribute(
    "campaign", field="Campaigns.Start_Date", of_type="activity", activity="x.campaign"
)


def test_related_lists_are_asked_for_only_where_the_past_is(zoho):
    listed = {"id": "77", "Start_Date": "2026-10-01"}
    zoho.answer("GET", CONTACTS + "/1/Campaigns", rows(listed))
    one = client(CAMPAIGN)
    assert not [fact for fact in known(one.fetch([contact(1)], NOW)) if fact.type == "activity"]
    [_, activity, *_] = known(one.fetch([contact(1)], NOW, history=True))
    assert (activity.id, activity.data) == ("Campaigns:77", {"kind": "x.campaign"})
    assert zoho.calls_to(CONTACTS + "/1/Campaigns") == [{"fields": "Start_Date", "per_page": "200"}]


def known(reading):
    return reading.facts[contact(1)]


def test_a_related_list_that_is_not_there_is_asked_for_once(zoho):
    zoho.answer("GET", CONTACTS + "/1/Campaigns", error("INVALID_DATA"), 400)
    one = client(CAMPAIGN)
    one.fetch([contact(1), contact(2)], NOW, history=True)
    one.fetch([contact(1)], NOW, history=True)
    assert len(zoho.calls_to(CONTACTS + "/1/Campaigns")) == 1
