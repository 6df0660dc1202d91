"""Who stands among the customers of a prediction, and who among the leads."""

from datetime import date

from infra.prediction.forecast import Forecast


def test_a_customer_with_a_chance_of_the_target_stays_among_the_customers():
    both = Forecast("a", purchases=1, last=date(2026, 3, 1), rank=5.0, chance=0.9)
    lead = Forecast("b", chance=0.2)
    assert (both.is_lead, lead.is_lead) == (False, True)
    assert (both.order, lead.order) == (5.0, 0.2)
    assert both.to_json()["chance"] == 0.9


def test_a_chance_alone_is_something_to_tell():
    assert Forecast("a", purchases=1, last=date(2026, 3, 1), chance=0.1).tells
    assert not Forecast("a", purchases=1, last=date(2026, 3, 1)).tells
