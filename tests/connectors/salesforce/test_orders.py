"""Activated orders are purchases, and reduction orders what goes back of them."""

from datetime import timedelta

import pytest

from chalicelib.core.facts import FactSet
from chalicelib.core.model import Money, Ref
from chalicelib.core.policy import Attribute
from chalicelib.core.purchases import turnover
from connectors.salesforce.ids import full
from tests.connectors.salesforce.organisation import record
from tests.connectors.salesforce.test_client import (  # fmt: skip
    ACCOUNT,
    CONTACT,
    DEAL,
    OTHER,
    contact,
    deal,
    ref,
    role,
)
from tests.fakes.clock import NOON

FIRST, SECOND = full("801Ws00000A1b2C"), full("801Ws00000A1b2D")
PRODUCT = Attribute("category", "text", "line_item", {"salesforce": "Product2.Family"})


def order(identity=FIRST, billed=CONTACT, **fields):
    told = {
        "StatusCode": "Activated", "TotalAmount": 120.5, "EffectiveDate": "2026-03-10",
        "ActivatedDate": "2026-03-12T08:00:00.000+0000", "BillToContactId": billed,
        "IsReductionOrder": False, "OriginalOrderId": None, "OpportunityId": None,
    }  # fmt: skip
    return record("Order", identity, **(told | fields))


def reduction(identity=SECOND, of=FIRST, amount=-20.5, **fields):
    return order(identity, IsReductionOrder=True, OriginalOrderId=of, TotalAmount=amount, **fields)


def line(identity, order_id, family, amount):
    product = {"attributes": {"type": "Product2", "url": ""}, "Name": family, "Family": family}
    return record("OrderItem", identity, OrderId=order_id, TotalPrice=amount, Quantity=2.0, Product2=product)  # fmt: skip


def facts(client, at=NOON, of=CONTACT):
    return FactSet.of(client.fetch([ref("contact", of)], at).facts[ref("contact", of)])


def purchases(client, **asked):
    return [(one.id, one.amount) for one in facts(client, **asked).purchases()]


def test_an_activated_order_is_a_purchase_of_whom_it_is_billed_to(client, organisation):
    organisation.put(contact(), contact(OTHER), order(), order(SECOND, OTHER))
    assert purchases(client) == [(f"record:{FIRST}", Money(12_050, "EUR"))]
    [bought] = facts(client).purchases()
    assert bought.occurred_at.isoformat() == "2026-03-09T20:30:00+00:00"
    [query] = [one for one in organisation.asked if " FROM Order " in one][-1:]
    assert f"WHERE StatusCode = 'Activated' AND BillToContactId IN ('{CONTACT}')" in query


def test_orders_of_two_hundred_contacts_cost_no_call_of_their_own(client, organisation):
    refs = [ref("contact", f"003Ws00000A{number:04}") for number in range(200)]
    client.fetch(refs, NOON)
    organisation.calls.clear()
    client.fetch(refs, NOON)
    assert len(organisation.calls) == 1


def test_an_order_that_begins_later_was_bought_when_it_was_activated(client, organisation):
    organisation.put(contact(), order(EffectiveDate="2026-06-01"))
    [bought] = facts(client).purchases()
    assert bought.occurred_at.isoformat() == "2026-03-12T08:00:00+00:00"


@pytest.mark.parametrize("amount", [-20.5, 20.5])
def test_a_reduction_order_is_a_refund_of_its_original(client, organisation, amount):
    organisation.put(contact(), order(), reduction(amount=amount))
    assert purchases(client) == [(f"record:{FIRST}", Money(10_000, "EUR"))]


def test_a_reduction_of_several_orders_is_left_in_doubt(client, organisation):
    organisation.put(contact(), order(), reduction(of=None))
    assert purchases(client) == [(f"record:{FIRST}", Money(12_050, "EUR"))]
    assert turnover(facts(client)).in_doubt == (f"refund_without_purchase:record:{SECOND}",)


def test_one_that_is_no_longer_activated_deleted_or_of_another_does_not_count(client, organisation):
    organisation.put(contact(), order())
    known = facts(client)
    assert known.purchases()
    organisation.tables["Order"].clear()
    later = facts(client, NOON + timedelta(hours=1))
    assert known.merge(later).purchases() == ()
    assert later.merge(known).purchases() == ()


def test_an_order_of_a_person_account_belongs_to_the_contact_that_it_is(client, organisation):
    organisation.extra = {"Account": {"PersonContactId": {}}}
    account = record("Account", ACCOUNT, PersonContactId=CONTACT)
    organisation.put(contact(), order(billed=None, AccountId=ACCOUNT, Account=account))
    assert [amount for _, amount in purchases(client)] == [Money(12_050, "EUR")]
    assert client.changed_since(NOON, None).refs


def test_a_sale_that_is_a_won_deal_as_well_counts_once(client, organisation):
    organisation.put(contact(), role(deal(), CONTACT), order(OpportunityId=DEAL), reduction(amount=-5.0))  # fmt: skip
    assert purchases(client) == [(f"deal:{DEAL}", Money(500, "EUR"))]


def test_an_order_counts_where_its_deal_belongs_to_somebody_else(client, organisation):
    organisation.put(contact(), contact(OTHER), role(deal(), OTHER), order(OpportunityId=DEAL))
    assert [one for one, _ in purchases(client)] == [f"record:{FIRST}"]
    assert [one for one, _ in purchases(client, of=OTHER)] == [f"deal:{DEAL}"]


@pytest.mark.parametrize(
    "hidden", [{"Order"}, {"StatusCode"}, {"TotalAmount"}, {"BillToContactId"}]
)
def test_what_is_hidden_or_absent_leads_nowhere_and_breaks_nothing(client, organisation, hidden):
    organisation.hidden |= hidden
    organisation.put(contact(), order())
    found = facts(client)
    assert found.purchases() == ()
    assert "order" not in found.facts["FACT#links"].data
    client.changed_since(NOON, None)
    assert not [one for one in organisation.asked if " FROM OrderItem " in one]


def test_an_order_without_reduction_orders_in_the_organisation_is_read(client, organisation):
    organisation.hidden |= {"IsReductionOrder", "OriginalOrderId", "OpportunityId", "ActivatedDate"}
    organisation.put(contact(), order())
    assert [amount for _, amount in purchases(client)] == [Money(12_050, "EUR")]


def test_products_come_by_one_more_query_for_all_and_only_under_a_policy_that_asks(
    client_of, organisation
):
    organisation.put(
        contact(), order(), line("802Ws00000A1b2CIAR", FIRST, "Tea", 100.0),
        line("802Ws00000A1b2DIAR", FIRST, "Pots", 20.5),
    )  # fmt: skip
    asks = client_of(PRODUCT)
    [bought] = facts(asks).by_type["purchase"]
    assert bought.data["category"] == ["pots", "tea"]
    assert [one["amount"]["amount"] for one in bought.data["lines"]] == [10_000, 2_050]
    assert len([one for one in organisation.asked if " FROM OrderItem " in one]) == 1
    [plain] = facts(client_of()).by_type["purchase"]
    assert "lines" not in plain.data


def test_an_order_in_another_currency_is_worth_what_the_organisation_says(client, organisation):
    organisation.extra = {"Order": {"CurrencyIsoCode": {}}}
    organisation.tables["CurrencyType"] = [
        record("CurrencyType", "01L1", IsoCode="EUR", ConversionRate=1.0, IsCorporate=True),
        record("CurrencyType", "01L2", IsoCode="USD", ConversionRate=1.25, IsCorporate=False),
    ]
    organisation.put(contact(), order(CurrencyIsoCode="USD", TotalAmount=125.0))
    assert [amount for _, amount in purchases(client)] == [Money(10_000, "EUR")]


def test_a_changed_order_leads_to_its_people(client, organisation):
    organisation.extra = {"Account": {"PersonContactId": {}}}
    account = record("Account", ACCOUNT, PersonContactId=OTHER)
    organisation.put(order(), order(SECOND, None, Account=account, IsDeleted=True))
    refs, cursor = set(), None
    while True:
        page = client.changed_since(NOON, cursor)
        refs |= set(page.refs)
        if not (cursor := page.next):
            break
    assert refs == {Ref("salesforce-main", "contact", one) for one in (CONTACT, OTHER)}
