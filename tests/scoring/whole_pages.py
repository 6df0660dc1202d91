"""Hypothesis strategies for pages with all sections that a policy may have."""

from hypothesis import strategies as st

from tests.scoring import customer_examples, foretold, lead_examples, loyalty_pages
from tests.scoring.examples import bounds, conditions, points, rfm_parameters

CATEGORIES = ["tea", "cups", "cake", "books", "lamps", "pens"]

ATTRIBUTES = {
    "referred_by": {"type": "text", "of": "contact", "hubspot": "referred_by"},
    "owner": {"type": "text", "of": "contact", "hubspot": "owner"},
    "nps": {"type": "number", "of": "survey"},
    "subject": {"type": "text", "of": "ticket"},
    "acquisition_cost": {"type": "number", "of": "contact"},
}


def text(words):
    return {"en": words, "fa": f"«{words}»"}


funnels = st.fixed_dictionaries(
    {
        "stages": st.just(
            {
                "intro": ["s1"], "trial": ["s2"], "offer": ["s3", "other/s1"],
                "negotiation": ["s4"], "contract": ["s5"],
            }
        ),
        "stalled_days": st.just({"intro": 3, "offer": 14.5, "contract": 1}),
    },
    optional={"recent_days": st.sampled_from([1, 14])},
)  # fmt: skip

# What conditions may ask beside attributes: of each form one, with all that may stand beside it.
_happenings = st.sampled_from([
    {"count": "page.viewed", "within_days": 30, "at_least": 2},
    {"count": "purchase", "where": {"category": "tea"}, "between": [1, 2]},
    {"count": "ticket", "this": "month", "at_least": 1},
    {"count": "page.viewed", "this": "week", "at_most": 3},
    {"count": "purchase", "where": {"amount": {"at_least": 50}}, "this": "quarter", "equals": 1},
    {"sum": "purchase", "within_days": 365, "at_least": 900.5},
    {"sum": "page.viewed", "of": "minutes", "this": "year", "at_least": 1, "when_missing": True},
    {"average": "survey", "of": "value", "where": {"kind": ["nps"]}, "at_least": 5, "fewest": 2},
    {"average": "purchase", "within_days": 200, "between": [100, 2000]},
    {"ratio": "call.held", "to": "page.viewed", "within_days": 60, "at_most": 0.5, "fewest": 2},
    {"first": "purchase", "within_days": 100},
    {"last": "page.viewed", "longer_ago_days": 14.5},
    {"last": "email.opened", "within_days": 3, "when_missing": True},
    {
        "sequence": ["page.viewed", {"event": "call.held"}, "page.viewed"],
        "span_days": 90,
        "within_days": 300,
    },
    {"sequence": ["page.viewed", "purchase"], "this": "month"},
    {"attribute": "reset_at", "in_next_days": 4},
    {"attribute": "reset_at", "in_last_days": 1, "present": True},
    {"attribute": "reset_at", "longer_ago_days": 10},
    {"attribute": "reset_at", "before": "2026-03-21", "when_missing": False},
    {"attribute": "reset_at", "on_or_after": "2026-03-22"},
])  # fmt: skip
asked = st.one_of(
    _happenings,
    _happenings.map(lambda one: {"not": one}),
    st.tuples(_happenings, conditions).map(lambda both: {"all": [*both]}),
    st.tuples(_happenings, _happenings).map(lambda both: {"any": [*both], "when_missing": False}),
)


def _own_segments(whens):
    """Each after the first may also ask for the one above it."""
    rows = []
    for number, (when, asks_above) in enumerate(whens):
        above = {"any": [when, {"not": {"segment": f"own_{number - 1}"}}]}
        asked_for = above if asks_above and number else when
        rows.append({"id": f"own_{number}", "when": asked_for, "text": text(f"own {number}")})
    return rows


own_segments = st.lists(st.tuples(asked, st.booleans()), max_size=3).map(_own_segments)
fit_rules = st.lists(st.tuples(asked, points), max_size=3).map(
    lambda rows: [
        {"id": f"asked_{number}", "when": when, "points": worth, "text": text("it happened")}
        for number, (when, worth) in enumerate(rows)
    ]
)

_NAMES = {
    "class": [["A"], ["B", "C"], ["C"]],
    "grade": [["A1", "B1", "C1"], ["C3"], ["A3", "B3", "B2"]],
    "temperature": [["cold"], ["hot", "warm"]],
    "segment": [["champion", "loyal"], ["hibernating", "at_risk", "cant_lose_them"]],
}
_STAGES = [["intro", "trial"], ["offer_stalled", "intro_stalled"], ["offer", "contract"]]


def _whens(names):
    choices = {name: st.sampled_from(values) for name, values in names.items()}
    return st.fixed_dictionaries({}, optional=choices).map(lambda when: dict([*when.items()][:2]))


def _actions(names):
    members = {
        "text": st.sampled_from(["call", "write", "wait"]).map(text),
        "campaign": st.sampled_from(["spring", "vip"]).map(text),
        "service_level": st.sampled_from([0.5, 2]).map(
            lambda days: {"days": days, "text": text(f"within {days} days")}
        ),
        "assign_to": st.sampled_from(
            [{"pool": "experts"}, {"pool": "experts", "skill": "pumps"}]
        ),
    }  # fmt: skip
    one = st.tuples(_whens(names), st.fixed_dictionaries({}, optional=members))
    return st.lists(one.filter(lambda both: both[1]), max_size=6).map(
        lambda rows: [{"id": f"do_{n}", "when": when, **did} for n, (when, did) in enumerate(rows)]
    )


def _tags(names):
    return st.lists(_whens(names), max_size=3).map(
        lambda whens: [
            {"id": f"my_{n}", "when": when, "text": text(f"mark {n}")}
            for n, when in enumerate(whens)
        ]
    )


POOLS = {
    "experts": [
        {"id": "77", "skills": ["pumps"], "minutes_per_day": 60},
        {"id": "78", "minutes_per_day": 120},
    ]
}
HOURS = {"days": ["saturday", "sunday", "monday"], "opens": "09:00", "closes": "17:00"}


def _owned(section):
    return st.booleans().map(lambda written: section | {"write_owner": written})


priorities = st.fixed_dictionaries(
    {"deal_value": st.sampled_from([10, 512.5, 3000]), "pools": st.just(POOLS)},
    optional={
        "chances": st.sampled_from([[[0, 0], [100, 1]], [[10, 0.1], [20, 0.9]]]),
        "uplift": st.sampled_from([0.1, 0.3]),
        "minutes": st.sampled_from([5, 20]),
        "service_level_days": st.sampled_from([1, 30]),
        "contacts": st.just(["call.held", "x.webinar"]),
        "opted_out": st.one_of(conditions, asked),
        "owner": st.just("owner"),
        "rest_days": st.just(3),
        "floors": st.fixed_dictionaries(
            {},
            optional={
                "new": st.just(0.2),
                "existing": st.just(0.4),
                "exploration": st.just(0.05),
            },
        ),
        "hours": st.just(HOURS),
    },
).flatmap(lambda made: st.just(made) if "owner" not in made else _owned(made))

_sections = {
    "funnel": funnels,
    "products": st.just({"categories": CATEGORIES}),
    "referrals": st.fixed_dictionaries(
        {"attribute": st.just("referred_by")}, optional={"influencer_from": st.integers(1, 2)}
    ),
    "priority": priorities,
    "prediction": foretold.sections,
}

people = st.fixed_dictionaries(
    {"model": st.just("roll_up")},
    optional={
        "method": st.sampled_from(["noisy_or", "max", "sum"]),
        "top": st.integers(1, 3),
        "weight": st.just(0.5),
    },
)
_percentages = st.fixed_dictionaries(
    {},
    optional={"weight": st.sampled_from([0.5, 2]), "cap": st.sampled_from([[0, 60], [0, 100]])},
)
_behaviours = st.builds(
    lambda buying, rules, most: {
        **{name: one for name, one in buying.items() if name not in ("weights", "monetary")},
        "model": "behaviour",
        "rules": rules,
        "purchases": most,
    },
    rfm_parameters,
    lead_examples.rules,
    st.sampled_from([30, 100]),
)


def _bounded(identity, parameters, limits):
    return st.builds(lambda one, more: {**one, **more, "id": identity}, parameters, limits)


_potentials = st.just({"model": "potential"})


def _thirds(more):
    """Of lead groups one more, perhaps of a model that some section of the page allows."""
    parameters = [
        people, customer_examples.values, customer_examples.satisfactions, rfm_parameters, *more
    ]  # fmt: skip
    return st.one_of([_bounded("third", one, bounds) for one in parameters])


def _components(more):
    parameters = {
        "behaviour": _behaviours,
        "value": customer_examples.values,
        "satisfaction": customer_examples.satisfactions,
        "rfm": rfm_parameters,
        "people": people,
        **more,
    }
    return st.lists(
        st.one_of([_bounded(name, one, _percentages) for name, one in parameters.items()]),
        min_size=1,
        max_size=4,
        unique_by=lambda one: one["id"],
    )


def _without_deals(sections):
    """Of which nothing can be told without stages."""
    if "funnel" in sections:
        return sections
    asked = {name: one for name, one in sections.get("prediction", {}).items() if name != "deals"}
    others = {name: one for name, one in sections.items() if name != "prediction"}
    return others | {"prediction": asked} if asked else others


_mostly = st.sampled_from([True, True, False])


@st.composite
def _pages(draw):
    page, sections = draw(lead_examples.lead_pages), {}
    page = {name: section for name, section in page.items() if name not in _sections}
    for name, drawn in _sections.items():
        sections |= {name: draw(drawn)} if draw(_mostly) else {}
    page["lead"]["groups"][0]["rules"] += draw(fit_rules)
    sections = _without_deals(sections)
    sections |= {"segments": own} if (own := draw(own_segments)) else {}
    names = _NAMES | ({"stage": _STAGES} if "funnel" in sections else {})
    names |= {"segment": [*_NAMES["segment"], ["own_0", "champion"]]} if own else {}
    if {"purchases", "subscriptions"} & sections.get("prediction", {}).keys():
        names |= {"churn": [["high"], ["low", "medium"]]}
    loyalty, more = draw(_loyalties()), {}
    if loyalty:
        sections["loyalty"] = loyalty
    if "tiers" in loyalty:
        names |= {"tier": [["basic"], ["silver_plus", "gold"]]}
    if loyalty and loyalty.get("tiers", {}).get("metric") != "score":
        more |= {"loyalty": loyalty_pages.models}
    more |= {"potential": _potentials} if "funnel" in sections else {}
    actions = draw(_actions(names))
    if "priority" not in sections:
        actions = [{k: v for k, v in one.items() if k != "assign_to"} for one in actions]
        actions = [one for one in actions if len(one) > 2]
    if draw(st.booleans()):
        page["lead"]["groups"].append(draw(_thirds(more.values())))
    page["customer"] = draw(_customers(more))
    page["attributes"] |= ATTRIBUTES
    currency = draw(st.sampled_from(["USD", "USD", "EUR"]))
    language = draw(st.sampled_from(["en", "fa"]))
    changed = {"language": language, "currency": currency, "tags": draw(_tags(names))}
    changed |= {"region": "IR"} if draw(st.booleans()) else {}
    return page | sections | changed | {"actions": actions}


@st.composite
def _loyalties(draw):
    return draw(loyalty_pages.loyalties()) if draw(_mostly) else {}


@st.composite
def _customers(draw, more):
    components, classes = draw(_components(more)), {"A": 70, "B": 40}
    shares = any(one["model"] == "value" for one in components) and draw(st.booleans())
    classes |= {"value_shares": [0.8, 0.95]} if shares else {}
    made = {"components": components, "classes": classes}
    return made | ({"new_days": 60} if draw(st.booleans()) else {})


whole_pages = _pages()
