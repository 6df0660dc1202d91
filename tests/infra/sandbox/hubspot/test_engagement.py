from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from infra.sandbox.hubspot.engagement import ACTIVITIES, engage
from infra.sandbox.hubspot.errors import ApiError
from infra.sandbox.hubspot.guesses import Guesses
from infra.sandbox.hubspot.portal import Portal, Settings
from infra.sandbox.hubspot.records import CONTACTS, Actor
from tests.infra.sandbox.conftest import Receiver
from tests.infra.sandbox.hubspot.conftest import Api
from tests.infra.sandbox.hubspot.test_webhooks import configure, events

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Watch:
    now = START


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def portal(watch: Watch) -> Portal:
    return Portal(Settings(), lambda: watch.now)


@pytest.mark.parametrize("name", ACTIVITIES)
def test_every_activity_is_counted_and_dated(portal: Portal, watch: Watch, name: str) -> None:
    contact, activity = portal.load(CONTACTS, {}), ACTIVITIES[name]
    for _ in range(2):
        watch.now += HOUR
        engage(portal, contact.id, name)

    assert {contact.value(one) for one in activity.counters} <= {"2"}
    assert {contact.value(one) for one in activity.latest} == {"2026-01-01T02:00:00.000Z"}
    assert {contact.value(one) for one in activity.first} <= {"2026-01-01T01:00:00.000Z"}
    assert all(
        portal.schema.definition(CONTACTS, one).calculated
        for one in (*activity.counters, *activity.latest, *activity.first)
    )


def test_an_earlier_instant_counts_without_being_the_latest(portal: Portal, watch: Watch) -> None:
    contact = portal.load(CONTACTS, {})
    watch.now += HOUR
    engage(portal, contact.id, "email_open")
    engage(portal, contact.id, "email_open", at=START)

    assert contact.value("hs_email_open") == "2"
    assert contact.value("hs_email_last_open_date") == "2026-01-01T01:00:00.000Z"


@pytest.mark.parametrize("moves", [True, False])
def test_it_moves_the_modified_date_if_so_guessed(
    portal: Portal, watch: Watch, moves: bool
) -> None:
    portal.guesses = Guesses(engagement_moves_dates=moves)
    contact = portal.load(CONTACTS, {})
    watch.now += HOUR
    engage(portal, contact.id, "visit")

    assert contact.updated_at == (watch.now if moves else START)


def test_only_a_known_activity_of_a_contact_that_exists(portal: Portal) -> None:
    for contact, name in (("1", "visit"), (portal.load(CONTACTS, {}).id, "somersault")):
        with pytest.raises(ApiError):
            engage(portal, contact, name)


def test_engagement_rings_for_nobody(api: Api, receiver: Receiver) -> None:
    contact = api.load(contacts=[{"firstname": "Alice"}])["contacts"][0]
    configure(api, receiver)
    body = {"contact": contact, "activity": "email_open", "at": "2026-01-01T00:00:00Z"}
    api.control("POST", "engage", body)

    assert events(api, receiver) == []
    found = api.get(f"/crm/objects/{{v}}/contacts/{contact}", properties="hs_email_last_open_date")
    assert found.json()["properties"]["hs_email_last_open_date"] == "2026-01-01T00:00:00.000Z"


def test_everything_that_a_property_was_can_be_asserted_on(portal: Portal, watch: Watch) -> None:
    first, second = portal.load(CONTACTS, {"city": "Lyon"}), portal.load(CONTACTS, {})
    watch.now += HOUR
    portal.update(CONTACTS, first.id, {"city": "Paris"}, Actor.app(1))
    survivor = portal.merge(CONTACTS, second.id, [first.id], Actor.user(77), new_id=True)
    portal.archive(CONTACTS, survivor.id, Actor.user(77))

    written = portal.property_history(CONTACTS, first.id, "city")

    assert written == [
        ("Lyon", START, "IMPORT"),
        ("Paris", START + HOUR, "INTEGRATION"),
        ("Paris", START + HOUR, "MERGE_OBJECTS"),
    ]
    assert portal.histories(CONTACTS, "city") == {survivor.id: written}
    portal.erase(survivor.id, Actor.user(77))
    with pytest.raises(ApiError):
        portal.property_history(CONTACTS, first.id, "city")


@pytest.mark.parametrize(("kind", "kept"), [("contacts", 45), ("companies", 20)])
def test_the_api_tells_the_newest_revisions_and_no_more(api: Api, kind: str, kept: int) -> None:
    record = api.load(**{kind: [{"city": "0"}]})[kind][0]
    for n in range(1, 50):
        api.control("PATCH", f"records/{kind}/{record}", {"properties": {"city": str(n)}})

    inputs = {"inputs": [{"id": record}], "properties": [], "propertiesWithHistory": ["city"]}
    (found,) = api.post(f"/crm/objects/{{v}}/{kind}/batch/read", inputs).json()["results"]

    values = [one["value"] for one in found["propertiesWithHistory"]["city"]]
    assert values == [str(n) for n in range(49, 49 - kept, -1)]
    assert len(api.control("GET", f"history/{kind}/city")[record]) == 50
