"""Sums in other currencies: exactly by the account's rate, else HubSpot's own, else unknown."""

import json
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core.errors import CrmUnavailable
from chalicelib.core.model import Money, exponent
from connectors._exchange import Rates
from connectors.hubspot.exchange import rates_of
from connectors.hubspot.reference_data import RATES_LIVE
from tests.connectors.hubspot.api_double import (
    ASSOCIATIONS,
    NOW,
    OBJECTS,
    client,
    contact,
    linked_to,
)

RATES = "/settings/currencies/2026-03/exchange-rates/current"


def rate(pair, worth):
    one, other = pair.split("/")
    return {"fromCurrencyCode": one, "toCurrencyCode": other, "conversionRate": worth}


@given(
    amount=st.integers(-(10**17), 10**17),
    worth=st.floats(1e-9, 1e9),
    pair=st.sampled_from(["EUR/USD", "JPY/USD", "USD/IRR", "KWD/JPY", "IRR/KWD"]),
)
def test_a_sum_is_multiplied_exactly_and_rounded_once_half_away_from_zero(amount, worth, pair):
    one, other = pair.split("/")
    rates = rates_of(json.loads(json.dumps([rate(pair, worth)])))
    scale = Fraction(10) ** (exponent(other) - exponent(one))
    exact = amount * Fraction(str(worth)) * scale
    rounded = floor(abs(exact) + Fraction(1, 2)) * (-1 if exact < 0 else 1)
    found = rates.convert(Money(amount, one), other)
    if found is None:
        assert abs(exact) >= 10**18
    else:
        assert found == Money(rounded, other)


def test_a_product_just_below_a_half_is_not_rounded_up_by_way_of_fewer_digits():
    amount, rate_of = 10000000000000003, Decimal("0.73333333333333333")
    assert str(amount * int(rate_of.scaleb(17)))[-17:] == "49999999999999999"
    found = Rates({("JPY", "IRR"): rate_of}).convert(Money(amount, "JPY"), "IRR")
    assert found == Money(amount * int(rate_of.scaleb(17)) // 10**17, "IRR")


@pytest.mark.parametrize("worth", [0, -1.5, float("nan"), float("inf")])
def test_what_is_no_rate_is_none(worth):
    assert rates_of([rate("EUR/USD", worth)]).convert(Money(100, "EUR"), "USD") is None


def test_a_rate_serves_in_its_own_direction_only():
    rates = rates_of([rate("EUR/USD", 1.25)])
    assert rates.convert(Money(100, "EUR"), "USD") == Money(125, "USD")
    assert rates.convert(Money(100, "USD"), "EUR") is None
    assert rates.convert(Money(100, "GBP"), "USD") is None


class TestReading:
    """The one deal of a contact, read from an account that reports in USD."""

    @pytest.fixture(autouse=True)
    def one_deal(self, api):
        self.properties = {"amount": "80.00", "deal_currency_code": "EUR", "dealstage": "won"}
        self.api = api
        api.answer("POST", OBJECTS + "contacts/batch/read", found("1"))
        api.answer("POST", ASSOCIATIONS + "contacts/deals/batch/read", linked_to(900))
        api.answer("POST", OBJECTS + "deals/batch/read", lambda _: found("900", **self.properties))
        api.answer("GET", "/crm/pipelines/2026-03/deals", {"results": []})

    def rates(self, *rows, status=200, body=None):
        self.api.answer("GET", RATES, body or {"results": rows}, status=status)

    def deal(self, reader=None, at=NOW):
        [*_, fact] = (reader or client()).fetch([contact(1)], at).facts[contact(1)]
        return fact.data

    def test_a_foreign_amount_keeps_its_currency_and_gains_a_value(self):
        self.rates(rate("EUR/USD", 1.0855))
        assert self.deal()["amount"] == {"amount": 8000, "currency": "EUR"}
        assert self.deal()["value"] == {"amount": 8684, "currency": "USD"}

    def test_an_amount_in_the_connections_currency_costs_no_call_and_has_no_value(self):
        self.properties |= {"deal_currency_code": "USD", "amount_in_home_currency": "80.00"}
        assert "value" not in self.deal()
        assert self.api.calls_to(RATES) == []

    def test_a_foreign_deal_without_an_amount_costs_no_call_either(self):
        self.properties["amount"] = None
        assert "value" not in self.deal()
        assert self.api.calls_to(RATES) == []

    def test_without_a_rate_hubspots_own_sum_serves(self):
        self.rates(rate("GBP/USD", 1.3))
        self.properties["amount_in_home_currency"] = "86.84"
        assert self.deal()["value"] == {"amount": 8684, "currency": "USD"}

    def test_without_either_there_is_no_value(self):
        self.rates()
        assert "value" not in self.deal()

    @pytest.mark.parametrize("status", [403, 404, 400])
    def test_an_account_that_tells_no_rates_is_read_all_the_same(self, status):
        self.rates(status=status, body={"category": "MISSING_SCOPES", "message": "no"})
        self.properties["amount_in_home_currency"] = "86.84"
        reader = client()
        assert self.deal(reader)["value"] == {"amount": 8684, "currency": "USD"}
        self.deal(reader)
        assert len(self.api.calls_to(RATES)) == 1

    def test_rates_that_cannot_be_told_just_now_are_waited_for(self, monkeypatch):
        monkeypatch.setattr("connectors._http.sleep", lambda _: None)
        self.rates(status=503, body={"message": "later"})
        with pytest.raises(CrmUnavailable):
            self.deal()

    def test_rates_are_read_once_an_hour(self):
        self.rates(rate("EUR/USD", 1.0855))
        reader = client()
        for late in (timedelta(0), RATES_LIVE):
            self.deal(reader, NOW + late)
        assert len(self.api.calls_to(RATES)) == 1
        self.deal(reader, NOW + RATES_LIVE + timedelta(seconds=1))
        assert len(self.api.calls_to(RATES)) == 2


def found(identity, **properties):
    return {"results": [{"id": identity, "properties": properties}]}
