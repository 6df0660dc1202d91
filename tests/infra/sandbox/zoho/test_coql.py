from __future__ import annotations

from datetime import timedelta

import pytest

from infra.sandbox.zoho import StandIn
from infra.sandbox.zoho.modules import CONTACTS
from infra.sandbox.zoho.organisation import AT_WORK
from infra.sandbox.zoho.query import parse
from tests.infra.sandbox.zoho.conftest import Api, code, people


def test_deals_of_people_with_what_their_links_lead_to(api: Api, deal: str, ann: str) -> None:
    text = (
        "select Amount, Stage, Contact_Name, Contact_Name.Email, Contact_Name.Account_Name.Employees"
        f" from Deals where Contact_Name in ('{ann}', '1') limit 200"
    )
    answer = api.query(text).json()

    assert answer["data"] == [
        {
            "id": deal, "Amount": 10.0, "Stage": "Closed Won", "Contact_Name": {"id": ann},
            "Contact_Name.Email": "ann@example.com", "Contact_Name.Account_Name.Employees": 50,
        }
    ]  # fmt: skip
    assert answer["info"] == {"count": 1, "more_records": False}


def test_what_changed_since_an_instant_in_order_page_by_page(zoho: StandIn, api: Api) -> None:
    ids = people(zoho, 5)
    zoho.clock.advance(timedelta(minutes=5))
    since = zoho.org.now().isoformat(timespec="seconds")
    for one in (ids[3], ids[1], ids[2]):
        zoho.org.update(CONTACTS, one, {"Title": "CEO"}, AT_WORK)
        zoho.clock.advance(timedelta(seconds=1))
    where = f"Modified_Time >= '{since}' order by Modified_Time, id"

    first = api.query(f"select id from Contacts where {where} limit 0, 2").json()
    second = api.query(f"select id from Contacts where {where} limit 2 offset 2").json()
    assert [one["id"] for one in first["data"]] == [ids[3], ids[1]]
    assert [one["id"] for one in second["data"]] == [ids[2]]
    assert (first["info"]["more_records"], second["info"]["more_records"]) == (True, False)
    assert api.query(f"select id from Contacts where {where} limit 10, 2").status_code == 204


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("Email = 'n1@example.com'", {1}),
        ("Email != 'n1@example.com'", {0, 2}),
        ("Email like 'n%'", {0, 1, 2}),
        ("Email not in ('n0@example.com', 'n1@example.com')", {2}),
        ("(Title is null and (Email = 'n0@example.com' or Last_Name = '0001'))", {0, 1}),
        ("Title is not null", set()),
        ("Email_Opt_Out = false", {0, 1, 2}),
        ("Last_Name between '0001' and '0002'", {1, 2}),
    ],
)
def test_conditions(zoho: StandIn, api: Api, where: str, found: set[int]) -> None:
    ids = people(zoho, 3)
    answer = api.query(f"select id from Contacts where {where}")

    rows = answer.json()["data"] if answer.status_code == 200 else []
    assert {ids.index(one["id"]) for one in rows} == found


@pytest.mark.parametrize(
    "text",
    [
        "select Email from Contacts",
        "select * from Contacts where id is not null",
        "select Email from Contacts where a = 1 and b = 2 and c = 3",
        "select Email from Contacts where (a = 1",
        "select Email from Contacts where Email = 'x' limit many",
        "select Email from Contacts where Email ~ 'x'",
        "delete from Contacts where id is not null",
        "",
    ],
)
def test_what_zoho_would_not_parse_is_a_syntax_error(api: Api, text: str) -> None:
    assert code(api.query(text)) == (400, "SYNTAX_ERROR")


def test_limits_of_a_query(api: Api, ann: str) -> None:
    too_much = 400, "LIMIT_EXCEEDED"
    columns = ", ".join(f"Field_{one}" for one in range(51))
    values = ", ".join(f"'{one}'" for one in range(51))

    assert code(api.query(f"select {columns} from Contacts where id is not null")) == too_much
    assert code(api.query(f"select Email from Contacts where id in ({values})")) == too_much
    assert code(api.query("select Email from Contacts where id is not null limit 2001")) == too_much


def test_unknown_columns_and_values_of_another_type_are_invalid(api: Api, ann: str) -> None:
    invalid = 400, "INVALID_QUERY"

    assert code(api.query("select Nope from Contacts where id is not null")) == invalid
    assert code(api.query("select Email from Contacts where Nope = 1")) == invalid
    assert code(api.query("select Email from Contacts where Modified_Time > 'now'")) == invalid
    assert code(api.query("select Email from Nope where id is not null")) == (
        400, "INVALID_MODULE",
    )  # fmt: skip


def test_credits_go_by_the_limit() -> None:
    text = "select id from Contacts where id is not null limit "

    assert [parse(f"{text}{one}").credits for one in (200, 201, 1_000, 2_000)] == [1, 2, 2, 3]


def test_quotes_are_escaped(zoho: StandIn, api: Api, ann: str) -> None:
    zoho.org.update(CONTACTS, ann, {"Last_Name": "O'Neil"}, AT_WORK)

    found = api.query(r"select Last_Name from Contacts where Last_Name = 'O\'Neil'").json()["data"]
    assert found[0]["Last_Name"] == "O'Neil"
