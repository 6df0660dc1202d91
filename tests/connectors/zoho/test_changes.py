"""Walking through what changed, past any number of records of one moment."""

from datetime import timedelta

import pytest

from connectors.zoho import changes
from tests.connectors.zoho.api_double import NOW, V8, attribute, client, contact, error, rows

COQL = V8 + "/coql"
SINCE = NOW - timedelta(minutes=15)


@pytest.fixture(autouse=True)
def short_pages(monkeypatch):
    monkeypatch.setattr(changes, "ROWS", 2)
    monkeypatch.setattr(changes, "MOST_ROWS", 3)


@pytest.fixture
def zoho(api):
    """Contacts alone, as far as modules go, and nothing deleted."""

    def fields(query):
        if query["module"] != "Contacts":
            return 400, error("INVALID_MODULE")
        names = {"Last_Reply": "datetime", "Rating": "picklist"}
        return {
            "fields": [
                {"api_name": one, "id": "1", "data_type": kind} for one, kind in names.items()
            ]
        }

    api.answer("GET", V8 + "/settings/fields", fields)
    api.answer("GET", V8 + "/Contacts/deleted", None, 304)
    return api


def walk(one):
    page = one.changed_since(SINCE, None)
    refs = list(page.refs)
    while page.next:
        page = one.changed_since(SINCE, page.next)
        refs += page.refs
    return refs


def stored(records, field="Modified_Time"):
    """Answers queries for what has changed at an instant or later, by the letter."""

    def answer(body):
        query = body["select_query"]
        at = query.partition(">= '")[2].partition("'")[0]
        beyond = query.partition("id > '")[2].partition("'")[0] if "id > " in query else ""
        most = int(query.rpartition(" ")[2])
        found = [one for one in records if one[field] >= at and one["id"] > beyond]
        found.sort(key=lambda one: ("" if beyond else one[field], one["id"]))
        return rows(*found[:most]) if found else (204, None)

    return answer


def record(identity, minute, field="Modified_Time"):
    return {"id": str(identity), field: f"2026-11-01T07:{minute:02}:00+00:00"}


@pytest.mark.parametrize(
    "minutes",
    [[], [50], [50, 51, 52, 53, 54, 55, 56], [50] * 9, [50, 51, 51, 51, 51, 51, 52], [46, 45, 45]],
)
def test_everybody_who_changed_is_met(zoho, minutes):
    records = [record(one, minute) for one, minute in enumerate(minutes, start=1)]
    zoho.answer("POST", COQL, stored(records))
    assert set(walk(client())) == {contact(one["id"]) for one in records}


def test_the_walk_asks_by_time_and_then_by_id(zoho):
    zoho.answer("POST", COQL, stored([record(one, 50) for one in range(1, 8)]))
    walk(client())
    assert [one["select_query"].partition("where ")[2] for one in zoho.calls_to(COQL)] == [
        "Modified_Time >= '2026-11-01T07:45:00+00:00' order by Modified_Time, id limit 2",
        "Modified_Time >= '2026-11-01T07:50:00+00:00' order by Modified_Time, id limit 3",
        "(Modified_Time >= '2026-11-01T07:50:00+00:00' and id > '0') order by id limit 3",
        "(Modified_Time >= '2026-11-01T07:50:00+00:00' and id > '3') order by id limit 3",
        "(Modified_Time >= '2026-11-01T07:50:00+00:00' and id > '6') order by id limit 3",
    ]


def test_news_in_the_last_time_of_something_are_a_change_and_other_fields_are_not(zoho):
    asked = [
        attribute("replied", field="Last_Reply", of_type="activity", activity="email.replied"),
        attribute("sent", field="Last_Sent", of_type="activity", activity="email.sent"),
        attribute("rated", field="Rating", of_type="activity", activity="x.rated"),
    ]

    def answer(body):
        is_reply = "from Contacts where Last_Reply" in body["select_query"]
        return rows(record(7, 50, "Last_Reply")) if is_reply else (204, None)

    zoho.answer("POST", COQL, answer)
    assert walk(client(*asked)) == [contact(7)]
    assert len(zoho.calls_to(COQL)) == 2


def test_what_was_deleted_is_listed_page_by_page_since_the_last_look(api):
    api.answer("GET", V8 + "/settings/fields", error("INVALID_MODULE"), 400)
    api.answer("POST", COQL, None, 204)

    def deleted(query):
        more = query["page"] == "1"
        return {"data": [{"id": query["page"]}], "info": {"more_records": more}}

    api.answer("GET", V8 + "/Contacts/deleted", deleted)
    api.answer("GET", V8 + "/Leads/deleted", None, 304)
    assert walk(client()) == [contact(1), contact(2)]
    last = api.mock.calls[-1].request
    assert last.headers["If-Modified-Since"] == "2026-11-01T07:45:00+00:00"
