"""Writing 200 records in a call, and reading 2,000: what becomes of each stands in its place."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from infra.sandbox.salesforce import StandIn
from infra.sandbox.salesforce.acting import start
from infra.sandbox.salesforce.errors import ApiError
from infra.sandbox.salesforce.lineage import convert
from infra.sandbox.salesforce.records import PERSON
from infra.sandbox.salesforce.rules import DuplicateRule, ValidationRule
from infra.sandbox.salesforce.settings import Settings
from tests.infra.sandbox.salesforce.conftest import Api, deleted, made, person, typed


def codes(results: list[dict[str, Any]]) -> list[str]:
    return [one["errors"][0]["statusCode"] if one["errors"] else "" for one in results]


def test_good_records_are_written_beside_bad_ones(stand_in: StandIn, api: Api) -> None:
    good, gone, frozen = (person(stand_in, name) for name in ("Good", "Gone", "Frozen"))
    lead = made(stand_in, "Lead", LastName="Lee", Company="Olmec Freight")
    deleted(stand_in, "Contact", gone)
    with stand_in.org.transaction(PERSON) as work:
        convert(work, lead)
    stand_in.org.rules.submit(frozen)

    answer = api.update(
        {"id": gone, "Title": "CEO"},
        {"id": good[:15], "Title": "CEO"},
        {"Title": "CEO"},
        {"id": "003Ws0000000zzzIAA", "Title": "CEO"},
        {"id": "nonsense", "Title": "CEO"},
        {"id": good, "Nope__c": 5},
        {"id": good, "MasterRecordId": good},
        {"id": good, "LastName": None},
        {"id": good, "Title": "x" * 129},
        {"id": good, "Email": "nobody"},
        {"id": good, "HasOptedOutOfEmail": "maybe"},
        {"id": frozen, "Title": "CEO"},
        {"id": lead, "Title": "CEO", "type": "Lead"},
    )

    assert answer.status_code == 200
    assert codes(answer.json()) == [
        "ENTITY_IS_DELETED",
        "",
        "MISSING_ARGUMENT",
        "INVALID_CROSS_REFERENCE_KEY",
        "MALFORMED_ID",
        "INVALID_FIELD",
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        "REQUIRED_FIELD_MISSING",
        "STRING_TOO_LONG",
        "INVALID_EMAIL_ADDRESS",
        "INVALID_TYPE_ON_FIELD_IN_RECORD",
        "ENTITY_IS_LOCKED",
        "CANNOT_UPDATE_CONVERTED_LEAD",
    ]
    assert answer.json()[1] == {"id": good, "success": True, "errors": []}
    assert all("id" not in one for one in answer.json() if not one["success"])
    assert stand_in.org.value("Contact", good, "Title") == "CEO"


def test_all_or_none_takes_back_what_was_good(stand_in: StandIn, api: Api) -> None:
    good = person(stand_in)

    answer = api.update({"id": good, "Title": "CEO"}, {"id": good, "Nope": 1}, allOrNone=True)

    assert codes(answer.json()) == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "INVALID_FIELD"]
    assert stand_in.org.value("Contact", good, "Title") is None


@pytest.mark.parametrize(
    ("records", "code"),
    [
        ([], "REQUIRED_FIELD_MISSING"),
        ([{"id": "003Ws0000000001IAA"}] * 201, "EXCEEDED_ID_LIMIT"),
        ([{"type": one} for one in ("Contact", "Lead") * 6], "LIMIT_EXCEEDED"),
    ],
)
def test_too_many_and_too_few_are_refused_as_a_whole(
    api: Api, records: list[dict[str, Any]], code: str
) -> None:
    answer = api.update(*records)

    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


def test_a_record_without_its_kind_is_malformed(api: Api) -> None:
    answer = api.call("PATCH", "/composite/sobjects", json={"records": [{"id": "x"}]})

    assert answer.status_code == 400


def test_one_id_may_come_twelve_times(stand_in: StandIn, api: Api) -> None:
    one = person(stand_in)

    twelve = api.update(*({"id": one, "Title": f"T{n}"} for n in range(12))).json()
    thirteen = api.update(*({"id": one, "Title": f"T{n}"} for n in range(13))).json()

    assert set(codes(twelve)) == {""}
    assert set(codes(thirteen)) == {"DUPLICATE_VALUE"}


def test_a_validation_rule_looks_at_the_whole_record(stand_in: StandIn, api: Api) -> None:
    one = person(stand_in, Phone=None)
    rule = ValidationRule("Contact", "Phone = null", "A phone number is needed", "Phone")
    stand_in.org.rules.demand(rule)

    (refused,) = api.update({"id": one, "Title": "CEO"}).json()
    (taken,) = api.update({"id": one, "Phone": "+90 5"}).json()

    assert refused["errors"] == [
        {
            "statusCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
            "message": "A phone number is needed",
            "fields": ["Phone"],
        }
    ]
    assert taken["success"]


def test_a_duplicate_rule_that_only_alerts_lets_those_pass_who_say_so(
    stand_in: StandIn, api: Api
) -> None:
    one = person(stand_in, Email="a@example.com")
    person(stand_in, Email="A@example.com")
    stand_in.org.rules.forbid_duplicates(DuplicateRule("Contact", "Email", blocks=False))
    allowing = {"Sforce-Duplicate-Rule-Header": "allowSave=true"}

    assert codes(api.update({"id": one, "Title": "x"}).json()) == ["DUPLICATES_DETECTED"]
    assert codes(api.update({"id": one, "Title": "x"}, headers=allowing).json()) == [""]
    stand_in.org.rules.forbid_duplicates(DuplicateRule("Contact", "Email"))
    allowed = api.update({"id": one, "Title": "x"}, headers=allowing)
    assert codes(allowed.json()) == ["DUPLICATES_DETECTED"]


def test_what_may_not_be_edited_is_told_by_its_name(stand_in: StandIn, api: Api) -> None:
    one = person(stand_in)
    stand_in.org.schema.grant("Contact", "Title", "read")

    (refused,) = api.update({"id": one, "Title": "CEO"}).json()

    assert refused["errors"][0]["statusCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"
    assert refused["errors"][0]["fields"] == ["Title"]


def test_a_flow_of_the_customer_may_fail(stand_in: StandIn, api: Api) -> None:
    one = person(stand_in)
    error = ApiError("CANNOT_EXECUTE_FLOW_TRIGGER", "UNABLE_TO_LOCK_ROW, unable to obtain")
    stand_in.org.rules.stumble(one, error, times=2)

    found = [codes(api.update({"id": one, "Title": "CEO"}).json())[0] for _ in range(3)]

    assert found == ["CANNOT_EXECUTE_FLOW_TRIGGER", "CANNOT_EXECUTE_FLOW_TRIGGER", ""]


def test_a_locked_account_locks_its_contacts(stand_in: StandIn, api: Api) -> None:
    acme = made(stand_in, "Account", Name="Acme")
    hers, other = person(stand_in, AccountId=acme), person(stand_in)
    stand_in.org.locks.refuse(acme)
    rows = {"id": hers, "Title": "CEO"}, {"id": other, "Title": "CEO"}

    assert codes(api.update(*rows).json()) == ["UNABLE_TO_LOCK_ROW", ""]
    assert codes(api.update(*rows).json()) == ["", ""]


def test_two_writes_to_one_account_are_in_each_others_way() -> None:
    settings = Settings(lock_wait_s=0.05, write_seconds=0.05)
    with StandIn.start(settings=settings) as stand_in, requests.Session() as session:
        acme = made(stand_in, "Account", Name="Acme")
        row = {"id": person(stand_in, AccountId=acme), "Title": "CEO"}
        api = Api(stand_in.url, session)
        api.log_in()
        with stand_in.org.locks.holding([acme]) as held:
            meanwhile = api.update(row, {"id": person(stand_in), "Title": "CEO"}).json()
        after = api.update(row).json()

    assert held == frozenset()
    assert [codes(meanwhile), codes(after)] == [["UNABLE_TO_LOCK_ROW", ""], [""]]


def test_many_are_read_in_their_places(stand_in: StandIn, api: Api) -> None:
    one, gone = person(stand_in, "One"), person(stand_in, "Gone")
    deleted(stand_in, "Contact", gone)
    body = {"ids": [gone, "nonsense", one[:15]], "fields": ["LastName"]}

    rows = api.call("POST", "/composite/sobjects/Contact", json=body).json()

    assert rows[:2] == [None, None]
    assert (rows[2]["Id"], rows[2]["LastName"]) == (one, "One")
    query = {"ids": one, "fields": "LastName"}
    assert api.call("GET", "/composite/sobjects/Contact", params=query).json() == rows[2:]
    body["ids"] = [one] * 2001
    assert api.call("POST", "/composite/sobjects/Contact", json=body).status_code == 400


def test_creates_and_deletes(stand_in: StandIn, api: Api) -> None:
    rows = [typed({"LastName": "New"}), typed({"FirstName": "Nameless"})]

    made_, refused = api.call("POST", "/composite/sobjects", json={"records": rows}).json()
    query = {"ids": made_["id"]}
    (dropped,) = api.call("DELETE", "/composite/sobjects", params=query).json()

    assert codes([refused]) == ["REQUIRED_FIELD_MISSING"]
    assert dropped["success"]
    assert list(stand_in.org.living("Contact")) == []


def test_tags_keep_the_order_of_their_list_and_new_ones_are_taken(api: Api) -> None:
    with start() as acting:
        one = person(acting)
        here = Api(acting.url, api.session)
        here.log_in()
        found = here.update({"id": one, "Emtiaz_Tags__c": "vip;class:B;class:A;vip"})
        tags = acting.org.value("Contact", one, "Emtiaz_Tags__c")

    assert found.json()[0]["success"]
    assert tags == "class:A;class:B;vip"


def test_a_composite_counts_once_and_answers_each_part(stand_in: StandIn, api: Api) -> None:
    person(stand_in)
    root = "/services/data/v66.0"
    parts = [
        ("people", f"{root}/query?q=SELECT+LastName+FROM+Contact"),
        ("wrong", f"{root}/queryAll?q=SELECT+Nope+FROM+Contact"),
        ("about", f"{root}/sobjects/Contact/describe"),
    ]
    asked = [{"method": "GET", "url": url, "referenceId": name} for name, url in parts]

    answer = api.call("POST", "/composite", json={"allOrNone": False, "compositeRequest": asked})

    people, wrong, about = answer.json()["compositeResponse"]
    assert people["body"]["records"][0]["LastName"] == "Bergmann"
    assert (wrong["httpStatusCode"], wrong["body"][0]["errorCode"]) == (400, "INVALID_FIELD")
    assert (about["referenceId"], about["body"]["name"]) == ("about", "Contact")
    assert answer.headers["Sforce-Limit-Info"] == "api-usage=1/100000"
    assert stand_in.requests.counts() == {
        "POST /services/oauth2/token": 1,
        "POST /services/data/v{version}/composite": 1,
    }


@pytest.mark.parametrize(("path", "most"), [("limits", 25), ("query?q=SELECT+Id+FROM+Lead", 5)])
def test_a_composite_has_so_many_parts_and_no_more(api: Api, path: str, most: int) -> None:
    def ask(number: int) -> int:
        asked = [
            {"method": "GET", "url": f"/services/data/v66.0/{path}", "referenceId": f"r{n}"}
            for n in range(number)
        ]
        return api.call("POST", "/composite", json={"compositeRequest": asked}).status_code

    assert (ask(most), ask(most + 1)) == (200, 400)
