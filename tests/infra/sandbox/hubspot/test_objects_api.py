from __future__ import annotations

import pytest
import requests

from infra.sandbox.hubspot import StandIn
from infra.sandbox.hubspot.portal import AppToken, Settings
from tests.infra.sandbox.hubspot.conftest import Api

CONTACTS = "/crm/objects/{v}/contacts"


@pytest.fixture
def two(api: Api) -> list[str]:
    rows = [{"firstname": "Alice", "email": "a@example.com"}, {"firstname": "Benjamin"}]
    return api.load(contacts=rows)["contacts"]


def update(api: Api, *inputs: tuple[str, dict[str, object]]):
    body = {"inputs": [{"id": one, "properties": properties} for one, properties in inputs]}
    return api.post(f"{CONTACTS}/batch/update", body)


def stored(api: Api, contact: str, *names: str) -> dict[str, str | None]:
    answer = api.get(f"{CONTACTS}/{contact}", properties=",".join(names))
    return {name: answer.json()["properties"][name] for name in names}


@pytest.mark.parametrize("version", ["2026-03", "2026-09"])
def test_both_dated_versions_answer(api: Api, two: list[str], version: str) -> None:
    api.version = version

    assert api.get(f"{CONTACTS}/{two[0]}").status_code == 200


@pytest.mark.parametrize("path", ["/crm/v3/objects/contacts", "/crm/objects/2026-03/spaceships"])
def test_numbered_versions_and_unknown_kinds_are_not_found(api: Api, path: str) -> None:
    answer = api.get(path)

    assert (answer.status_code, answer.json()["status"]) == (404, "error")


def test_type_ids_name_the_same_records_as_plurals(api: Api, two: list[str]) -> None:
    assert api.get(f"/crm/objects/{{v}}/0-1/{two[0]}").json()["id"] == two[0]


def test_a_missing_token_is_refused_in_the_envelope(api: Api) -> None:
    api.session.headers.pop("Authorization")

    answer = api.get(CONTACTS)

    assert answer.status_code == 401
    assert {"status", "message", "correlationId", "category"} <= answer.json().keys()


def test_a_token_without_the_scope_is_refused_by_name() -> None:
    scopes = frozenset({"crm.objects.contacts.read"})
    settings = Settings(tokens={"t": AppToken(1, scopes)})
    with StandIn.start(settings=settings) as stand_in, requests.Session() as session:
        session.headers["Authorization"] = "Bearer t"
        api = Api(stand_in.url, session)
        reading = api.get(CONTACTS)
        writing = api.post("/crm/properties/{v}/contacts/groups", {"name": "a", "label": "A"})

    assert reading.status_code == 200
    assert (writing.status_code, writing.json()["category"]) == (403, "MISSING_SCOPES")
    assert "crm.schemas.contacts.write" in str(writing.json()["context"])


def test_only_asked_properties_come_back_and_empty_ones_are_null(api: Api, two: list[str]) -> None:
    found = api.get(f"{CONTACTS}/{two[1]}", properties="email,firstname,undefined").json()

    assert found["properties"].keys() == {
        "email", "firstname", "hs_object_id", "createdate", "lastmodifieddate",
    }  # fmt: skip
    assert found["properties"]["email"] is None
    assert found["properties"]["hs_object_id"] == two[1]


def test_batch_read_reports_missing_ids_in_a_207(api: Api, two: list[str]) -> None:
    answer = api.post(
        f"{CONTACTS}/batch/read",
        {"properties": ["email"], "inputs": [{"id": two[0]}, {"id": "99"}, {"id": "98"}]},
    )

    assert answer.status_code == 207
    assert [one["id"] for one in answer.json()["results"]] == [two[0]]
    assert answer.json()["errors"][0]["category"] == "OBJECT_NOT_FOUND"
    assert answer.json()["errors"][0]["context"]["ids"] == ["99", "98"]


@pytest.mark.parametrize(
    ("path", "extra", "limit"),
    [
        ("/crm/objects/{v}/contacts/batch/read", {}, 100),
        ("/crm/objects/{v}/contacts/batch/read", {"propertiesWithHistory": ["email"]}, 50),
        ("/crm/objects/{v}/contacts/batch/update", {}, 100),
        ("/crm/associations/{v}/contacts/deals/batch/read", {}, 100),
    ],
)
def test_batches_are_taken_up_to_their_limit_and_no_further(
    api: Api, path: str, extra: dict[str, object], limit: int
) -> None:
    def send(size: int) -> int:
        inputs = [{"id": str(n), "properties": {}} for n in range(1000, 1000 + size)]
        return api.post(path, {"inputs": inputs, **extra}).status_code

    assert (send(limit), send(limit + 1)) == (207, 400)


@pytest.mark.parametrize("body", [[], [{"id": "1"}], {}, {"inputs": []}, {"inputs": ["1"]}])
def test_a_batch_without_proper_inputs_is_refused(api: Api, body: object) -> None:
    assert api.post(f"{CONTACTS}/batch/read", body).status_code == 400


def test_broken_json_and_other_media_are_refused(api: Api) -> None:
    address = f"{api.url}/crm/objects/2026-09/contacts/batch/read"
    headers = {"Content-Type": "application/json"}

    assert api.session.post(address, data=b"{", headers=headers, timeout=5).status_code == 400
    assert api.session.post(address, data=b"inputs=1", timeout=5).status_code == 415


@pytest.mark.parametrize("value", [1, 1.5, True, ["a"], {"a": 1}])
def test_values_must_be_text_or_null(api: Api, two: list[str], value: object) -> None:
    assert update(api, (two[0], {"firstname": value})).status_code == 400


def test_null_and_the_empty_text_clear(api: Api, two: list[str]) -> None:
    update(api, (two[0], {"firstname": None, "email": ""}))

    assert stored(api, two[0], "firstname", "email") == {"firstname": None, "email": None}


def test_an_id_twice_in_a_batch_update_is_refused_whole(api: Api, two: list[str]) -> None:
    answer = update(api, (two[0], {"firstname": "X"}), (two[0], {"firstname": "Y"}))

    assert answer.status_code == 400
    assert stored(api, two[0], "firstname") == {"firstname": "Alice"}


@pytest.mark.parametrize(
    ("properties", "code"),
    [
        ({"no_such_property": "1"}, "PROPERTY_DOESNT_EXIST"),
        ({"lifecyclestage": "Customer"}, "INVALID_OPTION"),
        ({"hs_email_open": "3"}, "READ_ONLY_VALUE"),
        ({"lastmodifieddate": "2026-01-01T00:00:00Z"}, "READ_ONLY_VALUE"),
        ({"email": "nobody"}, "INVALID_EMAIL"),
    ],
)
def test_a_bad_value_fails_its_input_alone(
    api: Api, two: list[str], properties: dict[str, object], code: str
) -> None:
    answer = update(api, (two[0], {"firstname": "Anna"}), (two[1], properties))

    error = answer.json()["errors"][0]
    assert answer.status_code == 207
    assert answer.json()["numErrors"] == 1
    assert error["context"]["ids"] == [two[1]]
    assert error["errors"][0]["code"] == code
    assert stored(api, two[0], "firstname") == {"firstname": "Anna"}


def test_a_batch_in_which_nothing_is_valid_is_a_400(api: Api, two: list[str]) -> None:
    answer = update(api, (two[0], {"nope": "1"}))

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["context"] == {"propertyName": ["nope"]}


def test_a_missing_record_fails_its_input_and_trace_ids_come_back(api: Api, two: list[str]) -> None:
    answer = api.post(
        f"{CONTACTS}/batch/update",
        {
            "inputs": [
                {"id": two[0], "objectWriteTraceId": "t-0", "properties": {"firstname": "A"}},
                {"id": "77777", "objectWriteTraceId": "t-1", "properties": {"firstname": "B"}},
            ]
        },
    ).json()

    assert answer["results"][0]["objectWriteTraceId"] == "t-0"
    assert answer["errors"][0]["context"] == {"ids": ["77777"], "objectWriteTraceId": ["t-1"]}


def test_a_write_by_token_is_in_the_history_under_its_app_and_moves_the_modified_date(
    api: Api, two: list[str]
) -> None:
    update(api, (two[0], {"firstname": "Anna"}))

    found = api.get(f"{CONTACTS}/{two[0]}", propertiesWithHistory="firstname").json()
    newest, oldest = found["propertiesWithHistory"]["firstname"]
    assert (newest["value"], newest["sourceType"], newest["sourceId"]) == (
        "Anna", "INTEGRATION", "54321",
    )  # fmt: skip
    assert (oldest["value"], oldest["sourceType"]) == ("Alice", "IMPORT")
    assert found["properties"]["lastmodifieddate"] == newest["timestamp"] == found["updatedAt"]


def test_an_email_is_unique_and_free_again_after_a_deletion(api: Api, two: list[str]) -> None:
    taken = {"properties": {"email": "A@example.com"}}

    assert api.post(CONTACTS, taken).status_code == 409
    assert api.delete(f"{CONTACTS}/{two[0]}").status_code == 204
    assert api.post(CONTACTS, taken).status_code == 201
    assert api.get(f"{CONTACTS}/{two[0]}").status_code == 404


def test_an_app_moves_a_lifecycle_stage_only_forward_unless_it_clears_it_first(
    api: Api, two: list[str]
) -> None:
    update(api, (two[0], {"lifecyclestage": "customer"}))
    update(api, (two[0], {"lifecyclestage": "lead"}))
    assert stored(api, two[0], "lifecyclestage") == {"lifecyclestage": "customer"}

    update(api, (two[0], {"lifecyclestage": ""}))
    update(api, (two[0], {"lifecyclestage": "lead"}))
    assert stored(api, two[0], "lifecyclestage") == {"lifecyclestage": "lead"}


def test_deals_take_only_stages_of_their_pipeline_and_configured_currencies(api: Api) -> None:
    deals = "/crm/objects/{v}/deals"

    def create(**properties: str) -> int:
        return api.post(deals, {"properties": properties}).status_code

    assert create(dealname="A", dealstage="closedwon", deal_currency_code="EUR") == 201
    assert create(dealname="B", dealstage="Closed won") == 400
    assert create(dealname="C", dealstage="closedwon", pipeline="7700100") == 400
    assert create(dealname="D", dealstage="closedwon", deal_currency_code="GBP") == 400


def test_pages_end_where_the_records_end(api: Api) -> None:
    ids = api.load(contacts=[{"firstname": f"N{n}"} for n in range(5)])["contacts"]

    first = api.get(CONTACTS, limit=3).json()
    last = api.get(CONTACTS, limit=3, after=first["paging"]["next"]["after"]).json()

    assert [one["id"] for one in first["results"] + last["results"]] == ids
    assert "paging" not in last
    assert api.get(CONTACTS, limit=101).status_code == 400


def test_associations_come_along_when_asked_for(api: Api, two: list[str]) -> None:
    deal = api.load(deals=[{"dealname": "A"}])["deals"][0]
    ends = {"from": ["contacts", two[0]], "to": ["deals", deal]}
    api.control("POST", "load", {"associations": [ends]})

    found = api.get(f"{CONTACTS}/{two[0]}", associations="deals,companies").json()

    assert found["associations"] == {
        "deals": {"results": [{"id": deal, "type": "contact_to_deal"}]}
    }
