import pytest

from connectors.salesforce.ids import full, same


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
