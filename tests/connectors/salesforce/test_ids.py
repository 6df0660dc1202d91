import pytest

import connectors
from connectors.salesforce.ids import full, same, spelled


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("00DWs000004ExA1", "00DWs000004ExA1MAK"),
        ("003Ws00000A1b2C", "003Ws00000A1b2CIAR"),
        ("000000000000001", "000000000000001AAA"),
        ("AAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAA555"),
    ],
)
def test_both_forms_of_an_id_are_one(short, long):
    assert (full(short), full(long)) == (long, long)
    assert same(short, long)
    assert same(long, short)


def test_ids_that_differ_in_case_alone_are_two():
    assert full("003Ws00000A1b2c") != full("003Ws00000A1b2C")
    assert not same("003Ws00000A1b2c", "003Ws00000A1b2C")


@pytest.mark.parametrize(
    "text",
    ["", "001*", "000000000000000AAA", "000000000000000", "003Ws00000A1b2", "003Ws00000A1b2CI",
     "003Ws00000A1b2é", "003Ws00000A1b2C\n", "003Ws00000A1b2' OR Id != '", None, 7],
)  # fmt: skip
def test_what_is_no_id_of_one_record_is_none(text):
    assert full(text) == ""


def test_an_id_from_an_address_or_a_report_is_spelled_in_full():
    record_id = connectors.load("salesforce").record_id
    assert record_id("003Ws00000A1b2C") == "003Ws00000A1b2CIAR"
    assert record_id("003Ws00000A1b2CIAR") == "003Ws00000A1b2CIAR"


@pytest.mark.parametrize(
    "text", ["", "512", "shop-4711", "000000000000000", "003Ws00000A1b2é", "003ws00000a1b2ciar"]
)
def test_what_is_no_short_id_is_left_alone(text):
    assert spelled(text) == text
