from __future__ import annotations

from typing import Any

import pytest

from tests.infra.sandbox.hubspot.conftest import Api

PROPERTIES = "/crm/properties/{v}/contacts"


def option(value: str) -> dict[str, Any]:
    return {"label": f"Label {value}", "value": value, "displayOrder": 0, "hidden": False}


def definition(**changes: Any) -> dict[str, Any]:
    return {
        "name": "emtiaz_tags",
        "label": "Tags",
        "type": "enumeration",
        "fieldType": "checkbox",
        "groupName": "contactinformation",
        "options": [option("a"), option("b"), option("c")],
        **changes,
    }


@pytest.fixture
def contact(api: Api) -> str:
    return api.load(contacts=[{"firstname": "Alice"}])["contacts"][0]


def write(api: Api, contact: str, value: str) -> int:
    body = {"properties": {"emtiaz_tags": value}}
    return api.patch(f"/crm/objects/{{v}}/contacts/{contact}", body).status_code


def stored(api: Api, contact: str) -> str | None:
    answer = api.get(f"/crm/objects/{{v}}/contacts/{contact}", properties="emtiaz_tags")
    return answer.json()["properties"]["emtiaz_tags"]


def test_a_property_can_be_written_only_once_it_is_defined(api: Api, contact: str) -> None:
    before = write(api, contact, "a")
    created = api.post(PROPERTIES, definition()).status_code
    after = write(api, contact, "a")

    assert (before, created, after) == (400, 201, 200)


def test_several_options_are_joined_by_semicolons_and_appended_after_a_leading_one(
    api: Api, contact: str
) -> None:
    api.post(PROPERTIES, definition())

    assert write(api, contact, "a;b") == 200
    assert write(api, contact, ";c;a") == 200
    assert stored(api, contact) == "a;b;c"
    assert write(api, contact, "b") == 200
    assert stored(api, contact) == "b"
    assert write(api, contact, "b;d") == 400


def test_options_are_replaced_as_a_set(api: Api, contact: str) -> None:
    api.post(PROPERTIES, definition())
    api.patch(f"{PROPERTIES}/emtiaz_tags", {"options": [option("d")]})

    assert (write(api, contact, "d"), write(api, contact, "a")) == (200, 400)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "Emtiaz Tags"},
        {"name": "hs_tags"},
        {"label": None},
        {"type": "tags"},
        {"fieldType": "number"},
        {"groupName": "no_such_group"},
        {"options": []},
        {"options": [{"label": "A", "value": "a"}]},
        {"options": [option("a"), option("a")]},
        {"type": "number", "fieldType": "number"},
    ],
)
def test_definitions_that_hubspot_would_refuse_are_refused(
    api: Api, changes: dict[str, Any]
) -> None:
    assert api.post(PROPERTIES, definition(**changes)).status_code == 400


def test_what_exists_is_a_conflict_alone_and_an_error_in_a_batch(api: Api) -> None:
    api.post(PROPERTIES, definition())

    assert api.post(PROPERTIES, definition()).status_code == 409
    batch = api.post(
        f"{PROPERTIES}/batch/create",
        {"inputs": [definition(), definition(name="emtiaz_more")]},
    )
    assert batch.status_code == 207
    assert [one["name"] for one in batch.json()["results"]] == ["emtiaz_more"]
    assert batch.json()["errors"][0]["category"] == "CONFLICT"


def test_groups_are_created_once(api: Api) -> None:
    group = {"name": "emtiaz", "label": "Emtiaz"}

    assert api.post(f"{PROPERTIES}/groups", group).status_code == 201
    assert api.post(f"{PROPERTIES}/groups", group).status_code == 409
    names = [one["name"] for one in api.get(f"{PROPERTIES}/groups").json()["results"]]
    assert names == ["contactinformation", "emtiaz"]


def test_standard_properties_cannot_be_redefined(api: Api) -> None:
    assert api.patch(f"{PROPERTIES}/email", {"label": "Mail"}).status_code == 400
    assert api.get(f"{PROPERTIES}/no_such").status_code == 404
