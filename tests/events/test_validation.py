import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from chalicelib.core.facts import Fact
from chalicelib.core.model import ACTIVITY_KINDS
from chalicelib.events.validation import ITEM_BYTES, Fault, checked, schema
from tests.fakes.events import item, order

NOW = datetime(2026, 3, 21, 12, tzinfo=UTC)
HERE = "hubspot-main"


def check(told):
    return checked(told, HERE, NOW)


def fact(plain):
    row = {name: value for name, value in plain.items() if name != "who"}
    return Fact.from_json({**row, "subject": f"{HERE}:contact:1"})


def test_the_schema_knows_every_activity():
    assert schema()["$defs"]["kind"]["anyOf"][0]["enum"] == list(ACTIVITY_KINDS)


@pytest.mark.parametrize(
    ("told", "kind", "data"),
    [
        (item(), "activity", {"kind": "page.viewed"}),
        (item(kind="activity", data={"kind": "x.walked"}), "activity", {"kind": "x.walked"}),
        (item(kind="x.walked", data={"count": 3.0}), "activity", {"kind": "x.walked", "count": 3}),
        (order(), "purchase", {"amount": {"amount": 1999, "currency": "USD"}}),
        (order(amount=20.0), "purchase", {"amount": {"amount": 20, "currency": "USD"}}),
        (order(amount=15, currency="IRT"), "purchase", {"amount": {"amount": 150, "currency": "IRR"}}),
        (
            item(kind="ticket", data={"status": "open"}),
            "ticket",
            {"status": "open", "opened_at": "2026-03-21T11:00:00Z"},
        ),
        (
            item(kind="survey", data={"kind": "nps", "value": 9}),
            "survey",
            {"kind": "nps", "value": 9, "answered_at": "2026-03-21T11:00:00Z"},
        ),
    ],
)  # fmt: skip
def test_a_sound_item_has_the_type_and_data_of_a_fact(told, kind, data):
    plain = check(told)
    assert (plain["type"], plain["data"]) == (kind, data)
    assert fact(plain).type == kind


def refund(**data):
    return item(kind="order.refunded", data=data)


def test_nobody_else_tells_of_the_orders_that_the_crm_keeps():
    fault = check({**order(), "id": "record:801Ws00000A1b2CIAR"})
    assert isinstance(fault, Fault)
    assert fault.pointer == "/id"


@pytest.mark.parametrize(
    ("told", "pointer", "reason"),
    [
        (5, "", "an object with who"),
        ({}, "/who", "one of id, email and phone"),
        (item(who={}), "/who", "one of id"),
        (item(who={"email": "a@b.example", "phone": "12345"}), "/who", "one of id"),
        (item(who={"email": "anna"}), "/who/email", "anna@acme.example"),
        (item(who={"phone": "unknown"}), "/who/phone", "one telephone number"),
        (item(who={"mail": "a@b.example"}), "/who/mail", "id, email, phone"),
        (item(who={"id": "other-main:contact:1"}), "/who/id", "hubspot-main:contact:"),
        (item(who={"id": "hubspot-main:deal:1"}), "/who/id", "hubspot-main:contact:"),
        (item(kind="page.looked"), "/type", "as page.viewed"),
        (item(kind=["page.viewed"]), "/type", "as page.viewed"),
        (item(kind="subscription"), "/type", "purchase, refund"),
        (item(kind="activity", data={}), "/data/kind", "as page.viewed"),
        (item(kind="order.placed"), "/data", "an object"),
        (order(amount="19.99"), "/data/amount/amount", "a whole number"),
        (order(amount=19.99), "/data/amount/amount", "a whole number"),
        (order(amount=-5), "/data/amount/amount", "a whole number"),
        (order(currency="dollar"), "/data/amount/currency", "three letters"),
        (order(id="deal:5"), "/id", "does not begin with deal:"),
        (item(id=""), "/id", "your own id"),
        (item(id="a\nb"), "/id", "your own id"),
        (item(id="a\n"), "/id", "your own id"),
        (item(who={"id": "512\n"}), "/who/id", "the record's id"),
        (order(currency="USD\n"), "/data/amount/currency", "three letters"),
        (item(id="\ud800"), "", "surrogate"),
        (refund(amount={"amount": 1, "currency": "USD"}), "/data/purchase", "the id of the purchase"),
        (item(occurred_at="21.3.2026"), "/occurred_at", "as 2026-03-21T12:00:00Z"),
        (item(occurred_at="2026-03-21T12:00:00"), "/occurred_at", "time zone"),
        (item(occurred_at="2026-02-30T12:00:00Z"), "/occurred_at", "one that exists"),
        (item(occurred_at="2026-03-21T12:05:01Z"), "/occurred_at", "once it has"),
        (item(occurred_at="1969-12-31T23:59:59Z"), "/occurred_at", "before 1970"),
        (item(occurred_at="0001-01-01T00:00:00+14:00"), "/occurred_at", "one that exists"),
        (item(modified_at="2027-01-01T00:00:00Z"), "/modified_at", "once it has"),
        (item(kind="ticket", data={"status": "open", "opened_at": "2027-01-01T00:00:00Z"}),
         "/data/opened_at", "once it has"),
        (item(kind="survey", data={"kind": "nps", "value": 11}), "/data/value", "0 to 10"),
        (item(subject="hubspot-main:contact:1"), "/subject", "who, type"),
        (item(data={"text": "م" * ITEM_BYTES}), "", f"at most {ITEM_BYTES}"),
    ],
)  # fmt: skip
def test_a_fault_is_told_by_its_place_with_what_to_write_instead(told, pointer, reason):
    fault = check(told)
    assert fault.pointer == pointer
    assert reason in fault.reason


def test_a_clock_that_is_a_little_fast_is_forgiven():
    assert not isinstance(check(item(occurred_at="2026-03-21T12:04:59Z")), Fault)


@pytest.mark.parametrize("kind", ["contact", "lead", "account"])
def test_a_record_is_named_by_its_id_or_by_its_ref(kind):
    assert not isinstance(check(item(who={"id": "512"})), Fault)
    assert not isinstance(check(item(who={"id": f"{HERE}:{kind}:512"})), Fault)


@pytest.mark.parametrize("identity", ["5", "told:5"])
def test_a_survey_is_not_mistaken_for_one_of_the_crm(identity):
    assert (
        check(item(kind="survey", id=identity, data={"kind": "nps", "value": 9}))["id"] == "told:5"
    )


def test_no_fault_repeats_what_was_told_of_a_person():
    fault = check(item(who={"email": "anna.secret@acme"}, data=["secret"]))
    assert "secret" not in json.dumps([fault.pointer, fault.reason])


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
NAMES = ("who", "type", "id", "occurred_at", "modified_at", "data")
nearly = st.builds(
    lambda base, name, value: {**base, name: value},
    st.sampled_from([item(), order(), refund(amount={"amount": 1, "currency": "USD"}, purchase="1")]),
    st.sampled_from(NAMES),
    anything | st.sampled_from(["purchase", "ticket", "survey", "2026-03-21T11:00:00Z", {}]),
)  # fmt: skip


@given(nearly | anything)
def test_whatever_comes_is_a_fact_or_a_fault_with_a_place_in_it(told):
    found = check(told)
    if isinstance(found, Fault):
        place = told
        *parents, _ = ["", *found.pointer.split("/")[1:]]
        for name in parents[1:]:
            place = place[name.replace("~1", "/").replace("~0", "~")]
        assert found.reason
    else:
        validator = Draft202012Validator(
            json.loads(Path("docs/reference/fact.schema.json").read_text("utf-8"))
        )
        validator.validate(fact(found).to_json())
        assert check(found) == found, "what is plain stays as it is"
