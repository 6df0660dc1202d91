"""Outputs as HubSpot's texts, and back."""

from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core import outputs
from chalicelib.core.connector import Update
from chalicelib.core.facts import iso
from chalicelib.core.outputs import OutputType
from chalicelib.pipeline.places import placed
from connectors.hubspot import CONNECTOR
from connectors.hubspot.values import field_value, property_values
from tests.connectors.hubspot.api_double import OBJECTS, account, client, contact

OUTPUTS = placed(outputs.OUTPUTS, CONNECTOR)
TYPES = [one for one in OutputType if one is not OutputType.TOPICS]

tags = st.text(st.characters(blacklist_characters=";", blacklist_categories=["Cs"]), min_size=1)
numbers = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(
    allow_nan=False, allow_infinity=False
).filter(lambda one: abs(one) < 2**53)
VALUES = {
    OutputType.SCORE: st.integers(0, 100),
    OutputType.NUMBER: numbers,
    OutputType.CHOICE: st.text(min_size=1),
    OutputType.TAGS: st.sets(tags, min_size=1).map(lambda some: tuple(sorted(some))),
    OutputType.TEXT: st.text(min_size=1),
    OutputType.INSTANT: st.datetimes(
        datetime(1970, 1, 2),  # noqa: DTZ001 (made aware below)
        datetime(2199, 12, 30),  # noqa: DTZ001
        timezones=st.timezones(),
    ).map(iso),
}


@pytest.mark.parametrize("of_type", TYPES)
@given(data=st.data())
def test_what_was_written_is_what_is_read_back(of_type, data):
    value = data.draw(VALUES[of_type])
    [text] = property_values({"it": value}).values()
    assert field_value(text, of_type) == value


@pytest.mark.parametrize("of_type", TYPES)
@pytest.mark.parametrize("cleared", [None, ()])
def test_what_was_cleared_is_none(of_type, cleared):
    [text] = property_values({"it": cleared}).values()
    assert field_value(text, of_type) is None
    assert field_value(None, of_type) is None


@given(number=st.integers() | st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_written_exactly_and_without_exponents(number):
    text = property_values({"n": number})["emtiaz_n"]
    assert Decimal(text) == Decimal(repr(number))
    assert set(text) <= set("-.0123456789")


@pytest.mark.parametrize(
    ("text", "of_type"),
    [("lots", OutputType.NUMBER), ("soon", OutputType.INSTANT), ("NaN", OutputType.SCORE)],
)
def test_what_somebody_else_wrote_is_no_value_of_ours(text, of_type):
    assert field_value(text, of_type) == text


def test_tags_are_read_in_one_order_whatever_hubspots():
    assert field_value("segment:loyal;class:A", OutputType.TAGS) == ("class:A", "segment:loyal")


def test_shown_reads_our_properties_of_each_record_in_full_batches(api):
    def read(body):
        return {
            "results": [
                {"id": one["id"], "properties": {"emtiaz_score": "82", "emtiaz_tags": None}}
                for one in body["inputs"]
            ]
        }

    api.answer("POST", OBJECTS + "contacts/batch/read", read)
    shown = client().shown([contact(one) for one in range(150)], OUTPUTS)
    assert len(shown) == 150
    assert shown[contact(7)] == {one.name: None for one in OUTPUTS} | {"score": 82}
    bodies = api.calls_to(OBJECTS)
    assert [len(body["inputs"]) for body in bodies] == [100, 50]
    assert bodies[0]["properties"] == [f"emtiaz_{one.name}" for one in OUTPUTS]


def test_shown_leaves_out_what_is_gone_and_what_answers_under_another_id(api):
    answer = {
        "results": [
            {"id": "1", "properties": {}},
            {"id": "777", "properties": {"hs_merged_object_ids": "2"}},
        ],
        "errors": [{"category": "OBJECT_NOT_FOUND", "message": "gone", "context": {"ids": ["3"]}}],
    }
    api.answer("POST", OBJECTS + "contacts/batch/read", answer, status=207)
    shown = client().shown([contact(1), contact(2), contact(3)], OUTPUTS[:1])
    assert shown == {contact(1): {OUTPUTS[0].name: None}}


def test_shown_reads_each_kind_at_its_own_address(api):
    for kind in ("contacts", "companies"):
        api.answer(
            "POST", f"{OBJECTS}{kind}/batch/read", {"results": [{"id": "7", "properties": {}}]}
        )
    assert {*client().shown([contact(7), account(7)], OUTPUTS)} == {contact(7), account(7)}


def test_what_write_sends_shown_reads_back(api):
    fields = {
        "score": 82, "tags": ("class:A", "segment:loyal"), "confidence": 0.5, "why": "خرید",
        "last_purchase": "2026-05-06T07:08:09.000Z", "class": None,
    }  # fmt: skip
    portal = {}

    def update(body):
        for one in body["inputs"]:
            portal[one["id"]] = one["properties"]
        return {"results": [{"id": one["id"]} for one in body["inputs"]]}

    api.answer("POST", OBJECTS + "contacts/batch/update", update)
    api.answer(
        "POST",
        OBJECTS + "contacts/batch/read",
        lambda _: {"results": [{"id": one, "properties": held} for one, held in portal.items()]},
    )
    one = client()
    one.write([Update(contact(1), fields)])
    wanted = [output for output in OUTPUTS if output.name in fields]
    assert one.shown([contact(1)], wanted) == {contact(1): fields}
