from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from infra.sandbox.hubspot import StandIn
from infra.sandbox.hubspot.errors import ApiError
from infra.sandbox.hubspot.guesses import Guesses
from infra.sandbox.hubspot.portal import Portal, Settings
from infra.sandbox.hubspot.records import COMPANIES, CONTACTS, DEALS, Actor
from tests.infra.sandbox.hubspot.conftest import Api

PATH = "/crm/objects/{v}/contacts"
REP = Actor.user(77)


@pytest.fixture
def contact(api: Api, stand_in: StandIn) -> str:
    """With a deal, and a company that is primary."""
    row = {"firstname": "Alice", "email": "a@example.com"}
    found = api.load(contacts=[row], companies=[{"name": "Blue"}], deals=[{"dealname": "Order"}])
    stand_in.portal.load_link((CONTACTS, found["contacts"][0]), (DEALS, found["deals"][0]))
    company = COMPANIES, found["companies"][0]
    stand_in.portal.load_link((CONTACTS, found["contacts"][0]), company, primary=True)
    return found["contacts"][0]


def statuses(api: Api, contact: str) -> tuple[int, int]:
    """Of a read, and of a read among the deleted."""
    live = api.get(f"{PATH}/{contact}").status_code
    return live, api.get(f"{PATH}/{contact}", archived="true").status_code


def links(stand_in: StandIn, contact: str) -> dict[str, int]:
    record = stand_in.portal.get(CONTACTS, contact)
    return {kind.name: len(stand_in.portal.linked(record, kind)) for kind in (COMPANIES, DEALS)}


def test_a_deleted_record_is_found_only_among_the_deleted(api: Api, contact: str) -> None:
    assert statuses(api, contact) == (200, 404)
    api.delete(f"{PATH}/{contact}")
    assert statuses(api, contact) == (404, 200)

    inputs = {"inputs": [{"id": contact}], "properties": ["firstname"]}
    batch = api.post(f"{PATH}/batch/read?archived=true", inputs).json()["results"]
    listed = api.get(PATH, archived="true").json()["results"]
    assert [one["id"] for one in batch] == [one["id"] for one in listed] == [contact]
    assert all(one["archived"] and one["archivedAt"] for one in (*batch, *listed))
    assert api.post(f"{PATH}/batch/read", inputs).json()["results"] == []


@pytest.mark.parametrize("kept", [True, False])
def test_a_restored_record_is_back_with_or_without_its_associations(
    api: Api, stand_in: StandIn, contact: str, kept: bool
) -> None:
    stand_in.portal.guesses = Guesses(restore_keeps_associations=kept)
    api.delete(f"{PATH}/{contact}")
    api.control("POST", f"records/contacts/{contact}/restore")

    assert statuses(api, contact) == (200, 404)
    assert links(stand_in, contact) == dict.fromkeys(("companies", "deals"), int(kept))
    found = api.get(f"{PATH}/{contact}", properties="associatedcompanyid").json()
    assert (found["properties"]["associatedcompanyid"] is not None) is kept


@pytest.mark.parametrize("first", ["contact", "deal"])
def test_an_association_is_back_when_both_of_its_ends_are(
    stand_in: StandIn, contact: str, first: str
) -> None:
    portal = stand_in.portal
    (deal,) = portal.linked(portal.get(CONTACTS, contact), DEALS)
    ends = [(CONTACTS, contact), (DEALS, deal.id)]
    for kind, one in ends:
        portal.archive(kind, one, REP)
    for kind, one in ends if first == "contact" else reversed(ends):
        portal.restore(kind, one, REP)

    assert portal.linked(portal.get(CONTACTS, contact), DEALS) == (deal,)


def test_a_deletion_is_final_after_ninety_days() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    portal = Portal(Settings(), lambda: now)
    contact = portal.load(CONTACTS, {"firstname": "Alice"}).id
    portal.archive(CONTACTS, contact, REP)
    now += timedelta(days=91)

    with pytest.raises(ApiError, match="too long ago"):
        portal.restore(CONTACTS, contact, REP)


def test_what_is_not_deleted_or_whose_address_is_taken_is_not_restored(
    api: Api, stand_in: StandIn, contact: str
) -> None:
    with pytest.raises(ApiError, match="not found"):
        stand_in.portal.restore(CONTACTS, contact, REP)
    api.delete(f"{PATH}/{contact}")
    api.load(contacts=[{"email": "a@example.com"}])
    with pytest.raises(ApiError, match="already exists"):
        stand_in.portal.restore(CONTACTS, contact, REP)


@pytest.mark.parametrize("deleted", [False, True])
@pytest.mark.parametrize("by", ["id", "email", "control"])
def test_a_privacy_deletion_leaves_nothing(
    api: Api, stand_in: StandIn, contact: str, by: str, deleted: bool
) -> None:
    if deleted and by != "email":
        api.delete(f"{PATH}/{contact}")
    if by == "control":
        api.control("POST", f"contacts/{contact}/erase")
    else:
        body = {"id": contact, "email": "A@example.com"}[by]
        wanted = {"objectId": body} | ({"idProperty": "email"} if by == "email" else {})
        assert api.post(f"{PATH}/gdpr-delete", wanted).status_code == 204

    dump = stand_in.portal.dump()
    assert statuses(api, contact) == (404, 404)
    assert dump["contacts"] == []
    assert dump["deals"][0]["associations"]["contacts"] == {}
    assert api.post(PATH, {"properties": {"email": "a@example.com"}}).status_code == 201
    with pytest.raises(ApiError):
        stand_in.portal.restore(CONTACTS, contact, REP)


def test_only_a_contact_is_privacy_deleted_and_only_once(api: Api, contact: str) -> None:
    wanted = {"objectId": contact}
    assert api.post("/crm/objects/{v}/deals/gdpr-delete", wanted).status_code == 404
    assert api.post(f"{PATH}/gdpr-delete", {"objectId": 5}).status_code == 400
    answers = [api.post(f"{PATH}/gdpr-delete", wanted).status_code for _ in range(2)]
    assert answers == [204, 404]


@pytest.mark.parametrize("moved", [True, False])
def test_associating_moves_modified_dates_if_so_guessed(moved: bool) -> None:
    days = (datetime(2026, 1, day, tzinfo=UTC) for day in range(1, 9))
    portal = Portal(Settings(), lambda: next(days))
    portal.guesses = Guesses(associations_move_dates=moved)
    records = [portal.load(kind, {}) for kind in (CONTACTS, DEALS)]
    ends = [(one.kind, one.id) for one in records]
    dates = [[one.updated_at for one in records]]
    for change in (portal.associate, portal.dissociate):
        change(*ends, REP)
        dates.append([one.updated_at for one in records])

    assert (dates[0] < dates[1] < dates[2]) is moved
    assert (dates[0] == dates[1] == dates[2]) is not moved
