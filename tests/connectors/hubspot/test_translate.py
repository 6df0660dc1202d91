import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core.facts import Fact, iso
from chalicelib.core.policy import Attribute
from connectors._exchange import Rates
from connectors.hubspot.records import linked_ids, properties_of
from connectors.hubspot.translate import Reader, Reference, stage_statuses, ticket_statuses
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


@pytest.mark.parametrize("text", ["many", "NaN", "Infinity"])
def test_what_is_no_number_is_missing(text):
    assert value_of(text, "number") == "missing"


@pytest.mark.parametrize("text", ["1,200", "۲۵۰٬۰۰۰", "۱۰ میلیون تومان", "12 apples", "1e999"])
def test_what_people_typed_for_a_number_is_left_to_scoring(text):
    assert value_of(text, "number") == text


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
    attributes = [attribute("job", field="jobtitle"), attribute("brand", "line_item", "brand")]
    assert properties_of("contact", attributes) == (
        "hs_merged_object_ids",
        "jobtitle",
        "lastmodifieddate",
    )
    assert properties_of("deal", attributes) == (
        "amount",
        "amount_in_home_currency",
        "closedate",
        "deal_currency_code",
        "dealstage",
        "hs_lastmodifieddate",
        "hs_merged_object_ids",
        "pipeline",
    )
    assert {"brand", "hs_product_id", "hs_lastmodifieddate"} <= {
        *properties_of("line_item", attributes)
    }


@pytest.mark.parametrize("never", ["9999-12-31T00:00:00Z", "0001-01-01T00:00:00Z", "soon"])
def test_a_date_that_other_systems_say_never_with_is_none(never):
    visit = attribute("visit", field="visited", of_type="activity")
    assert not [fact for fact in facts_of({"visited": never}, visit) if fact.type == "activity"]


def told(kind, attributes=(), reference=None, **properties):
    """The data of one record's fact; ``_`` in a name stands for itself."""
    reader = Reader(attributes, reference or Reference("USD"), NOW)
    related = {kind: [{"id": "9", "properties": properties}]}
    return reader.facts(contact(1), {"id": "1", "properties": {}}, related)[-1].data


def test_a_company_tells_what_hubspot_sums_up_over_it():
    assert told(
        "account",
        num_associated_contacts="12",
        num_associated_deals="5",
        hs_num_open_deals="2",
        total_revenue="12345.675",
        recent_deal_close_date="2026-05-06T07:08:09Z",
        recent_deal_amount="29.33",
    ) == {
        "roll_up": {
            "contacts": 12,
            "deals": 5,
            "open_deals": 2,
            "revenue": {"amount": 1234568, "currency": "USD"},
            "last_won_at": "2026-05-06T07:08:09.000Z",
            "last_won_amount": {"amount": 2933, "currency": "USD"},
        }
    }


def test_a_roll_up_holds_what_is_known_and_is_left_out_with_nothing():
    found = told("account", num_associated_contacts="0", total_revenue="", hs_num_open_deals="?")
    assert found == {"roll_up": {"contacts": 0}}
    assert told("account", total_revenue=None) == {}


def ticket_reference():
    stages = [
        {"id": "1", "metadata": {"ticketState": "OPEN"}},
        {"id": "4", "metadata": {"ticketState": "CLOSED"}},
        {"id": "5", "metadata": {"isClosed": "true"}},
        {"id": "6", "metadata": {}},
    ]
    return Reference("USD", {"ticket": ticket_statuses([{"id": "0", "stages": stages}])})


@pytest.mark.parametrize(
    ("stage", "status"),
    [("1", "open"), ("4", "closed"), ("5", "closed"), ("6", "open"), ("?", "open")],
)
def test_a_ticket_is_closed_by_its_stage_and_only_then_has_a_time_of_closing(stage, status):
    found = told(
        "ticket", reference=ticket_reference(), hs_pipeline="0", hs_pipeline_stage=stage,
        hs_ticket_priority="HIGH", hs_ticket_category="PRODUCT_ISSUE",
        createdate="2026-05-01T00:00:00Z", closed_date="2026-05-02T00:00:00Z",
    )  # fmt: skip
    closed = {"closed_at": "2026-05-02T00:00:00.000Z"} if status == "closed" else {}
    assert found == {
        "status": status,
        "stage": stage,
        "pipeline": "0",
        "priority": "high",
        "category": "PRODUCT_ISSUE",
        "opened_at": "2026-05-01T00:00:00.000Z",
        **closed,
    }


@pytest.mark.parametrize(
    ("properties", "sentiment"),
    [
        ({"hs_sentiment": "Promoter"}, "promoter"),
        ({"hs_response_group": "PROMOTER"}, "promoter"),
        ({"hs_sentiment": "", "hs_response_group": "DETRACTOR"}, "detractor"),
    ],
)
def test_a_survey_tells_what_was_asked_and_answered(properties, sentiment):
    assert told(
        "survey",
        hs_survey_type="NPS",
        hs_value="9",
        hs_survey_channel="EMAIL",
        hs_submission_timestamp="2026-05-01T10:00:00Z",
        **properties,
    ) == {
        "kind": "nps",
        "value": 9,
        "sentiment": sentiment,
        "answered_at": "2026-05-01T10:00:00.000Z",
        "channel": "email",
    }


def test_a_line_item_tells_its_deal_its_product_and_its_sums():
    reference = Reference(
        "USD",
        rates=Rates({("EUR", "USD"): Decimal("1.5")}),
        products={"P1": {"id": "P1", "properties": {"name": "Seat", "hs_sku": "S"}}},
        deals={"9": {"id": "900", "properties": {"deal_currency_code": "EUR"}}},
    )
    assert told(
        "line_item", reference=reference, name="Seats", hs_sku="S-10", hs_product_id="P1",
        quantity="2.5", price="19.999", amount="50.00", recurringbillingfrequency="monthly",
        hs_recurring_billing_period="P12M",
    ) == {
        "deal_id": "900",
        "product_id": "P1",
        "name": "Seats",
        "sku": "S-10",
        "quantity": 2.5,
        "price": {"amount": 2000, "currency": "EUR"},
        "amount": {"amount": 5000, "currency": "EUR"},
        "value": {"amount": 7500, "currency": "USD"},
        "billing_frequency": "monthly",
        "recurring_period": "P12M",
        "product": {"name": "Seat", "sku": "S"},
    }  # fmt: skip


def test_a_line_items_own_currency_goes_before_its_deals():
    reference = Reference(
        "USD", deals={"9": {"id": "900", "properties": {"deal_currency_code": "EUR"}}}
    )
    found = told("line_item", reference=reference, amount="1", hs_line_item_currency_code="JPY")
    assert found["amount"] == {"amount": 1, "currency": "JPY"}
    assert "value" not in found


@pytest.mark.parametrize("kind", ["account", "ticket", "line_item", "survey"])
def test_attributes_of_every_kind_are_read_and_never_hide_what_the_record_is(kind):
    mine = attribute("mine", kind=kind, field="custom")
    assert told(kind, [mine], custom="yes")["mine"] == "yes"


@given(
    kind=st.sampled_from(["account", "ticket", "line_item", "survey"]),
    data=st.data(),
)
def test_whatever_related_records_hold_becomes_facts_that_survive_storage(kind, data):
    names = st.sampled_from(properties_of(kind, ()))
    properties = data.draw(st.dictionaries(names, texts))
    reader = Reader((), Reference("USD"), NOW)
    record = {"id": "9", "properties": properties}
    for fact in reader.facts(contact(1), {"id": "1", "properties": {}}, {kind: [record]}):
        assert Fact.from_json(json.loads(json.dumps(fact.to_json()))) == fact
