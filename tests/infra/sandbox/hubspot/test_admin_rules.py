from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.infra.sandbox.hubspot.conftest import Api

PATH = "/crm/objects/{v}/contacts"


@pytest.fixture
def two(api: Api) -> list[str]:
    """A customer, who needs a job title from now on, and a lead, who does not."""
    rows = [{"lifecyclestage": "customer"}, {"lifecyclestage": "lead"}]
    ids = api.load(contacts=rows)["contacts"]
    demand = {"when": "lifecyclestage", "value": "customer"}
    api.control("POST", "rules/contacts/jobtitle", demand)
    return ids


def update(api: Api, *ids: str, **properties: str) -> requests.Response:
    inputs = [{"id": one, "properties": properties} for one in ids]
    return api.post(f"{PATH}/batch/update", {"inputs": inputs})


def blamed(error: dict[str, Any]) -> list[str]:
    assert error["category"] == "VALIDATION_ERROR"
    return error["errors"][0]["context"]["propertyName"]


def test_the_newer_version_refuses_a_write_for_a_property_it_does_not_touch(
    api: Api, two: list[str]
) -> None:
    batch = update(api, two[0], city="Lyon")
    single = api.patch(f"{PATH}/{two[0]}", {"properties": {"city": "Lyon"}})
    mixed = update(api, *two, city="Lyon")

    assert (batch.status_code, single.status_code, mixed.status_code) == (400, 400, 207)
    assert blamed(batch.json()) == blamed(single.json()) == ["jobtitle"]
    assert blamed(mixed.json()["errors"][0]) == ["jobtitle"]
    assert mixed.json()["errors"][0]["context"]["ids"] == two[:1]
    assert [one["id"] for one in mixed.json()["results"]] == two[1:]


def test_a_write_that_satisfies_the_rule_passes(api: Api, two: list[str]) -> None:
    assert update(api, two[0], city="Lyon", jobtitle="Buyer").status_code == 200
    assert update(api, two[0], city="Paris").status_code == 200
    assert update(api, two[0], jobtitle="").status_code == 400
    assert update(api, two[0], jobtitle="", lifecyclestage="evangelist").status_code == 200


def test_the_older_version_does_not_enforce_it_nor_does_the_user_interface(
    api: Api, two: list[str]
) -> None:
    api.version = "2026-03"

    assert update(api, two[0], city="Lyon").status_code == 200
    api.control("PATCH", f"records/contacts/{two[0]}", {"properties": {"city": "Paris"}})


def test_creating_obeys_the_rules_too(api: Api, two: list[str]) -> None:
    customer = {"properties": {"lifecyclestage": "customer"}}

    assert api.post(PATH, customer).status_code == 400
    assert api.post(PATH, {"properties": {"lifecyclestage": "lead"}}).status_code == 201
    api.control("DELETE", "rules")
    assert api.post(PATH, customer).status_code == 201


@pytest.mark.parametrize(
    ("version", "statuses"), [("2026-03", [400, 400, 200, 200]), ("2026-09", [400, 400, 200, 400])]
)
def test_bounds_hold_for_what_is_written_and_in_the_newer_version_for_all(
    api: Api, version: str, statuses: list[int]
) -> None:
    company = api.load(companies=[{"numberofemployees": "5"}])["companies"][0]
    api.control("POST", "rules/companies/numberofemployees", {"min": 10, "max": 20.5})
    api.version = version

    def write(**properties: str) -> int:
        path = f"/crm/objects/{{v}}/companies/{company}"
        return api.patch(path, {"properties": properties}).status_code

    found = [write(numberofemployees=value) for value in ("9", "20.6", "20.5")]
    api.control("DELETE", "rules")
    write(numberofemployees="5")
    api.control("POST", "rules/companies/numberofemployees", {"min": 10})

    assert [*found, write(city="Lyon")] == statuses


def test_rules_are_about_properties_that_exist(api: Api) -> None:
    for path, body in (
        ("contacts/nope", {"min": 1}),
        ("companies/numberofemployees", {"min": "many"}),
    ):
        with pytest.raises(AssertionError, match=r"OBJECT_NOT_FOUND|VALIDATION_ERROR"):
            api.control("POST", f"rules/{path}", body)
