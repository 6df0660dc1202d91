from __future__ import annotations

import pytest

from infra.sandbox._serving.instants import spell
from infra.sandbox.hubspot import StandIn
from infra.sandbox.hubspot.guesses import Guesses
from infra.sandbox.hubspot.records import COMPANIES, CONTACTS, DEALS, Actor
from tests.infra.sandbox.hubspot.conftest import Api

PATH = "/crm/objects/{v}/contacts"


@pytest.fixture
def pair(api: Api) -> tuple[str, str]:
    rows = [
        {"firstname": "Alice", "email": "a@example.com"},
        {"firstname": "Alicia", "lastname": "Moreau", "email": "b@example.com", "city": "Lyon"},
    ]
    primary, other = api.load(contacts=rows)["contacts"]
    return primary, other


@pytest.fixture(params=[False, True], ids=["keeps the id", "gets a new id"])
def merged(
    request: pytest.FixtureRequest, stand_in: StandIn, api: Api, pair: tuple[str, str]
) -> str:
    """The survivor's id."""
    stand_in.portal.guesses = Guesses(merge_gives_new_id=request.param)
    body = {"primaryObjectId": pair[0], "objectIdToMerge": pair[1]}
    survivor = api.post(f"{PATH}/merge", body)
    assert survivor.status_code == 200
    assert (survivor.json()["id"] == pair[0]) is not request.param
    return survivor.json()["id"]


def read(api: Api, contact: str, *names: str) -> dict[str, str | None]:
    answer = api.get(f"{PATH}/{contact}", properties=",".join(names)).json()
    return {"id": answer["id"]} | {name: answer["properties"][name] for name in names}


def test_every_old_id_leads_to_the_survivor(api: Api, pair: tuple[str, str], merged: str) -> None:
    for number, old in enumerate(pair):
        assert read(api, old, "firstname") == {"id": merged, "firstname": "Alice"}
        answer = api.patch(f"{PATH}/{old}", {"properties": {"jobtitle": f"CEO {number}"}})
        assert answer.json()["id"] == merged
        assert read(api, merged, "jobtitle")["jobtitle"] == f"CEO {number}"


def test_values_of_the_primary_win_and_empty_ones_are_filled(
    api: Api, stand_in: StandIn, pair: tuple[str, str], merged: str
) -> None:
    names = ("firstname", "lastname", "city", "email", "hs_additional_emails")
    assert read(api, pair[0], *names) == {
        "id": merged,
        "firstname": "Alice",
        "lastname": "Moreau",
        "city": "Lyon",
        "email": "a@example.com",
        "hs_additional_emails": "b@example.com",
    }
    gone = {*pair} - {merged}
    assert {*read(api, merged, "hs_merged_object_ids")["hs_merged_object_ids"].split(";")} == gone
    sources = [one.by.source_type for one in stand_in.portal.get(CONTACTS, merged).history["city"]]
    assert sources == ["IMPORT", "MERGE_OBJECTS"]


def test_only_the_survivor_is_listed_and_its_modified_date_moved(
    api: Api, stand_in: StandIn, merged: str
) -> None:
    (row,) = api.get(PATH).json()["results"]

    assert row["id"] == merged
    assert row["updatedAt"] == spell(stand_in.portal.get(CONTACTS, merged).history["city"][-1].at)
    assert [one["id"] for one in stand_in.portal.dump()["contacts"]] == [merged]


def test_an_old_id_is_missing_in_batches_unless_reads_are_guessed_to_follow(
    api: Api, stand_in: StandIn, pair: tuple[str, str], merged: str
) -> None:
    old = {"id": pair[1], "properties": {"firstname": "X"}}
    update = api.post(f"{PATH}/batch/update", {"inputs": [old]})
    lost = api.post(f"{PATH}/batch/read", {"inputs": [old]})
    stand_in.portal.guesses = Guesses(batch_read_follows_merges=True)
    found = api.post(f"{PATH}/batch/read", {"inputs": [old, {"id": merged}]})

    for answer in (update, lost):
        assert answer.status_code == 207
        assert answer.json()["errors"][0]["context"]["ids"] == [pair[1]]
        assert answer.json()["errors"][0]["category"] == "OBJECT_NOT_FOUND"
    assert (found.status_code, [one["id"] for one in found.json()["results"]]) == (200, [merged])


def test_an_address_of_a_merged_contact_stays_taken(api: Api, merged: str) -> None:
    answer = api.post(PATH, {"properties": {"email": "b@example.com"}})

    assert (answer.status_code, merged in answer.json()["message"]) == (409, True)


def test_merging_again_leads_every_id_to_the_last_survivor(
    api: Api, stand_in: StandIn, pair: tuple[str, str], merged: str
) -> None:
    third = api.load(contacts=[{"firstname": "Ali"}])["contacts"][0]
    last = api.control("POST", f"records/contacts/{third}/merge", {"others": [pair[1]]})["id"]

    assert {read(api, one)["id"] for one in (*pair, merged, third)} == {last}


@pytest.mark.parametrize("new_id", [False, True])
def test_associations_are_united_and_the_primary_company_of_the_primary_stays(
    api: Api, stand_in: StandIn, pair: tuple[str, str], new_id: bool
) -> None:
    portal = stand_in.portal
    first, second = api.load(companies=[{"name": "Blue"}, {"name": "Red"}])["companies"]
    deals = api.load(deals=[{"dealname": "A"}, {"dealname": "B"}])["deals"]
    for contact, company, deal in zip(pair, (first, second), deals, strict=True):
        portal.load_link((CONTACTS, contact), (COMPANIES, company), primary=True)
        portal.load_link((CONTACTS, contact), (DEALS, deal))

    survivor = portal.merge(CONTACTS, pair[0], [pair[1]], Actor.user(77), new_id=new_id)

    assert {one.id for one in portal.linked(survivor, DEALS)} == {*deals}
    links = portal.associations.of((CONTACTS, survivor.id), COMPANIES)
    assert links == {first: {279, 1}, second: {279}}
    for deal in deals:
        assert portal.linked(portal.get(DEALS, deal), CONTACTS) == (survivor,)


def test_the_primary_company_moves_over_when_companies_are_merged(
    api: Api, stand_in: StandIn, pair: tuple[str, str]
) -> None:
    portal = stand_in.portal
    blue, red = api.load(companies=[{"name": "Blue"}, {"name": "Red"}])["companies"]
    portal.load_link((CONTACTS, pair[0]), (COMPANIES, red), primary=True)
    portal.load_link((CONTACTS, pair[1]), (COMPANIES, red))

    api.control("POST", f"records/companies/{blue}/merge", {"others": [red]})

    assert read(api, pair[0], "associatedcompanyid")["associatedcompanyid"] == blue
    assert portal.associations.of((CONTACTS, pair[1]), COMPANIES) == {blue: {279}}


def test_a_record_is_not_merged_into_itself(api: Api, pair: tuple[str, str], merged: str) -> None:
    for ids in ((merged, pair[1]), (merged, merged)):
        body = dict(zip(("primaryObjectId", "objectIdToMerge"), ids, strict=True))
        assert api.post(f"{PATH}/merge", body).status_code == 400
    assert api.post(f"{PATH}/merge", {"primaryObjectId": merged}).status_code == 400


def test_associating_by_an_old_id_reaches_the_survivor(
    api: Api, stand_in: StandIn, pair: tuple[str, str], merged: str
) -> None:
    deal = api.load(deals=[{"dealname": "A"}])["deals"][0]
    ends = {"from": ["contacts", pair[1]], "to": ["deals", deal]}
    api.control("POST", "associations", ends)

    (linked,) = stand_in.portal.linked(stand_in.portal.get(DEALS, deal), CONTACTS)
    assert linked.id == merged
