from zoneinfo import ZoneInfo

import pytest

from chalicelib.events.validation import Fault
from infra.imports.sales import Table, TableUnreadable

FIELDS = {"شماره": "id", "تاریخ": "occurred_at", "موبایل": "phone", "مبلغ": "amount"}
TEHRAN = ZoneInfo("Asia/Tehran")


def rows(text, fields=FIELDS, **more):
    table = Table(fields, TEHRAN, **{"currency": "IRR", **more})
    return list(table.rows(text.splitlines(keepends=True)))


def read(cells, heading="شماره,تاریخ,موبایل,مبلغ", **more):
    (row,) = rows(f"{heading}\n{cells}\n", **more)
    return row.item


def test_a_row_in_persian_is_a_purchase():
    assert read("۱۰۰۱,۱۴۰۵/۰۱/۰۱ ۱۴:۳۰,۰۹۱۲۳۴۵۶۷۸۹,«۱»".replace("«۱»", "۲۵۰٬۰۰۰ تومان")) == {
        "who": {"phone": "09123456789"},
        "type": "purchase",
        "id": "1001",
        "occurred_at": "2026-03-21T11:00:00.000Z",
        "data": {"amount": {"amount": 2_500_000, "currency": "IRR"}},
    }


@pytest.mark.parametrize(
    ("written", "currency", "amount"),
    [("1500", "IRR", 1500), ("1500", "IRT", 15_000), ("۱ میلیون ریال", "IRT", 1_000_000)],
)
def test_a_sum_is_in_the_currency_it_names_or_else_in_that_of_the_table(written, currency, amount):
    found = read(f"1,2026-03-21,09123456789,{written}", currency=currency)
    assert found["data"]["amount"] == {"amount": amount, "currency": "IRR"}


def test_a_column_may_tell_currency_type_and_what_was_taken_back():
    fields = {**FIELDS, "c": "currency", "t": "type", "of": "purchase", "shop": "data.shop"}
    found = read(
        "2,2026-03-21,09123456789,19.99,USD,refund,1,North",
        heading="شماره,تاریخ,موبایل,مبلغ,c,t,of,shop",
        fields=fields,
    )
    assert found["type"] == "refund"
    assert found["data"] == {
        "amount": {"amount": 1999, "currency": "USD"},
        "purchase": "1",
        "shop": "North",
    }


@pytest.mark.parametrize(
    ("cells", "who"),
    [
        ("1,2026-03-21,0912,5,7", {"id": "7"}),
        ("1,2026-03-21,0912,5,", {"phone": "0912"}),
        ("1,2026-03-21,,5,", {}),
    ],
)
def test_who_bought_is_said_by_the_surest_that_a_row_has(cells, who):
    fields = {**FIELDS, "crm": "record"}
    assert read(cells, heading="شماره,تاریخ,موبایل,مبلغ,crm", fields=fields)["who"] == who


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_the_mark_between_cells_is_found_in_the_heading(mark):
    assert read(f"1{mark}2026-03-21{mark}0912{mark}5", heading=mark.join(FIELDS))["id"] == "1"


def test_rows_are_numbered_by_the_line_they_end_in_and_empty_ones_left_out():
    text = 'شماره,تاریخ,موبایل,مبلغ\n1,2026-03-21,0912,5\n\n,,,\n"a\nb",2026-03-21,0912,5\n'
    assert [row.line for row in rows(text)] == [2, 6]


@pytest.mark.parametrize(
    ("cells", "pointer"),
    [
        ("1,someday,0912,5", "/occurred_at"),
        ("1,,0912,5", "/occurred_at"),
        ("1,1405/13/01,0912,5", "/occurred_at"),
        ("1,2026-03-21,0912,five", "/data/amount"),
        ("1,2026-03-21,0912,«۱,۵»", "/data/amount"),
        ("1,2026-03-21,0912", ""),
    ],
)
def test_what_cannot_be_read_without_guessing_is_a_fault_of_its_row(cells, pointer):
    fault = read(cells.replace("«", '"').replace("»", '"'))
    assert isinstance(fault, Fault)
    assert fault.pointer == pointer


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({**FIELDS, "مبلغ": "sum"}, "sum is no field"),
        ({**FIELDS, "nowhere": "amount"}, "no column nowhere"),
        ({"شماره": "id", "موبایل": "phone"}, "occurred_at"),
        ({"شماره": "id", "تاریخ": "occurred_at"}, "record, email, phone"),
    ],
)
def test_a_mapping_that_cannot_work_is_refused_before_any_row(fields, what):
    with pytest.raises(TableUnreadable, match=what):
        rows("شماره,تاریخ,موبایل,مبلغ\n1,2026-03-21,0912,5\n", fields)
