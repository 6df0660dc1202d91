from __future__ import annotations

import pytest

from infra.sandbox.hubspot import associations_api
from tests.infra.sandbox.hubspot.conftest import Api

READ = "/crm/associations/{v}/contacts/companies/batch/read"
CREATE = "/crm/associations/{v}/contacts/companies/batch/create"


@pytest.fixture
def contact(api: Api) -> str:
    return api.load(contacts=[{"firstname": "Alice"}])["contacts"][0]


@pytest.fixture
def companies(api: Api) -> list[str]:
    return api.load(companies=[{"name": f"Company {n}"} for n in range(3)])["companies"]


def join(api: Api, contact: str, company: str, *type_ids: int) -> int:
    types = [
        {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id}
        for type_id in type_ids
    ]
    one = {"from": {"id": contact}, "to": {"id": company}, "types": types}
    return api.post(CREATE, {"inputs": [one]}).status_code


def types_by_company(api: Api, contact: str) -> dict[str, list[int]]:
    answer = api.post(READ, {"inputs": [{"id": contact}]}).json()
    return {
        to["toObjectId"]: [spec["typeId"] for spec in to["associationTypes"]]
        for result in answer["results"]
        for to in result["to"]
    }


def test_a_new_primary_company_silently_unseats_the_one_before(
    api: Api, contact: str, companies: list[str]
) -> None:
    first, second, _ = companies

    assert join(api, contact, first, 1) == 201
    assert join(api, contact, second, 1) == 201
    assert types_by_company(api, contact) == {first: [279], second: [1, 279]}


def test_types_of_another_pair_are_refused(api: Api, contact: str, companies: list[str]) -> None:
    assert join(api, contact, companies[0], 3) == 400
    assert join(api, contact, companies[0]) == 400


def test_a_record_without_associations_is_an_error_in_a_207(api: Api, contact: str) -> None:
    answer = api.post(READ, {"inputs": [{"id": contact}]})

    assert (answer.status_code, answer.json()["results"]) == (207, [])
    assert answer.json()["errors"][0]["subCategory"] == "crm.associations.NO_ASSOCIATIONS_FOUND"


def test_many_associations_come_in_pages(
    api: Api, contact: str, companies: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(associations_api, "PAGE_LIMIT", 2)
    for company in companies:
        join(api, contact, company, 279)

    first = api.post(READ, {"inputs": [{"id": contact}]}).json()["results"][0]
    after = first["paging"]["next"]["after"]
    last = api.post(READ, {"inputs": [{"id": contact, "after": after}]}).json()["results"][0]

    assert [one["toObjectId"] for one in first["to"] + last["to"]] == companies
    assert "paging" not in last


def test_archiving_a_record_ends_its_associations(
    api: Api, contact: str, companies: list[str]
) -> None:
    join(api, contact, companies[0], 279)
    api.delete(f"/crm/objects/{{v}}/companies/{companies[0]}")

    assert types_by_company(api, contact) == {}
