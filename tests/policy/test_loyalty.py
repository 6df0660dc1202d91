"""The section ``loyalty``: what is refused, with which words, and what is made of the rest."""

from fractions import Fraction

import pytest

from chalicelib.core.loyalty import Expiry
from chalicelib.policy import PolicyInvalid, compile_policy, validate
from tests.scoring.examples import starter

TEXT = {"en": "Words", "fa": "واژه"}
BUY = {"id": "buy", "event": "purchase", "per_amount": {"step": 100}, "text": TEXT}
REVIEW = {"id": "review", "event": "review.posted", "points": 5, "text": TEXT}
THREE = {"id": "three", "event": "purchase", "count": 3, "points": 20, "text": TEXT}
CUP = {"id": "cup", "kind": "product", "cost": 10, "text": TEXT}


def level(name, least):
    return {"id": name, "at_least": least, "text": TEXT}


TIERS = {"levels": [level("basic", 0), level("gold", 100)]}


def tiers(**changes):
    return {"tiers": TIERS | changes}


def earning(*rules):
    return {"earning": list(rules)}


def mission(**changes):
    return {"missions": [THREE | changes]}


def problems(section, **page):
    with pytest.raises(PolicyInvalid) as refused:
        validate(starter(loyalty=section, **page))
    return [str(problem) for problem in refused.value.problems]


DAYS = "write days beside kind: {}, and nowhere else"

BROKEN = {
    "a misspelt key": (
        {"earnings": []},
        ["/loyalty: earnings is unknown here, did you mean earning?"],
    ),
    "a rule that says nothing": (
        earning({"id": "a", "event": "purchase", "text": TEXT}),
        ["/loyalty/earning/0: write exactly one of: points, per_amount"],
    ),
    "money for a review": (
        earning(BUY | {"event": "review.posted"}),
        ["/loyalty/earning/0/per_amount: only a purchase has an amount: write points instead"],
    ),
    "a limit of an amount": (
        earning(BUY | {"max_per_day": 1}),
        ["/loyalty/earning/0/max_per_day: write max_per_day beside points only"],
    ),
    "points of nothing": (
        earning(REVIEW | {"points": 0}),
        ["/loyalty/earning/0/points: write a number of at least 1 instead of 0"],
    ),
    "a mission for nothing": (
        {"missions": [{key: part for key, part in THREE.items() if key != "count"}]},
        ["/loyalty/missions/0: write exactly one of: count, sum"],
    ),
    "a mission by the sum of reviews": (
        {"missions": [{"id": "a", "event": "review.posted", "sum": 5, "points": 1, "text": TEXT}]},
        ["/loyalty/missions/0/sum: only a purchase has an amount: write count instead"],
    ),
    "two windows": (
        mission(window={"period": "month", "days": 7}),
        ["/loyalty/missions/0/window: write exactly one of: period, days, from with until"],
    ),
    "a streak of days": (
        mission(window={"days": 7}, streak=3),
        ["/loyalty/missions/0/streak: a streak needs a window with a period"],
    ),
    "one name twice": (
        earning(BUY) | mission(id="buy"),
        ["/loyalty/missions/0/id: buy is a rule of earning, choose another name"],
    ),
    "a tier that is not there": (
        earning(BUY) | tiers() | {"multipliers": [{"id": "a", "factor": 2, "tiers": ["gould"]}]},
        ["/loyalty/multipliers/0/tiers/0: there is no tier gould, did you mean gold?"],
    ),
    "a tier without tiers": (
        {"rewards": [CUP | {"tiers": ["gold"]}]},
        ["/loyalty/rewards/0/tiers/0: there is no tier gold, add it to loyalty.tiers"],
    ),
    "a rule that is not there": (
        earning(BUY) | {"multipliers": [{"id": "a", "factor": 2, "rules": ["bye"]}]},
        ["/loyalty/multipliers/0/rules/0: there is no rule bye, did you mean buy?"],
    ),
    "a first level above nothing": (
        tiers(levels=[level("basic", 1), level("gold", 100)]),
        ["/loyalty/tiers/levels/0/at_least: write 0: everybody is at least in the first level"],
    ),
    "levels that fall": (
        tiers(levels=[level("a", 0), level("b", 50), level("c", 50)]),
        ["/loyalty/tiers/levels/2/at_least: write more than 50, that of the level below"],
    ),
    "an index of nothing": (
        tiers(metric="index"),
        ["/loyalty/tiers: write index beside metric: index, and nowhere else"],
    ),
    "weights that are not whole": (
        tiers(metric="index", index=[{"of": "points", "weight": 0.8, "target": 100}]),
        ["/loyalty/tiers/index: write weights that are 1 together"],
    ),
    "multipliers for tiers by score": (
        earning(BUY)
        | tiers(metric="score")
        | {"multipliers": [{"id": "a", "factor": 2, "tiers": ["gold"]}]},
        [("/loyalty/multipliers/0/tiers: tiers by score are not known at the time of a purchase")],
    ),
    "a metric in other words": (
        tiers(metric="pionts"),
        ["/loyalty/tiers/metric: 'pionts' is unknown, did you mean points?"],
    ),
    "a rolling window without days": (
        tiers(window={"kind": "rolling"}),
        [f"/loyalty/tiers/window: {DAYS.format('rolling')}"],
    ),
    "a validity with days too many": (
        tiers(validity={"kind": "end_of_period", "days": 3}),
        [f"/loyalty/tiers/validity: {DAYS.format('days')}"],
    ),
    "an expiry of a rule without days": (
        earning(REVIEW | {"expiry": {"kind": "inactivity"}}),
        [f"/loyalty/earning/0/expiry: {DAYS.format('days or inactivity')}"],
    ),
    "points that are dead before they live": (
        {"expiry": {"kind": "days", "days": 14}, "pending_days": 14},
        ["/loyalty/pending_days: they expire after 14 days: write fewer"],
    ),
    "a campaign that ends first": (
        earning(REVIEW | {"from": "2026-03-21", "until": "1404-12-29"}),
        ["/loyalty/earning/0/until: write a day that is not before from"],
    ),
    "a day that is none": (
        earning(REVIEW | {"from": "1404-12-30"}),
        ["/loyalty/earning/0/from: there is no day 1404-12-30"],
    ),
    "a day in words": (
        earning(REVIEW | {"from": "Nowruz"}),
        [
            (
                "/loyalty/earning/0/from: write the first or last day of it, such as '2026-03-21' or "
                "'1405-01-01', in quotes instead of 'Nowruz'"
            )
        ],
    ),
    "a discount of nothing": (
        {"rewards": [CUP | {"kind": "discount"}]},
        ["/loyalty/rewards/0: write exactly one of: value, percent"],
    ),
    "per cent of a cup": (
        {"rewards": [CUP | {"percent": 20}]},
        ["/loyalty/rewards/0/percent: only a discount has per cent"],
    ),
    "a code of two rewards": (
        {"rewards": [CUP | {"codes": ["A", "B"]}, CUP | {"id": "film", "codes": ["C", "B"]}]},
        ["/loyalty/rewards/1/codes/1: the reward cup has this code, write another one"],
    ),
    "money of no value": (
        {"rewards": [CUP | {"kind": "money"}]},
        ["/loyalty/rewards/0: write value, or loyalty.point_value"],
    ),
    "tickets that are not read": (
        earning(REVIEW | {"event": "ticket"}),
        [
            (
                "/loyalty/earning/0/event: add an attribute of: ticket, so that they are read from "
                "the CRM"
            )
        ],
    ),
}


@pytest.mark.parametrize(("section", "told"), BROKEN.values(), ids=BROKEN)
def test_a_mistake_is_told_with_what_to_write_instead(section, told):
    assert problems(section) == told


def compiled(section, **page):
    page = starter(loyalty=section, **page)
    validate(page)
    return compile_policy(page).loyalty


def test_a_policy_without_the_section_has_no_programme():
    assert compile_policy(starter()).loyalty is None


def test_an_empty_section_has_the_defaults_of_the_specification():
    program = compiled({})
    assert program.expiry == Expiry("days", 365, to_day_end=True)
    assert (program.pending_days, program.notify_days, program.expired_grace_days) == (0, 10, 0)
    assert (program.refunds.scope, program.refunds.shortage) == ("any", "debt")
    assert program.excluded == ("tax", "delivery", "gift_cards", "paid_with_points")


def test_tiers_and_missions_have_the_defaults_of_the_specification():
    program = compiled(earning(BUY) | mission() | tiers(), calendar="jalali")
    rules = program.tiers
    assert (rules.metric, rules.window.kind, rules.window.calendar) == ("points", "year", "jalali")
    assert (rules.validity, rules.grace_days, rules.downgrade) == (
        "end_of_next_period",
        30,
        "one_step",
    )
    assert not rules.immediate_downgrade
    assert (program.earning[0].points, program.earning[0].linear) == (10, False)
    (three,) = program.missions
    assert (three.window.period, three.window.calendar) == ("month", "jalali")
    assert three.once_per_window
    assert three.reverse_on_refund


def test_money_stands_in_whole_units_and_factors_are_exact():
    section = earning(BUY) | {
        "multipliers": [{"id": "a", "factor": 1.1}],
        "point_value": 0.05,
        "rewards": [CUP | {"kind": "money", "value": 2.5}],
    }
    program = compiled(section)
    assert program.earning[0].step == 10_000
    assert program.multipliers[0].factor == Fraction(11, 10)
    assert program.multipliers[0].rules == {"buy"}
    assert program.point_value == 5
    assert program.rewards[0].value == 250


def test_the_last_day_of_a_campaign_is_part_of_it():
    program = compiled(earning(REVIEW | {"from": "2026-03-21", "until": "2026-03-21"}))
    dates = program.earning[0].dates
    assert (dates.ends - dates.begins).days == 1
