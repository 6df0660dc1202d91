"""Hypothesis strategies for chapters 9, 10 and 14: what customers are worth and say."""

from hypothesis import strategies as st

from chalicelib.core.policy import FittedModels
from chalicelib.policy import compile_policy
from tests.scoring.examples import (
    BY_ID,
    CUTS,
    answer,
    contact,
    engagement_parameters,
    fact_rows,
    instants,
    starter,
    ticket,
)

answers = st.builds(
    answer,
    st.sampled_from(["s1", "s2", "s3", "s4"]),
    instants,
    st.integers(-1, 11),
    kind=st.sampled_from(["nps", "csat", "ces"]),
    survey=st.sampled_from([None, "after-sale"]),
)
tickets = st.builds(ticket, st.sampled_from(["t1", "t2"]), instants)
costs = st.builds(lambda spent: contact(acquisition_cost=spent), st.sampled_from([None, 5, 12.5]))
rows = st.tuples(fact_rows, st.lists(st.one_of(answers, answers, tickets, costs), max_size=10)).map(
    lambda both: both[0] + both[1]
)

values = st.fixed_dictionaries(
    {"id": st.just("value"), "model": st.just("value")},
    optional={
        "window_days": st.sampled_from([30, 365]),
        "credit": st.just({"referral": 0.2, "influence": 0.1}),
        "costs": st.sampled_from([{"attributes": ["acquisition_cost"]}, {"per_ticket": 7.5}]),
        "thresholds": st.just([10, 100, 500, 2000]),
        "thresholds_serve": st.sampled_from(["until_fitted", "always"]),
    },
)
satisfactions = st.fixed_dictionaries(
    {"id": st.just("satisfaction"), "model": st.just("satisfaction")},
    optional={"half_life_days": st.sampled_from([30, 180]), "weight": st.just(0.25)},
)
behaviours = st.builds(
    lambda rules, more: {**rules, **more, "id": "behaviour", "model": "behaviour"},
    engagement_parameters,
    st.fixed_dictionaries(
        {"purchases": st.sampled_from([30, 100])},
        optional={"window_days": st.just(90), "ties": st.just("first")},
    ),
)


def _page(components, shares, new_days, step):
    page = starter(publish={"step": step, "profile": "full"})
    page["attributes"] |= {
        "nps": {"type": "number", "of": "survey"},
        "subject": {"type": "text", "of": "ticket"},
        "acquisition_cost": {"type": "number", "of": "contact"},
    }
    page["customer"]["components"] = components
    if shares and any(one["model"] == "value" for one in components):
        page["customer"]["classes"]["value_shares"] = shares
    if new_days:
        page["customer"]["new_days"] = new_days
    return page


pages = st.builds(
    _page,
    st.tuples(behaviours, values, satisfactions).flatmap(
        lambda three: st.lists(st.sampled_from(three), min_size=1, max_size=3,
                               unique_by=lambda one: one["id"])
    ),
    st.sampled_from([None, [0.8, 0.95]]),
    st.sampled_from([None, 60]),
    st.sampled_from([1, 5]),
)  # fmt: skip


def models_for(page, kind):
    """What training would have learned, if it saw this policy."""
    policy = compile_policy(page)
    found = {"rfm": BY_ID if kind == "by id" else CUTS, "satisfaction": {"mean": 64.0}}
    if kind == "nothing":
        return FittedModels("none", {})
    for group in policy.customer.components:
        if group.model_name == "value":
            cuts = sorted([0] * 10 + [500 * n for n in range(60)] + [20_000] * 30)
            basis = group.model.basis if kind != "of another basis" else "{}"
            found["value"] = {"cuts": cuts, "basis": basis}
            found["classes"] = {"A": 50_000, "B": 9_000, "basis": basis}
    return FittedModels(kind, found)


kinds = st.sampled_from(["learned", "learned", "by id", "nothing", "of another basis"])
