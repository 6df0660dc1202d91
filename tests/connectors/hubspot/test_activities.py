"""What the properties of a contact tell of its doings, now and in their history."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core.facts import Fact, FactSet, iso
from chalicelib.core.policy import Attribute
from connectors.hubspot.activities import activities
from tests.connectors.hubspot.api_double import (
    ASSOCIATIONS,
    NOW,
    OBJECTS,
    attribute,
    client,
    contact,
    no_links,
)

OPENED = Attribute("opened", "activity", "contact", {"hubspot": "last_open"}, "email.opened")
VIEWED = Attribute("viewed", "activity", "contact", {"hubspot": "views"}, "page.viewed")
START = datetime(2026, 10, 1, 10, tzinfo=UTC)


def at(minutes):
    return START + timedelta(minutes=minutes)


def revision(value, minutes):
    return {"value": value, "timestamp": iso(at(minutes)), "sourceType": "CALCULATED"}


def told(name, value, *revisions):
    """``revisions`` as HubSpot lists them, the newest first."""
    record = {"id": "1", "properties": {name: value}}
    if revisions:
        record["propertiesWithHistory"] = {name: list(revisions)}
    return list(activities(contact(1), record, (OPENED, VIEWED)))


def counts(*revisions):
    return [
        (fact.occurred_at, fact.data["count"])
        for fact in told("views", revisions[0]["value"], *revisions)
    ]


def test_every_value_that_a_last_time_ever_had_is_one_activity():
    history = [revision(iso(at(one)), one + 1) for one in (30, 20, 20, 10)]
    found = told("last_open", iso(at(30)), *history)
    assert [fact.occurred_at for fact in found] == [at(10), at(20), at(30)]
    assert {fact.data["kind"] for fact in found} == {"email.opened"}


@given(times=st.lists(st.integers(0, 10**6), min_size=1))
def test_plain_readings_of_every_value_and_one_of_the_history_end_alike(times):
    values = [iso(at(one)) for one in times]
    plain = [fact for value in values for fact in told("last_open", value)]
    history = [revision(value, one) for one, value in reversed(list(enumerate(values)))]
    assert FactSet.of(plain) == FactSet.of(told("last_open", values[-1], *history))


def test_a_last_time_in_milliseconds_is_the_same_one():
    milliseconds = str(int(START.timestamp() * 1000))
    assert told("last_open", milliseconds) == told("last_open", iso(START))


def test_a_last_time_in_milliseconds_is_no_counter_that_rises():
    milliseconds = [str(int(at(one).timestamp() * 1000)) for one in (0, 5)]
    history = [revision(milliseconds[1], 6), revision(milliseconds[0], 1)]
    assert [fact.occurred_at for fact in told("last_open", milliseconds[1], *history)] == [
        at(0),
        at(5),
    ]


@pytest.mark.parametrize("value", ["12", "0", "20261101", "3.5"])
def test_the_present_value_of_a_counter_tells_nothing(value):
    assert told("views", value) == []


def test_each_rise_of_a_counter_is_an_activity_at_the_later_revision():
    history = [revision("9", 30), revision("4", 20), revision("3", 10)]
    found = told("views", "9", *history)
    assert [(fact.occurred_at, fact.data) for fact in found] == [
        (at(20), {"kind": "page.viewed", "count": 1}),
        (at(30), {"kind": "page.viewed", "count": 5}),
    ]
    assert [fact.id for fact in found] == [f"views@{iso(at(20))}", f"views@{iso(at(30))}"]


def test_falls_and_clearings_tell_nothing():
    history = [
        revision("7", 60),
        revision("", 50),
        revision("5", 40),
        revision("2", 30),
        revision("2", 20),
        revision("8", 10),
    ]
    assert counts(*history) == [(at(40), 3)]


def test_what_was_before_the_oldest_revision_that_is_left_is_not_known():
    assert counts(revision("40", 10)) == []


def test_of_two_revisions_of_one_instant_the_newest_counts():
    history = [revision("9", 20), revision("5", 20), revision("4", 10)]
    assert counts(*history) == [(at(20), 5)]


def test_revisions_that_come_in_another_order_tell_the_same():
    history = [revision("3", 10), revision("9", 30), revision("4", 20)]
    assert counts(*history) == [(at(20), 1), (at(30), 5)]


@given(
    values=st.lists(st.none() | st.integers(0, 50) | st.just(""), min_size=1, max_size=25),
    kept=st.integers(1, 25),
)
def test_a_history_that_lost_its_oldest_revisions_contradicts_nothing(values, kept):
    history = [
        revision(value if value in (None, "") else str(value), one)
        for one, value in reversed(list(enumerate(values)))
    ]
    whole = FactSet.of(told("views", history[0]["value"], *history))
    cut = FactSet.of(told("views", history[0]["value"], *history[:kept]))
    assert whole.merge(cut) == whole


@given(
    st.lists(
        st.tuples(
            st.none() | st.text() | st.from_regex(r"\A-?[0-9]{1,25}(e[0-9]{1,9})?\Z"),
            st.text() | st.integers(0, 10**6).map(lambda minutes: iso(at(minutes))),
        )
    )
)
def test_whatever_a_history_holds_becomes_facts_that_survive_storage(rows):
    history = [{"value": value, "timestamp": stamp} for value, stamp in rows]
    for fact in told("views", None, *history):
        assert Fact.from_json(json.loads(json.dumps(fact.to_json()))) == fact
        assert fact.data.get("count", 1) >= 1


def read_with_history(api, *attributes, subjects=1):
    def read(body):
        past = {
            name: [revision("3", 20), revision("1", 10)] for name in body["propertiesWithHistory"]
        }
        return {
            "results": [
                {"id": one["id"], "properties": {"views": "3"}, "propertiesWithHistory": past}
                for one in body["inputs"]
            ]
        }

    api.answer("POST", OBJECTS + "contacts/batch/read", read)
    api.answer("POST", ASSOCIATIONS + "contacts/deals/batch/read", no_links)
    refs = [contact(one) for one in range(subjects)]
    return client(*attributes).fetch(refs, NOW, history=True)


def test_history_is_read_of_activities_alone_for_fifty_contacts_a_call(api):
    reading = read_with_history(api, VIEWED, OPENED, attribute("job"), subjects=120)
    bodies = api.calls_to(OBJECTS + "contacts")
    assert [len(body["inputs"]) for body in bodies] == [50, 50, 20]
    assert {tuple(body["propertiesWithHistory"]) for body in bodies} == {("last_open", "views")}
    [viewed] = [fact for fact in reading.facts[contact(7)] if fact.id.startswith("views@")]
    assert (viewed.occurred_at, viewed.data["count"]) == (at(20), 2)


def test_without_activities_in_the_policy_history_costs_nothing(api):
    read_with_history(api, attribute("job"), subjects=100)
    [body] = api.calls_to(OBJECTS + "contacts")
    assert body["propertiesWithHistory"] == []


def test_a_plain_reading_asks_for_no_history(api):
    api.answer("POST", OBJECTS + "contacts/batch/read", {"results": []})
    api.mock.post("https://api.hubapi.com" + OBJECTS + "contacts/batch/read", json={"results": []})
    api.answer("GET", OBJECTS + "contacts/1", {}, status=404)
    client(VIEWED).fetch([contact(1)], NOW)
    assert api.calls_to(OBJECTS + "contacts/batch/read")[0]["propertiesWithHistory"] == []
