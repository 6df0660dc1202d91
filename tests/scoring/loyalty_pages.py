"""Hypothesis strategies for loyalty programmes, with all that facts alone can show of them."""

from hypothesis import strategies as st

TEXT = {"en": "Words", "fa": "واژه"}
LEVELS = ["basic", "silver_plus", "gold"]

_campaigns = st.sampled_from([
    {}, {}, {},
    {"from": "2026-01-10"},
    {"until": "2026-03-22"},
    {"from": "1404-11-01", "until": "1405-01-03"},
    {"from": "2026-03-23", "until": "2026-04-15"},
])  # fmt: skip
_calendars = st.sampled_from([{}, {"calendar": "gregorian"}, {"calendar": "jalali"}])
expiries = st.one_of(
    st.sampled_from([
        {"kind": "days", "days": 30},
        {"kind": "days", "days": 100, "round": "day_end"},
        {"kind": "days", "days": 21, "round": "exact"},
        {"kind": "inactivity", "days": 40},
        {"kind": "inactivity", "days": 15},
        {"kind": "none"},
    ]),
    st.builds(
        lambda kind, periods, calendar: {"kind": kind, **periods, **calendar},
        st.sampled_from(["end_of_month", "end_of_year"]),
        st.sampled_from([{}, {"periods": 1}, {"periods": 2}]),
        _calendars,
    ),
)  # fmt: skip

_BOUGHT = [
    {},
    {},
    {"category": "tea"},
    {"category": ["cups", "cake"]},
    {"amount": {"at_least": 50}},
]
_DID = [{}, {}, {}, {"link": "a"}, {"minutes": {"at_least": 1}}]
DOINGS = ["page.viewed", "email.opened", "call.held", "x.webinar"]


def _fitting(event):
    """Conditions that some such event may meet."""
    choices = {"purchase": _BOUGHT, "survey": [{}, {"kind": "nps"}], "ticket": [{}]}
    wheres = st.sampled_from(choices.get(event, _DID))
    return wheres.map(lambda where: {"event": event} | ({"where": where} if where else {}))


_events = st.sampled_from(["purchase", "purchase", *DOINGS, "ticket", "survey"]).flatmap(_fitting)
_steps = st.fixed_dictionaries(
    {"step": st.sampled_from([10, 2.5, 100])},
    optional={
        "points": st.sampled_from([1, 7]),
        "rounding": st.sampled_from(["full_steps", "linear_floor"]),
    },
)
_more = st.fixed_dictionaries(
    {},
    optional={
        "expiry": expiries,
        "pending_days": st.sampled_from([0, 3, 14]),
        "qualifies": st.booleans(),
    },
)
_per_amount = st.builds(
    lambda event, steps, more, dates: {**event, "per_amount": steps, **more, **dates},
    _fitting("purchase"), _steps, _more, _campaigns,
)  # fmt: skip
_per_time = st.builds(
    lambda event, points, limits, more, dates: {**event, "points": points, **limits, **more, **dates},
    _events,
    st.integers(1, 60),
    st.fixed_dictionaries(
        {}, optional={"max_per_day": st.integers(1, 3), "max_total": st.integers(1, 9)}
    ),
    _more,
    _campaigns,
)  # fmt: skip


def _named(kind, rows):
    return [{"id": f"{kind}_{number}", **row} for number, row in enumerate(rows)]


_plain = st.sampled_from([
    {"event": "purchase", "per_amount": {"step": 1}},
    {"event": "purchase", "points": 40},
    {"event": "page.viewed", "points": 25},
])  # fmt: skip
earnings = st.builds(
    lambda first, more: _named("earn", [row | {"text": TEXT} for row in (first, *more)]),
    _plain,
    st.lists(st.one_of(_per_amount, _per_time), max_size=3),
)


def _multipliers(rules, levels):
    some = st.fixed_dictionaries(
        {"factor": st.sampled_from([0, 1.5, 2, 1.1])},
        optional={
            "where": st.sampled_from(_BOUGHT[2:]),
            "rules": st.just(rules),
            **({"tiers": st.sampled_from([levels[1:], levels[:1]])} if levels else {}),
        },
    )
    return st.lists(st.tuples(some, _campaigns), max_size=3).map(
        lambda rows: _named("more", [row | dates for row, dates in rows])
    )


_periods = st.tuples(st.sampled_from(["week", "month", "quarter", "year"]), _calendars).map(
    lambda both: {"window": {"period": both[0], **both[1]}}
)
_windows = st.one_of(
    st.just({}),
    _periods,
    st.sampled_from([7, 30, 90]).map(lambda days: {"window": {"days": days}}),
    _campaigns.filter(bool).map(lambda dates: {"window": dates}),
    *[st.tuples(_periods, st.integers(2, 3)).map(lambda both: {**both[0], "streak": both[1]})] * 2,
)
_sums = st.tuples(_fitting("purchase"), st.sampled_from([50, 800.5])).map(
    lambda both: both[0] | {"sum": both[1]}
)
_counts = st.tuples(
    st.one_of(_events, st.just({"event": "purchase"}), st.just({"event": "page.viewed"})),
    st.integers(1, 4),
).map(lambda both: both[0] | {"count": both[1]})
_bonuses = st.fixed_dictionaries(
    {"points": st.integers(1, 60), "text": st.just(TEXT)},
    optional={
        "once_per_window": st.booleans(),
        "reverse_on_refund": st.booleans(),
        "expiry": expiries,
        "qualifies": st.booleans(),
    },
)
missions = st.lists(
    st.builds(lambda what, when, bonus: what | when | bonus, _counts | _sums, _windows, _bonuses),
    max_size=3,
).map(lambda rows: _named("mission", rows))

_LEAST = {
    "points": [60, 900], "purchase_points": [30, 700.5], "spend": [100, 1000.5],
    "count": [1, 3], "page.viewed": [2, 8], "index": [20, 60.5], "score": [30, 60],
}  # fmt: skip
_INDEX = [
    [{"of": "spend", "weight": 0.7, "target": 1500.5}, {"of": "page.viewed", "weight": 0.3, "target": 4}],
    [{"of": "count", "weight": 1, "target": 3}],
    [{"of": "points", "weight": 0.5, "target": 200}, {"of": "purchase_points", "weight": 0.5, "target": 99}],
]  # fmt: skip
_tier_windows = st.one_of(
    _calendars.map(lambda calendar: {"kind": "year", **calendar}),
    st.sampled_from([30, 200]).map(lambda days: {"kind": "rolling", "days": days}),
    st.just({"kind": "lifetime"}),
)
_validities = st.one_of(
    st.sampled_from([{"kind": kind} for kind in ("end_of_next_period", "end_of_period", "none")]),
    *[st.sampled_from([25, 60, 100]).map(lambda days: {"kind": "days", "days": days})] * 2,
)


def _often(members):
    """Each of them left out now and then only."""
    some = {name: st.one_of([st.just(...), *[one] * 4]) for name, one in members.items()}
    return st.fixed_dictionaries(some).map(
        lambda made: {name: one for name, one in made.items() if one is not ...}
    )


@st.composite
def _tiers(draw):
    metric = draw(st.sampled_from([*_LEAST]))
    rows = zip(LEVELS, [0, *_LEAST[metric]], strict=True)
    made = {"levels": [{"id": name, "at_least": least, "text": TEXT} for name, least in rows]}
    made |= {"metric": metric} if metric != "points" or draw(st.booleans()) else {}
    made |= {"index": draw(st.sampled_from(_INDEX))} if metric == "index" else {}
    made |= draw(_often({
        "window": _tier_windows,
        "validity": _validities,
        "grace_days": st.sampled_from([0, 4, 60, 200]),
    }))  # fmt: skip
    others = {
        "downgrade": st.sampled_from(["one_step", "to_earned"]),
        "immediate_downgrade": st.booleans(),
        "pending_lifts": st.booleans(),
    }
    return made | draw(st.fixed_dictionaries({}, optional=others))


@st.composite
def loyalties(draw):
    earning = draw(earnings)
    section = {"earning": earning, "missions": draw(missions)}
    if draw(st.sampled_from([True, True, True, False])):
        section["tiers"] = draw(_tiers())
    is_scored = section.get("tiers", {}).get("metric") == "score"
    levels = LEVELS if "tiers" in section and not is_scored else []
    section["multipliers"] = draw(_multipliers([earning[0]["id"]], levels))
    others = {
        "expiry": expiries,
        "pending_days": st.sampled_from([0, 2, 10]),
        "excluded": st.lists(st.sampled_from(["tax", "delivery", "wrapping"]), unique=True),
        "point_value": st.sampled_from([0, 0.015, 2]),
    }
    return section | draw(st.fixed_dictionaries({}, optional=others))


models = st.fixed_dictionaries(
    {"model": st.just("loyalty")},
    optional={
        "tier_share": st.sampled_from([0, 0.25, 1]),
        "target": st.sampled_from([50, 3000]),
        "window_days": st.sampled_from([20, 200]),
    },
)
