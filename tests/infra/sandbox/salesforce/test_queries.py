"""What SOQL finds, and what it does not take."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from infra.sandbox.salesforce import StandIn
from infra.sandbox.salesforce.settings import Settings
from tests.infra.sandbox.salesforce.conftest import (
    ROOT,
    Api,
    changed,
    deleted,
    made,
    person,
)


@pytest.fixture
def acme(stand_in: StandIn) -> str:
    return made(stand_in, "Account", Name="Acme", NumberOfEmployees=240, Industry="Media")


@pytest.fixture
def ines(stand_in: StandIn, acme: str) -> str:
    return person(stand_in, FirstName="Ines", Email="ines@example.com", AccountId=acme, Title="CEO")


@pytest.fixture
def alone(stand_in: StandIn) -> str:
    return person(stand_in, "Olmec", Email="o'neil@example.com", HasOptedOutOfEmail=True)


def names(api: Api, where: str, resource: str = "query") -> list[str]:
    rows = api.rows(f"SELECT LastName FROM Contact WHERE {where} ORDER BY LastName", resource)
    return [one["LastName"] for one in rows]


def test_a_row_has_what_was_asked_for_and_who_it_is(api: Api, ines: str, acme: str) -> None:
    (row,) = api.rows("select id, NAME, Account.Name, account.parentid from contact")

    assert row == {
        "attributes": {"type": "Contact", "url": f"{ROOT}/sobjects/Contact/{ines}"},
        "Id": ines,
        "Name": "Ines Bergmann",
        "Account": {
            "attributes": {"type": "Account", "url": f"{ROOT}/sobjects/Account/{acme}"},
            "Name": "Acme",
            "ParentId": None,
        },
    }


def test_a_parent_that_is_not_there_is_null(api: Api, alone: str) -> None:
    (row,) = api.rows(f"SELECT Account.Name FROM Contact WHERE Id = '{alone}'")

    assert row["Account"] is None


@pytest.mark.usefixtures("ines", "alone")
@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("Email = 'INES@example.com'", ["Bergmann"]),
        (r"Email = 'o\'neil@example.com'", ["Olmec"]),
        ("Email != 'ines@example.com'", ["Olmec"]),
        ("Email IN ('ines@example.com', 'x@example.com')", ["Bergmann"]),
        ("Email NOT IN ('ines@example.com')", ["Olmec"]),
        ("LastName LIKE 'berg%'", ["Bergmann"]),
        ("Title = null", ["Olmec"]),
        ("Title != NULL", ["Bergmann"]),
        ("HasOptedOutOfEmail = TRUE", ["Olmec"]),
        ("Account.NumberOfEmployees >= 240", ["Bergmann"]),
        ("Account.NumberOfEmployees > 240", []),
        ("Account.Name = 'Acme' AND (Title = 'CEO' OR Title = 'CFO')", ["Bergmann"]),
        ("NOT Title = 'CEO'", ["Olmec"]),
        ("CreatedDate > 2020-01-01T00:00:00Z", ["Bergmann", "Olmec"]),
        ("CreatedDate > 2020-01-01T00:00:00.000+03:00", ["Bergmann", "Olmec"]),
        ("AccountId IN (SELECT Id FROM Account WHERE Industry = 'Media')", ["Bergmann"]),
        ("AccountId NOT IN (SELECT Id FROM Account)", ["Olmec"]),
        ("Birthdate = 2000-01-01", []),
    ],
)
def test_conditions(api: Api, where: str, found: list[str]) -> None:
    assert names(api, where) == found


def test_ids_are_the_same_with_15_and_18_characters(api: Api, ines: str) -> None:
    assert names(api, f"Id IN ('{ines[:15]}', '{ines}')") == ["Bergmann"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("SELECT Id, Nope FROM Contact", "INVALID_FIELD"),
        ("SELECT Id, CurrencyIsoCode FROM Contact", "INVALID_FIELD"),
        ("SELECT Nope.Name FROM Contact", "INVALID_FIELD"),
        ("SELECT Id, Id FROM Contact", "INVALID_FIELD"),
        ("SELECT Id FROM Nope", "INVALID_TYPE"),
        ("SELECT Id FROM CurrencyType", "INVALID_TYPE"),
        (
            "SELECT Id FROM Contact WHERE Email = 'a' AND Email = 'b' OR Email = 'c'",
            "MALFORMED_QUERY",
        ),
        ("SELECT Id FROM Contact WHERE", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact LIMIT x", "MALFORMED_QUERY"),
        ('SELECT Id FROM Contact WHERE Email = "a"', "MALFORMED_QUERY"),
        ("SELECT * FROM Contact", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact WHERE CreatedDate > '2020-01-01T00:00:00Z'", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE LastName = 5", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE NumberOfEmployees = '5'", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE Id = 'short'", "INVALID_QUERY_FILTER_OPERATOR"),
        ("SELECT Id FROM Contact WHERE HasOptedOutOfEmail > true", "INVALID_QUERY_FILTER_OPERATOR"),
        ("SELECT Id FROM Contact WHERE LastName INCLUDES ('a')", "INVALID_QUERY_FILTER_OPERATOR"),
        ("SELECT Id FROM Contact WHERE Description = 'a'", "INVALID_FIELD"),
        ("SELECT Id FROM Contact LIMIT 1 OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE"),
        ("SELECT (SELECT Id FROM Nopes) FROM Contact", "INVALID_TYPE"),
    ],
)
def test_what_is_wrong_is_refused(api: Api, query: str, code: str) -> None:
    answer = api.query(query)

    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


def test_a_query_may_have_100_000_characters_but_an_address_no_16_384_bytes(api: Api) -> None:
    ids = ", ".join("'003Ws0000000001IAA'" for _ in range(1000))
    assert api.query(f"SELECT Id FROM Contact WHERE Id IN ({ids})").status_code == 414

    body = {"operation": "query", "query": f"SELECT Id FROM Contact WHERE Id IN ({ids})"}
    assert api.call("POST", "/jobs/query", json=body).status_code == 200
    body["query"] += " " * 100_000 + "LIMIT 1"
    assert api.call("POST", "/jobs/query", json=body).json()[0]["errorCode"] == "MALFORMED_QUERY"


def test_children_come_with_their_parent(
    stand_in: StandIn, api: Api, ines: str, alone: str
) -> None:
    deal = made(
        stand_in, "Opportunity", Name="Deal", StageName="Closed Won", CloseDate="2026-01-05"
    )
    made(stand_in, "OpportunityContactRole", OpportunityId=deal, ContactId=ines, IsPrimary=True)

    rows = api.rows(
        "SELECT Id, (SELECT Opportunity.IsWon, Opportunity.CloseDate FROM OpportunityContactRoles "
        "WHERE IsPrimary = true) FROM Contact ORDER BY CreatedDate, Id"
    )

    first, second = (one["OpportunityContactRoles"] for one in rows)
    assert (first["totalSize"], first["done"], second) == (1, True, None)
    opportunity = first["records"][0]["Opportunity"]
    assert (opportunity["IsWon"], opportunity["CloseDate"]) == (True, "2026-01-05")


def test_order_limit_offset_and_count(stand_in: StandIn, api: Api) -> None:
    for name, title in (("A", "x"), ("B", None), ("C", "y")):
        person(stand_in, name, Title=title)

    def found(end: str) -> list[str]:
        return [one["LastName"] for one in api.rows(f"SELECT LastName FROM Contact {end}")]

    assert found("ORDER BY Title") == ["B", "A", "C"]
    assert found("ORDER BY Title DESC NULLS LAST") == ["C", "A", "B"]
    assert found("ORDER BY LastName DESC LIMIT 1 OFFSET 1") == ["B"]
    assert api.query("SELECT COUNT() FROM Contact").json()["totalSize"] == 3


def test_a_walk_by_stamp_and_id_misses_nobody(stand_in: StandIn, api: Api) -> None:
    ids = [person(stand_in, f"Name {n}") for n in range(5)]
    stand_in.clock.advance(timedelta(minutes=1))
    changed(stand_in, "Contact", ids[1], Title="CEO")
    select, order = "SELECT Id, SystemModstamp FROM Contact", "ORDER BY SystemModstamp, Id LIMIT 2"

    walked, rows = [], api.rows(f"{select} {order}")
    while rows:
        walked += [one["Id"] for one in rows]
        last = rows[-1]
        stamp = last["SystemModstamp"].replace("+0000", "Z")
        after = f"SystemModstamp > {stamp} OR (SystemModstamp = {stamp} AND Id > '{last['Id']}')"
        rows = api.rows(f"{select} WHERE {after} {order}")

    assert walked == [ids[0], *ids[2:], ids[1]]


def test_the_recycle_bin_is_only_for_those_who_ask(stand_in: StandIn, api: Api, ines: str) -> None:
    deleted(stand_in, "Contact", ines)

    assert names(api, "LastName != null") == []
    assert names(api, "IsDeleted = true", "queryAll") == ["Bergmann"]
    stand_in.clock.advance(timedelta(days=16))
    api.log_in()
    assert names(api, "IsDeleted = true", "queryAll") == []


def test_pages_may_be_smaller_than_wished_for_and_end_after_two_days() -> None:
    with StandIn.start(settings=Settings(page_size=200)) as stand_in:
        for n in range(450):
            person(stand_in, f"Name {n}")
        with requests_of(stand_in) as api:
            page = api.query("SELECT Id FROM Contact").json()
            sizes = [len(page["records"])]
            while not page["done"]:
                following = page["nextRecordsUrl"].removeprefix(ROOT)
                page = api.call("GET", following).json()
                sizes.append(len(page["records"]))
            stand_in.clock.advance(timedelta(days=3))
            api.log_in()
            late = api.call("GET", following)

    assert sizes == [200, 200, 50]
    assert late.json()[0]["errorCode"] == "INVALID_QUERY_LOCATOR"


def test_a_hint_of_the_caller_makes_pages_smaller(stand_in: StandIn, api: Api) -> None:
    for n in range(250):
        person(stand_in, f"Name {n}")

    page = api.query("SELECT Id FROM Contact", **{"Sforce-Query-Options": "batchSize=200"}).json()

    assert (len(page["records"]), page["done"], page["totalSize"]) == (200, False, 250)


def test_what_is_hidden_looks_as_if_it_were_not_there(
    stand_in: StandIn, api: Api, ines: str
) -> None:
    stand_in.org.schema.grant("Contact", "Title", "none")

    answer = api.query("SELECT Title FROM Contact")
    assert answer.json()[0]["message"] == "No such column 'Title' on sobject of type Contact"
    described = api.call("GET", "/sobjects/Contact/describe").json()
    assert "Title" not in {one["name"] for one in described["fields"]}
    assert "Title" not in api.call("GET", f"/sobjects/Contact/{ines}").json()


def test_instants_are_to_the_second_in_utc(api: Api, ines: str) -> None:
    (row,) = api.rows("SELECT SystemModstamp FROM Contact")

    assert row["SystemModstamp"].endswith(".000+0000")
    datetime.fromisoformat(row["SystemModstamp"])


def requests_of(stand_in: StandIn):
    """A context with an API that is logged in."""
    from contextlib import contextmanager

    import requests

    @contextmanager
    def opened():
        with requests.Session() as session:
            found = Api(stand_in.url, session)
            found.log_in()
            yield found

    return opened()
