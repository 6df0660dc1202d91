"""Who bought on which days, from a table and from facts."""

from datetime import date
from zoneinfo import ZoneInfo

from chalicelib.core.facts import Fact, FactSet
from chalicelib.core.model import Ref
from chalicelib.scoring.future import Bought
from infra.imports.transactions import Reading, read
from infra.prediction.buyers import Books, Buyer

UTC = ZoneInfo("UTC")
END = date(2026, 12, 31)
HEADING = "customer,date,amount,order,returns\n"


def books(text, zone=UTC):
    found = read((HEADING + text).splitlines(keepends=True), Reading(zone, "USD"))
    assert found.faults == []
    return Books.of_table(found, zone)


def test_purchases_of_one_day_are_one_and_their_sums_add_up():
    text = "7,2026-03-01,1,a,\n7,2026-01-01,5,b,\n7,2026-03-01,2,c,\n"
    bought = Bought((date(2026, 1, 1), date(2026, 3, 1)), (500, 300), purchases=3)
    assert books(text).buyers(END) == [Buyer("7", bought)]


def test_a_day_is_one_of_the_zone():
    text = "7,2026-03-01T22:00:00Z,1,a,\n"
    (buyer,) = books(text, ZoneInfo("Asia/Tehran")).buyers(END)
    assert buyer.bought.days == (date(2026, 3, 2),)


def test_what_was_given_back_is_taken_off_and_a_purchase_without_a_rest_never_was():
    text = "7,2026-01-01,5,a,\n7,2026-02-01,5,b,\n7,2026-03-01,9,c,b\n7,2026-03-01,1,d,a\n"
    assert books(text).buyers(END) == [Buyer("7", Bought((date(2026, 1, 1),), (400,), 1))]
    before = Bought((date(2026, 1, 1), date(2026, 2, 1)), (500, 500), 2)
    assert books(text).buyers(date(2026, 2, 10)) == [Buyer("7", before)]


def test_who_gave_all_back_is_no_buyer():
    assert books("7,2026-01-01,5,a,\n7,2026-03-01,50,c,a\n").buyers(END) == []


def test_what_is_dated_ahead_is_told_apart():
    found = books("7,2026-01-01,5,a,\n7,2027-03-01,5,b,\n")
    assert found.last_day(END) == date(2026, 1, 1)
    assert found.ahead(END) == 1
    assert found.buyers(END)[0].bought.days == (date(2026, 1, 1),)


def test_a_table_without_sums_tells_of_none():
    found = read(["customer,date\n", "7,2026-01-01\n"], Reading(UTC))
    (buyer,) = Books.of_table(found, UTC).buyers(END)
    assert buyer.bought == Bought((date(2026, 1, 1),), (None,), 1)


def fact(identity, at, amount, currency="EUR", kind="contact"):
    return Fact.from_json(
        {
            "subject": f"toy-main:{kind}:1", "type": "purchase", "id": identity,
            "occurred_at": f"{at}T12:00:00Z",
            "data": {"amount": {"amount": amount, "currency": currency}},
        }
    )  # fmt: skip


def test_facts_tell_what_cards_go_by_and_companies_do_not_buy_twice():
    """What was paid in another currency is a purchase without a sum, as it is for a card."""
    sold = FactSet.of([fact("a", "2026-01-01", 500), fact("b", "2026-02-01", 1, "USD")])
    sold = sold.merge([fact("c", "2026-03-01", 100)])
    company = FactSet.of([fact("a", "2026-01-01", 500, kind="account")])
    found = Books.of_facts(
        {Ref("toy-main", "contact", "1"): sold, Ref("toy-main", "account", "1"): company}, UTC
    )
    assert (found.currency, found.foreign) == ("EUR", 1)
    days = (date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1))
    assert found.buyers(END) == [Buyer("toy-main:contact:1", Bought(days, (500, None, 100), 3))]
