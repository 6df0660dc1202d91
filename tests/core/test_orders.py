"""Orders of the CRM count while they are linked, and none beside the deal that it is the sale of."""

import pytest

from chalicelib.core.purchases import turnover
from tests.scoring.examples import NOW, ago, bought, fact_set, refunded, row, won

ORDER = bought("record:801", ago(days=9), 10_000)
SHOP = bought("A", ago(days=8), 500)


def links(**ids):
    return row("links", "links", ids, NOW)


def sums(*rows):
    return {one.id: one.amount.amount for one in turnover(fact_set(rows)).purchases}


def doubts(*rows):
    return turnover(fact_set(rows)).in_doubt


def test_an_order_of_the_crm_counts_while_it_is_linked():
    assert sums(ORDER, SHOP, links(order=["record:801"])) == {"record:801": 10_000, "A": 500}


@pytest.mark.parametrize("told", [{}, {"order": []}, {"order": ["record:802"]}, {"deal": ["5"]}])
def test_one_that_is_linked_no_longer_does_not_count_and_a_shops_does(told):
    assert sums(ORDER, SHOP, links(**told)) == {"A": 500}


def test_a_refund_of_the_crm_is_linked_as_well():
    back = refunded("record:802", "record:801", ago(days=2), 2_500)
    both = links(order=["record:801", "record:802"])
    assert sums(ORDER, back, both) == {"record:801": 7_500}
    assert sums(ORDER, back, links(order=["record:801"])) == {"record:801": 10_000}


def sold(deal, **data):
    return bought("record:801", ago(days=9), 10_000, deal=deal, **data)


def test_an_order_is_left_out_while_its_won_deal_counts():
    deal = won("5", ago(days=10), 12_000)
    assert sums(sold("5"), deal) == {"deal:5": 12_000}
    assert sums(sold("6"), deal) == {"deal:5": 12_000, "record:801": 10_000}


def test_a_deal_that_does_not_count_leaves_the_order():
    lost = row("deal", "5", {"status": "lost", "closed_at": NOW.isoformat()})
    free = won("5", ago(days=10), 0)
    elsewhere = won("5", ago(days=10), 12_000), links(deal=[], order=["record:801"])
    for told in ((lost,), (free,), elsewhere):
        assert sums(sold("5"), *told) == {"record:801": 10_000}


def test_what_goes_back_of_an_order_that_is_left_out_goes_back_of_the_deal():
    back = refunded("r", "record:801", ago(days=2), 2_000)
    rows = sold("5"), won("5", ago(days=10), 12_000), back
    assert sums(*rows) == {"deal:5": 10_000}
    assert doubts(*rows) == ()


def test_a_shops_order_that_names_its_deal_counts_once_as_well():
    order = bought("A", ago(days=9), 10_000, deal="5")
    assert sums(order, won("5", ago(days=10), 10_000)) == {"deal:5": 10_000}
