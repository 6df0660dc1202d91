import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core.facts import Fact, iso
from chalicelib.core.policy import Attribute
from connectors.hubspot.records import linked_ids, properties_of
from connectors.hubspot.translate import Reader, Reference, stage_statuses
from connectors.hubspot.values import property_values
from tests.connectors.hubspot.api_double import NOW, attribute, contact

TYPES = ("text", "number", "boolean", "date", "choice", "activity")

texts = st.none() | st.text() | st.from_regex(r"\A-?[0-9]{1,25}(\.[0-9]{1,5})?\Z")


def facts_of(properties, *attributes, deals=(), stages=(), currency="USD"):
    reader = Reader(attributes, Reference(currency, {"deal": dict(stages)}), NOW)
    record = {"id": "1", "properties": properties}
    return reader.facts(contact(1), record, {"deal": deals})


def value_of(text, of_type):
    [state, *_] = facts_of({"field": text}, attribute("it", field="field", of_type=of_type))
    return state.data.get("it", "missing")


@pytest.mark.parametrize("of_type", ["text", "number", "boolean", "date", "choice"])
@pytest.mark.parametrize("empty", ["", None])
def test_an_empty_property_is_missing(of_type, empty):
    assert value_of(empty, of_type) == "missing"


@pytest.mark.parametrize(
    ("text", "number"),
    [("14", 14), ("-3", -3), ("2.5", 2.5), ("250.0", 250), ("0", 0), ("1e3", 1000),
     ("12345678901234567890", 12345678901234567890.0)],
)  # fmt: skip
def test_numbers(text, number):
    assert value_of(text, "number") == number
    assert type(value_of(text, "number")) is type(number)


@pytest.mark.parametrize("text", ["many", "NaN", "Infinity", "1e999", "1,200", "12 apples"])
def test_what_is_no_number_is_missing(text):
    assert value_of(text, "number") == "missing"


@pytest.mark.parametrize(("text", "truth"), [("true", True), ("false", False), ("TRUE", True)])
def test_truths(text, truth):
    assert value_of(text, "boolean") is truth


@given(day=st.dates())
def test_a_plain_date_stays_one(day):
    assert value_of(day.isoformat(), "date") == day.isoformat()


@given(
    at=st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001 (made aware below)
    offset=st.integers(-840, 840),
)
def test_an_instant_of_any_zone_is_written_in_utc_with_milliseconds(at, offset):
    text = (at + timedelta(minutes=offset)).isoformat()
    sign = "-" if offset < 0 else "+"
    zone = f"{sign}{abs(offset) // 60:02}:{abs(offset) % 60:02}"
    assert value_of(text + zone, "date") == iso(at.replace(tzinfo=UTC))


@pytest.mark.parametrize("text", ["yesterday", "0001-01-01T00:00:00+05:00", "2026-13-01"])
def test_what_is_no_date_is_missing(text):
    assert value_of(text, "date") == "missing"


def test_an_attribute_that_hubspot_does_not_hold_or_another_record_holds_is_left_out():
    elsewhere = Attribute("rating", "choice", "contact", {"salesforce": "Rating"})
    [state, _] = facts_of({"industry": "retail"}, elsewhere, attribute("industry", kind="account"))
    assert state.data == {}


def test_a_last_time_property_is_one_activity_for_each_value_it_takes():
    opened = Attribute("opened", "activity", "contact", {"hubspot": "last_open"}, "email.opened")
    first, again, later = (
        facts_of({"last_open": at}, opened)[1]
        for at in ("2026-10-01T10:00:00Z", "2026-10-01T10:00:00.000Z", "2026-10-02T10:00:00Z")
    )
    assert first == again
    assert first.key != later.key
    assert first.data == {"kind": "email.opened"}


def deal_fact(stages=(), currency="USD", **properties):
    deal = {"id": "900", "properties": properties}
    [*_, fact] = facts_of({}, deals=[deal], stages=stages, currency=currency)
    return fact


@given(cents=st.integers(-(10**14), 10**14))
def test_amounts_are_exact_to_the_cent(cents):
    text = f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02}"
    amount = deal_fact(amount=text, deal_currency_code="EUR").data["amount"]
    assert amount == {"amount": cents, "currency": "EUR"}


@pytest.mark.parametrize(
    ("code", "connections", "amount"),
    [
        (None, "USD", {"amount": 150000, "currency": "USD"}),
        ("", "IRR", {"amount": 1500, "currency": "IRR"}),
        ("IRT", "USD", {"amount": 15000, "currency": "IRR"}),
        ("TMN", "USD", {"amount": 15000, "currency": "IRR"}),
        ("jpy", "USD", {"amount": 1500, "currency": "JPY"}),
        ("KWD", "USD", {"amount": 1500000, "currency": "KWD"}),
    ],
)
def test_an_amount_is_in_the_deals_currency_or_else_the_connections(code, connections, amount):
    fact = deal_fact(amount="1500", deal_currency_code=code, currency=connections)
    assert fact.data["amount"] == amount


@pytest.mark.parametrize("text", [None, "", "free", "NaN", "-Infinity", "1e999999999"])
def test_what_is_no_amount_is_none(text):
    assert deal_fact(amount=text).data["amount"] is None


@given(
    closed=st.sampled_from(["true", "false", "", "True"]),
    probability=st.sampled_from(["0.0", "0", "0.2", "1", "1.0", "1.00", "", "certain"]),
)
def test_won_is_closed_and_certain_lost_is_closed_and_impossible(closed, probability):
    stage = {"id": "s", "metadata": {"isClosed": closed, "probability": probability}}
    expected = "open"
    if closed == "true" and probability in ("1", "1.0", "1.00"):
        expected = "won"
    if closed == "true" and probability in ("0", "0.0"):
        expected = "lost"
    assert stage_statuses([{"id": "p", "stages": [stage]}]) == {("p", "s"): expected}


def test_a_stage_counts_within_its_pipeline():
    stages = {("a", "1"): "won", ("b", "1"): "lost"}
    assert deal_fact(stages, pipeline="a", dealstage="1").data["status"] == "won"
    assert deal_fact(stages, pipeline="b", dealstage="1").data["status"] == "lost"
    assert deal_fact(stages, pipeline="c", dealstage="1").data["status"] == "open"


def test_the_policys_own_words_never_hide_what_a_deal_is():
    fact = facts_of(
        {},
        attribute("status", kind="deal", field="hs_next_step"),
        deals=[{"id": "9", "properties": {"hs_next_step": "won", "dealstage": "x"}}],
    )[-1]
    assert fact.data["status"] == "open"


@given(
    of_types=st.lists(st.sampled_from(TYPES), max_size=4),
    values=st.lists(texts, min_size=4, max_size=4),
    deal=st.dictionaries(
        st.sampled_from(["amount", "deal_currency_code", "closedate", "dealstage"]), texts
    ),
)
def test_whatever_hubspot_holds_becomes_facts_that_survive_storage(of_types, values, deal):
    attributes = [attribute(f"a{at}", of_type=one) for at, one in enumerate(of_types)]
    properties = {one.name: value for one, value in zip(attributes, values, strict=False)}
    facts = facts_of(properties, *attributes, deals=[{"id": "2", "properties": deal}])
    for fact in facts:
        assert Fact.from_json(json.loads(json.dumps(fact.to_json()))) == fact


@given(
    ids=st.lists(st.integers(1, 10**12), unique=True),
    primary=st.integers(0, 5),
    data=st.data(),
)
def test_the_order_of_links_is_the_same_however_they_are_listed(ids, primary, data):
    def link(at, identity):
        types = [{"category": "HUBSPOT_DEFINED", "typeId": 279}]
        if at == primary:
            types.append({"category": "HUBSPOT_DEFINED", "typeId": 1})
        return {"toObjectId": identity, "associationTypes": types}

    links = [link(at, identity) for at, identity in enumerate(ids)]
    ordered = linked_ids(links)
    assert ordered == linked_ids(data.draw(st.permutations(links)))
    assert sorted(ordered) == sorted(str(one) for one in ids)
    if primary < len(ids):
        assert ordered[0] == str(ids[primary])


def test_a_label_of_the_admin_with_the_number_of_primary_is_not_primary():
    labelled = {"category": "USER_DEFINED", "typeId": 1, "label": "Friend"}
    links = [
        {"toObjectId": 8, "associationTypes": [labelled]},
        {"toObjectId": 7, "associationTypes": []},
    ]
    assert linked_ids(links) == ["7", "8"]


def test_no_property_is_asked_for_that_a_score_does_not_need():
    attributes = [attribute("job", field="jobtitle"), attribute("sector", kind="account")]
    assert properties_of("contact", attributes) == ("jobtitle", "lastmodifieddate")
    assert properties_of("account", attributes) == ("hs_lastmodifieddate", "sector")
    assert properties_of("deal", attributes) == (
        "amount",
        "closedate",
        "deal_currency_code",
        "dealstage",
        "hs_lastmodifieddate",
        "pipeline",
    )


@given(number=st.integers() | st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_written_exactly_and_without_exponents(number):
    text = property_values({"n": number})["emtiaz_n"]
    assert Decimal(text) == Decimal(repr(number))
    assert set(text) <= set("-.0123456789")


@pytest.mark.parametrize("never", ["9999-12-31T00:00:00Z", "0001-01-01T00:00:00Z", "soon"])
def test_a_date_that_other_systems_say_never_with_is_none(never):
    visit = attribute("visit", field="visited", of_type="activity")
    assert not [fact for fact in facts_of({"visited": never}, visit) if fact.type == "activity"]
