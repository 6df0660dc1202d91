"""Tables of who bought when, as people have them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from infra.imports.sales import TableUnreadable
from infra.imports.transactions import Reading, read

TEHRAN = ZoneInfo("Asia/Tehran")
USD = Reading(ZoneInfo("UTC"), "USD")


def amounts(found):
    return {
        customer: [one.worth.amount for one in bills.sales.values()]
        for customer, bills in found.by_customer.items()
    }


def only(text, reading=USD):
    found = read(text.splitlines(keepends=True), reading)
    assert found.faults == []
    return found


def reason(text, reading=USD):
    (fault,) = read(text.splitlines(keepends=True), reading).faults
    return fault.line, fault.reason


@pytest.mark.parametrize(
    "heading",
    ["customer_id,order_date,revenue", "Customer ID;Date;Total", "CustomerID\tInvoiceDate\tAmount",
     "e-mail,created_at,order total", "مشتری,تاریخ خرید,مبلغ", "شناسهٔ مشتری,تاريخ,جمع كل"],
)  # fmt: skip
def test_columns_are_known_by_their_headings(heading):
    delimiter = next(sign for sign in ",;\t" if sign in heading)
    row = delimiter.join(("7", "2026-03-21", "19.99"))
    assert amounts(only(f"{heading}\n{row}\n")) == {"7": [1999]}


def test_a_table_in_persian_may_have_jalali_days_persian_digits_and_toman():
    text = "مشتری,تاریخ,مبلغ,ارز\nمریم,۱۴۰۵/۱/۱,۲۵۰٬۰۰۰,تومان\nمریم,۱۴۰۵/۱/۲,۲ میلیون تومان,\n"
    found = only(text, Reading(TEHRAN))
    assert amounts(found) == {"مریم": [2_500_000, 20_000_000]}
    first = next(iter(found.by_customer["مریم"].sales.values()))
    assert first.at == datetime(2026, 3, 20, 20, 30, tzinfo=UTC)


def test_a_table_without_a_heading_is_read_by_the_names_of_its_columns():
    reading = Reading(ZoneInfo("UTC"), "USD", columns=("_", "customer", "date", "_", "amount"))
    found = only(" 00004 0001 19970101  2   29.33\n 00004 0001 19970118  2   29.73\n", reading)
    assert amounts(found) == {"0001": [2933, 2973]}
    assert found.rows == 2


def test_lines_of_one_order_are_one_purchase():
    text = "customer,date,amount,order\n7,2026-03-21,10,a\n7,2026-03-21,5,a\n7,2026-03-22,1,b\n"
    assert amounts(only(text)) == {"7": [1500, 100]}


def test_a_column_returns_names_the_purchase_that_was_given_back():
    text = "customer,date,amount,order,refund_of\n7,2026-03-21,10,a,\n7,2026-03-25,-4,b,a\n"
    (bills,) = only(text).by_customer.values()
    (refund,) = bills.refunds
    assert (refund.worth.amount, refund.data["purchase"]) == (-400, "a")


def test_a_table_without_sums_tells_when_people_bought():
    found = only("customer,date\n7,2026-03-21\n8,2026-03-22\n")
    assert found.unpriced
    assert set(found.by_customer) == {"7", "8"}


def test_sums_of_zero_count_for_nothing():
    found = only("customer,date,amount\n7,2026-03-21,0\n7,2026-03-22,1\n")
    assert (found.zeros, amounts(found)) == (1, {"7": [100]})


def test_another_format_of_days_can_be_named():
    reading = Reading(ZoneInfo("UTC"), "USD", date_format="%m/%d/%Y %H:%M")
    (bills,) = only("customer,date,amount\n7,12/1/2010 8:26,1\n", reading).by_customer.values()
    (sale,) = bills.sales.values()
    assert sale.at == datetime(2010, 12, 1, 8, 26, tzinfo=UTC)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("7,soon,1", "“soon” is no day that can be read: write 2026-03-21 or ۱۴۰۵/۱/۱"),
        ("7,2026-02-30,1", "“2026-02-30” is no day"),
        ("7,,1", "an empty cell is no day"),
        ("7,2026-03-21,much", "“much” is no sum that can be read: write 19.99"),
        ("7,2026-03-21,-5", "below zero and does not say of which purchase it is the refund"),
        ("7,2026-03-21,5 €", "is in EUR, and what stands above in USD: convert it"),
        (",2026-03-21,5", "names no customer"),
        ("7,2026-03-21", "has 2 cells, and 3 are meant"),
    ],
)
def test_a_row_that_cannot_be_read_says_why_and_what_to_write(row, told):
    line, why = reason(f"customer,date,amount\n1,2026-03-21,1\n{row}\n")
    assert line == 3
    assert told in why


def test_sums_without_a_currency_ask_for_one():
    _, why = reason("customer,date,amount\n7,2026-03-21,5\n", Reading(ZoneInfo("UTC")))
    assert "--currency" in why


def test_a_currency_that_is_none_is_a_fault():
    _, why = reason("customer,date,amount,currency\n7,2026-03-21,5,shells\n")
    assert "“shells” is no currency" in why


@pytest.mark.parametrize(
    ("text", "reading", "told"),
    [
        ("", USD, "is empty"),
        ("name,amount\n7,5\n", USD, "no column tells the customer; there are name, amount"),
        ("customer,amount\n7,5\n", USD, "no column tells the date"),
        ("c,d\n", Reading(ZoneInfo("UTC"), fields={"x": "customer"}), "no column x"),
        ("c,d\n", Reading(ZoneInfo("UTC"), fields={"c": "who"}), "who is no field"),
        ("7 5\n", Reading(ZoneInfo("UTC"), columns=("customer", "_")), "--columns names no date"),
        ("7 5\n", Reading(ZoneInfo("UTC"), columns=("who", "date")), "who is no field"),
        ("customer,date\n" + 140_000 * "7", USD, "line 2 is no row of a table"),
    ],
)
def test_a_table_that_cannot_be_read_says_why(text, reading, told):
    with pytest.raises(TableUnreadable) as error:
        read(text.splitlines(keepends=True), reading)
    assert told in str(error.value)


def test_the_first_heading_that_fits_is_taken_and_the_rest_left():
    text = "phone,customer,date,price,amount\n0912,7,2026-03-21,1,2\n"
    assert amounts(only(text)) == {"7": [200]}


def test_a_heading_can_be_mapped():
    reading = Reading(ZoneInfo("UTC"), "USD", fields={"Kunde": "customer", "Tag": "date"})
    assert amounts(only("Kunde,Tag,Total\n7,2026-03-21,1\n", reading)) == {"7": [100]}
