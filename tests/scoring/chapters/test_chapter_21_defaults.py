"""Chapter 21: what holds where a page says nothing, and what the shipped page says.

Defaults of models that predict, of points and of tiers belong to chapters that are not built.
"""

import pytest

from chalicelib.core.calls import Floors
from chalicelib.core.policy import Band
from chalicelib.policy import compile_policy, validate
from chalicelib.scoring.models import roll_up
from chalicelib.scoring.models.rfm import Options
from chalicelib.training.cuts import rfm_cuts
from tests.scoring.examples import STARTER, starter


def plain():
    """The smallest page of each section: what has a default is left out."""
    made = starter(
        funnel={"stages": {"offer": ["s3"]}},
        products={"categories": ["tea", "cups"]},
        referrals={"attribute": "referred_by"},
        priority={"deal_value": 1000},
    )
    made["attributes"] |= {
        "referred_by": {"type": "text", "of": "contact", "hubspot": "referred_by"},
        "nps": {"type": "number", "of": "survey"},
    }
    for group in made["lead"]["groups"]:
        group.pop("cap", None)
    made["lead"]["groups"].append({"id": "people", "model": "roll_up"})
    made["customer"]["components"] = [
        {"id": "bought", "model": "rfm"},
        {"id": "worth", "model": "value"},
        {"id": "happy", "model": "satisfaction"},
    ]
    validate(made)
    return compile_policy(made)


POLICY = plain()
BOUGHT, WORTH, HAPPY = (group.model for group in POLICY.customer.components)


def test_21_a_score_lies_within_0_and_100_and_so_does_a_group():
    for group in (*POLICY.lead.groups, *POLICY.customer.components):
        assert (group.weight, group.low, group.high) == (1, 0, 100)


def test_21_hot_is_from_70_and_warm_from_40():
    assert STARTER["lead"]["temperatures"] == {"hot": 70, "warm": 40}


def test_1_1_grades_are_by_70_and_40_and_by_60_and_25_per_cent_of_the_most():
    grade = STARTER["lead"]["grade"]
    assert (grade["fit"]["at_least"], grade["engagement"]["at_least"]) == ([0.7, 0.4], [0.6, 0.25])


def test_21_a_step_of_5_points_is_worth_a_write():
    assert STARTER["publish"]["step"] == 5


@pytest.mark.parametrize(("customers", "groups"), [(50, 5), (49, 3), (15, 3)])
def test_21_rfm_has_5_groups_from_50_customers_on(customers, groups):
    cuts = rfm_cuts((n, n + 1, n + 1) for n in range(customers))
    assert [len(cuts[name]) + 1 for name in "rfm"] == [groups] * 3


def test_21_rfm_looks_at_all_purchases_with_equal_weights():
    assert BOUGHT.options == Options(window_days=None)
    assert BOUGHT.weights == (1, 1, 1)


def test_21_satisfaction_has_a_half_life_of_180_days():
    assert HAPPY.half_life_days == 180


def test_10_value_is_all_revenue_and_classes_are_from_70_and_40():
    assert (WORTH.window_days, WORTH.credit, WORTH.costs) == (None, {}, None)
    bands = POLICY.customer.classes
    assert [(band.name, band.minimum) for band in bands[:2]] == [("A", 70), ("B", 40)]


def test_2_a_company_goes_by_the_noisy_or_of_its_five_best_people():
    assert POLICY.lead.groups[-1].model == roll_up.Model("noisy_or", 5)


def test_15_somebody_has_just_entered_a_stage_for_a_week():
    assert (POLICY.funnel.recent_days, POLICY.funnel.stalled_days) == (7, {})


def test_7_2_three_purchases_of_others_make_an_influencer_where_the_page_says_no_number():
    assert POLICY.owing.influencer_from == 3


def test_16_a_call_takes_a_quarter_of_an_hour_and_moves_a_chance_by_three_tenths_of_p_times_1_less_p():
    found = POLICY.priority
    assert (found.uplift, found.minutes, found.service_level_days) == (0.3, 15, 7)
    assert [found.chances[score] for score in (0, 40, 70, 100)] == [0.02, 0.1, 0.3, 0.6]


def test_16_thirty_per_cent_each_are_kept_for_new_and_existing_and_ten_to_explore():
    assert POLICY.priority.calls.floors == Floors(new=0.3, existing=0.3, exploration=0.1)
    assert POLICY.priority.calls.rest_days == 7


def test_1_6_a_machine_is_told_by_3_seconds_after_delivery_and_2_between_links():
    found = POLICY.machine_traffic
    assert (found.after_delivery_seconds, found.burst_seconds, found.off) == (3, 2, frozenset())


def test_1_1_the_last_band_takes_all_that_is_below():
    assert POLICY.lead.temperatures[-1] == Band("cold", float("-inf"))
