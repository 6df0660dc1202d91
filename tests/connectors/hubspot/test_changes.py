"""The walk through what changed: past the wall of the search, without end or gap."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.core.connector import Page
from chalicelib.core.facts import iso
from chalicelib.core.policy import Attribute
from connectors.hubspot import changes
from connectors.hubspot.api import SEARCH_PAGE, Matches
from tests.connectors.hubspot.api_double import OBJECTS, attribute, client, contact, deal

SINCE = datetime(2026, 10, 31, 12, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CONTACTS_SEARCH = OBJECTS + "contacts/search"
DEALS_SEARCH = OBJECTS + "deals/search"
STREAM = ("contact", "lastmodifieddate")


def at(minutes):
    return SINCE + timedelta(minutes=minutes)


class Index:
    """HubSpot's search over records with one date, behind a wall after very few results.

    The walk asks for first pages only, so a page is all that the wall lets it see.
    """

    def __init__(self, dates, wall):
        self.dates, self.wall = dict(dates), wall
        self.searches = 0

    def search(self, _type, filters, sort):
        self.searches += 1
        found = [one for one in self.dates if all(self.passes(one, each) for each in filters)]
        found.sort(key=(lambda one: self.dates[one]) if sort == STREAM[1] else int)
        records = [
            {"id": one, "properties": {sort: iso(self.dates[one])}} for one in found[: self.wall]
        ]
        return Matches(records, len(found), len(found) > self.wall)

    def passes(self, one, row):
        value = int(row["value"])
        if row["propertyName"] == "hs_object_id":
            return row["operator"] == "GT" and int(one) > value
        assert row["operator"] == "GTE"
        return (self.dates[one] - EPOCH) / timedelta(milliseconds=1) >= value


def walked(index, between=lambda _: None, most=10_000):
    """What a walk meets, page by page, told anew from its cursor each time."""
    position, pages = changes.Position((STREAM,), SINCE), []
    while position is not None:
        assert len(pages) < most, "the walk has no end"
        found = changes.search(index, position)
        pages.append([record["id"] for record in found.records])
        position = position.after(found, SINCE)
        position = position and changes.Position.from_text(position.to_text())
        between(index)
    return pages


minutes = st.integers(-3, 12)
record_dates = st.dictionaries(st.integers(1, 60).map(str), minutes.map(at), max_size=60)


@given(dates=record_dates, wall=st.integers(1, 7))
def test_everything_that_changed_since_is_met_and_nothing_else(dates, wall):
    index = Index(dates, wall)
    met = {one for ids in walked(index) for one in ids}
    assert met == {one for one, date in dates.items() if date >= SINCE}


@given(dates=record_dates, wall=st.integers(1, 7), touched=st.lists(st.integers(1, 60).map(str)))
def test_nothing_is_missed_that_changes_while_the_walk_goes_on(dates, wall, touched):
    waiting = list(touched)

    def somebody_edits(index):
        if waiting and (one := waiting.pop()) in index.dates:
            index.dates[one] = max(index.dates.values()) + timedelta(seconds=1)

    index = Index(dates, wall)
    met = {one for ids in walked(index, somebody_edits) for one in ids}
    assert met >= {one for one, date in dates.items() if date >= SINCE}


@given(count=st.integers(1, 60), wall=st.integers(1, 7), later=st.integers(0, 9))
def test_one_date_shared_by_more_than_any_page_holds_is_walked_by_id(count, wall, later):
    shared = {str(one): at(5) for one in range(1, count + 1)}
    beyond = {str(100 + one): at(6 + one) for one in range(later)}
    index = Index(shared | beyond, wall)
    assert {one for ids in walked(index) for one in ids} == shared.keys() | beyond.keys()


@settings(max_examples=25)
@given(dates=record_dates, wall=st.integers(2, 7))
def test_a_walk_costs_hardly_more_pages_than_there_are(dates, wall):
    index = Index(dates, wall)
    walked(index)
    assert index.searches <= 2 * len(dates) // (wall - 1) + 4


def test_dates_that_the_answer_tells_less_exactly_than_the_index_knows_do_not_stop_the_walk():
    class Coarse(Index):
        def search(self, *asked):
            found = super().search(*asked)
            for record in found.records:
                record["properties"] = {
                    name: text[:19] + "Z" for name, text in record["properties"].items()
                }
            return found

    dates = {str(one): at(1) + timedelta(milliseconds=one) for one in range(1, 900)}
    assert {one for ids in walked(Coarse(dates, 200)) for one in ids} == dates.keys()


def test_a_search_that_gives_nothing_but_promises_more_ends_the_walk():
    class Broken(Index):
        def search(self, *_):
            return Matches([], 5, True)

    assert walked(Broken({}, 1), most=3) == [[]]


def found(*ids, total=None, after=None, **properties):
    results = [{"id": str(one), "properties": properties} for one in ids]
    paging = {"paging": {"next": {"after": after}}} if after else {}
    return {"total": len(ids) if total is None else total, "results": results, **paging}


def test_contacts_come_first_then_deals_and_the_request_is_as_documented(api):
    api.answer("POST", CONTACTS_SEARCH, found(1, 2))
    api.answer("POST", DEALS_SEARCH, found(900))
    one = client()
    first = one.changed_since(SINCE, None)
    assert first == Page((contact(1), contact(2)), first.next)
    assert one.changed_since(SINCE, first.next) == Page((deal(900),), None)
    assert api.calls[0][2] == {
        "filterGroups": [
            {
                "filters": [
                    {
                        "propertyName": "lastmodifieddate",
                        "operator": "GTE",
                        "value": "1793448000000",
                    }
                ]
            }
        ],
        "sorts": [{"propertyName": "lastmodifieddate", "direction": "ASCENDING"}],
        "properties": ["lastmodifieddate"],
        "limit": SEARCH_PAGE,
        "after": "0",
    }
    assert api.calls[1][2]["sorts"][0]["propertyName"] == "hs_lastmodifieddate"


def test_the_second_page_begins_at_the_last_date_of_the_first(api):
    later = found(7, after="200", lastmodifieddate="2026-10-31T12:00:00.250Z")
    api.answer("POST", CONTACTS_SEARCH, later)
    one = client()
    cursor = one.changed_since(SINCE, None).next
    api.mock.replace("POST", "https://api.hubapi.com" + CONTACTS_SEARCH, json=found(8))
    one.changed_since(SINCE, cursor)
    [[row]] = [group["filters"] for group in api.calls[-1][2]["filterGroups"]]
    assert row["value"] == "1793448000250"


def test_a_page_of_one_date_is_followed_by_a_walk_by_id(api):
    shared = found(7, 9, after="200", lastmodifieddate="2026-10-31T12:00:00.000Z")
    api.answer("POST", CONTACTS_SEARCH, shared)
    one = client()
    cursor = one.changed_since(SINCE, None).next
    for beyond in ("0", "9"):
        cursor = one.changed_since(SINCE, cursor).next
        body = api.calls[-1][2]
        assert body["sorts"] == [{"propertyName": "hs_object_id", "direction": "ASCENDING"}]
        assert body["filterGroups"][0]["filters"][1] == {
            "propertyName": "hs_object_id",
            "operator": "GT",
            "value": beyond,
        }


def last_time(name, field):
    return Attribute(name, "activity", "contact", {"hubspot": field}, "email.opened")


def test_a_mailing_brings_nobody_before_somebody_clicks(api):
    definitions = [
        {"name": name, "type": "datetime"}
        for name in ("hs_email_last_send_date", "hs_email_last_click_date")
    ]
    api.answer("GET", "/crm/properties/2026-03/contacts", {"results": definitions})
    api.answer("POST", CONTACTS_SEARCH, found())
    sent = Attribute(
        "sent", "activity", "contact", {"hubspot": "hs_email_last_send_date"}, "email.sent"
    )
    one = client(sent, last_time("clicked", "hs_email_last_click_date"))
    position = changes.Position.from_text(one.changed_since(SINCE, None).next)
    assert ("contact", "hs_email_last_click_date") in position.streams
    assert ("contact", "hs_email_last_send_date") not in position.streams


def test_kinds_and_last_times_that_the_policy_names_are_walked_too(api):
    definitions = [
        {"name": "hs_email_last_open_date", "type": "datetime"},
        {"name": "hs_analytics_num_page_views", "type": "number"},
    ]
    api.answer("GET", "/crm/properties/2026-03/contacts", {"results": definitions})
    for kind in ("contacts", "deals", "companies", "tickets", "feedback_submissions", "line_items"):
        api.answer("POST", f"{OBJECTS}{kind}/search", found())
    one = client(
        last_time("opened", "hs_email_last_open_date"),
        last_time("viewed", "hs_analytics_num_page_views"),
        last_time("replied", "not_in_this_account"),
        attribute("brand", "line_item"),
        attribute("nps", "survey"),
        attribute("urgent", "ticket"),
        attribute("industry", "account"),
    )
    cursor = None
    while (cursor := one.changed_since(SINCE, cursor).next) is not None:
        pass
    walks = [(path, body["sorts"][0]["propertyName"]) for _, path, body in api.calls if body]
    assert walks == [
        (OBJECTS + "contacts/search", "lastmodifieddate"),
        (OBJECTS + "deals/search", "hs_lastmodifieddate"),
        (OBJECTS + "companies/search", "hs_lastmodifieddate"),
        (OBJECTS + "tickets/search", "hs_lastmodifieddate"),
        (OBJECTS + "feedback_submissions/search", "hs_lastmodifieddate"),
        (OBJECTS + "line_items/search", "hs_lastmodifieddate"),
        (OBJECTS + "contacts/search", "hs_email_last_open_date"),
    ]
    assert [path for method, path, _ in api.calls if method == "GET"] == [
        "/crm/properties/2026-03/contacts"
    ]


@given(
    names=st.lists(st.from_regex(r"\A[a-z_]{1,100}\Z"), max_size=30),
    beyond=st.none() | st.integers(0, 10**18).map(str),
)
def test_a_cursor_is_compact_text_that_brings_back_the_position(names, beyond):
    position = changes.Position((STREAM, *(("contact", name) for name in names)), SINCE, beyond)
    text = position.to_text()
    assert changes.Position.from_text(text) == position
    assert " " not in text


def test_no_search_is_longer_than_hubspot_takes(api):
    api.answer("POST", CONTACTS_SEARCH, found())
    longest = changes.Position((("contact", "p" * 100),), SINCE, str(10**18))
    client().changed_since(SINCE, longest.to_text())
    assert len(json.dumps(api.calls[0][2])) < 3000


@pytest.mark.parametrize("offset", [timedelta(0), timedelta(microseconds=999)])
def test_an_instant_is_rounded_down_so_that_nothing_is_left_out(api, offset):
    api.answer("POST", CONTACTS_SEARCH, found())
    client().changed_since(SINCE + offset, None)
    [[row]] = [group["filters"] for group in api.calls[0][2]["filterGroups"]]
    assert row["value"] == "1793448000000"
