"""Pages, facts and Hypothesis strategies for them, in the words of the product's formats."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml
from hypothesis import strategies as st

from chalicelib.core.facts import Fact, FactSet, iso
from chalicelib.core.model import Ref
from chalicelib.core.policy import FittedModels
from chalicelib.policy import impossible
from chalicelib.policy.checks import CHECKS
from chalicelib.policy.shape import misshapen, not_json

SUBJECT = Ref("hubspot-main", "contact", "512")
NOW = datetime(2026, 3, 21, 12, 30, tzinfo=UTC)

STARTER = yaml.safe_load(Path("chalicelib/policy/shipped/starter.yaml").read_text("utf-8"))

CUTS = {"r": [30.0, 90.0, 180.0, 365.0], "f": [1.0, 2.0, 4.0, 8.0], "m": [5e3, 2e4, 5e4, 2e5]}
_SOMEBODY = [f"hubspot-main:contact:{number}" for number in (1, 300, 7, 900)]
BY_ID = {
    "r": [1, 30, 180, 365], "f": [1, 1, 1, 2], "m": [5_000, 10_000, 10_000, 200_000],
    "ids": dict.fromkeys("rfm", _SOMEBODY), "n": 200, "constant": [],
}  # fmt: skip
FITTED = FittedModels("cuts-1", {"rfm": {**CUTS, "n": 200, "constant": []}})


def starter(**changes):
    """A copy in which no two parts are the same object, as YAML's anchors would leave them."""
    return json.loads(json.dumps(STARTER)) | changes


def assert_well_formed(page):
    """As ``validate`` sees it, but for conditions that nobody meets: those are scored as well."""
    checks = [check for check in CHECKS if check not in impossible.CHECKS]
    assert [*not_json(page), *misshapen(page)] == []
    assert [problem for check in checks for problem in check(page)] == []


def row(kind, identity, data, at=NOW, modified_at=None):
    """One line of a facts file."""
    fact = {
        "subject": str(SUBJECT),
        "type": kind,
        "id": identity,
        "occurred_at": iso(at),
        "data": data,
    }
    return fact | ({"modified_at": iso(modified_at)} if modified_at else {})


def activity(kind, at, identity="", count=1):
    return row("activity", identity or f"{kind}@{iso(at)}", {"kind": kind, "count": count}, at)


def won(identity, closed_at, amount=10_000, currency="USD", worth=None):
    """``worth`` is what a foreign amount comes to in USD, where a rate is known."""
    data = {
        "status": "won",
        "closed_at": iso(closed_at),
        "amount": {"amount": amount, "currency": currency},
    }
    value = {} if worth is None else {"value": {"amount": worth, "currency": "USD"}}
    return row("deal", identity, data | value, NOW, NOW)


def bought(identity, at, amount=10_000, currency="USD", credit=None, **more):
    """An order told by a shop; with ``credit`` that of somebody whom the subject brought in."""
    credited = {} if credit is None else {"credit": credit}
    data = {"amount": {"amount": amount, "currency": currency}, **credited, **more}
    return row("purchase", identity, data, at)


def answer(identity, at, value, kind="nps", survey=None):
    """To a survey; ``survey`` is which, where there are several of a kind."""
    data = {"kind": kind, "value": value, "answered_at": iso(at)}
    return row("survey", identity, data | ({"survey": survey} if survey else {}), NOW)


def ticket(identity, opened_at):
    data = {"status": "open", "opened_at": iso(opened_at)}
    return row("ticket", identity, data, NOW)


def refunded(identity, purchase, at, amount, currency="USD"):
    data = {"purchase": purchase, "amount": {"amount": amount, "currency": currency}}
    return row("refund", identity, data, at)


def contact(**attributes):
    return row("contact", SUBJECT.id, attributes, NOW, NOW)


def fact_set(rows):
    return FactSet.of(Fact.from_json(one) for one in rows)


def ago(**time):
    return NOW - timedelta(**time)


KINDS = ["email.opened", "email.clicked", "page.viewed", "call.held", "x.webinar"]
TITLES = ["CEO", "Director of Sales", "مدیر‌عامل", "مدير فروش", "intern", "", None]

instants = st.integers(-500 * 1440, 20 * 1440).map(lambda minutes: NOW + timedelta(minutes=minutes))
past = st.integers(-500 * 1440, 0).map(lambda minutes: NOW + timedelta(minutes=minutes))


def activities(when=instants, kinds=tuple(KINDS)):
    return st.builds(activity, st.sampled_from(kinds), when, count=st.integers(1, 4))


deals = st.builds(
    won,
    st.integers(1, 9).map(str),
    instants,
    st.integers(-5, 300_000),
    st.sampled_from(["USD", "USD", "USD", "EUR"]),
) | st.builds(
    won,
    st.integers(1, 9).map(str),
    instants,
    st.integers(-5, 300_000),
    st.just("EUR"),
    worth=st.integers(-5, 300_000),
)

orders = st.builds(
    bought,
    st.sampled_from(["A", "B"]),
    instants,
    st.integers(-5, 300_000),
    currency=st.sampled_from(["USD", "EUR"]),
    credit=st.sampled_from([None, None, "referral", "influence"]),
)

refunds = st.builds(
    refunded,
    st.sampled_from(["r1", "r2", "r3"]),
    st.sampled_from(["A", "B", "deal:1", "deal:2", "deal:3", "nowhere"]),
    instants,
    st.integers(-100, 200_000),
    currency=st.sampled_from(["USD", "USD", "EUR"]),
)

contacts = st.fixed_dictionaries(
    {},
    optional={
        "job_title": st.sampled_from(TITLES),
        "email": st.sampled_from(["a@acme.example", "b@gmail.com"]),
        "phone": st.just("+982112345678"),
        "email_opted_out": st.booleans(),
    },
).map(lambda attributes: contact(**attributes))

accounts = st.builds(
    lambda identity, employees: row("account", identity, {"employees": employees}, NOW, NOW),
    st.sampled_from(["7", "8"]),
    st.one_of(st.none(), st.integers(0, 500)),
)

links = st.builds(
    lambda linked, order: row("links", "links", {"deal": linked, "account": order}),
    st.lists(st.integers(1, 9).map(str), unique=True).map(sorted),
    st.permutations(["7", "8"]),
)

fact_rows = st.lists(
    st.one_of(activities(), activities(), deals, orders, refunds, contacts, accounts, links),
    max_size=40,
)

points = st.one_of(st.integers(-20, 30), st.floats(-20, 30).map(lambda value: round(value, 2)))
TEXT = {"en": "Did it {count} times", "fa": "{count} بار"}


def _rules(**members):
    return st.lists(st.fixed_dictionaries(members["each"], optional=members["some"]),
                    min_size=1, max_size=6).map(_numbered)  # fmt: skip


def _numbered(rules):
    return [{"id": f"rule_{index}", **rule} for index, rule in enumerate(rules)]


leaves = st.sampled_from([
    {"attribute": "job_title", "has_word": ["ceo", "مدیر عامل", "مدیرعامل"]},
    {"attribute": "job_title", "contains": "مدیر"},
    {"attribute": "job_title", "matches": "^(ceo|intern)$"},
    {"attribute": "job_title", "present": True},
    {"attribute": "email", "in": ["B@gmail.com"]},
    {"attribute": "phone", "missing": True},
    {"attribute": "email_opted_out", "equals": True},
    {"attribute": "email_opted_out", "equals": False, "when_missing": True},
    {"attribute": "account.employees", "at_least": 20, "at_most": 200},
    {"attribute": "account.employees", "between": [100, 300]},
])  # fmt: skip

conditions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"all": parts}),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"any": parts}),
        inner.map(lambda part: {"not": part}),
        inner.map(lambda part: {"all": [part], "when_missing": True}),
    ),
    max_leaves=5,
)

fit_parameters = st.fixed_dictionaries(
    {
        "model": st.just("fit"),
        "rules": _rules(
            each={"when": conditions, "points": points, "text": st.just(TEXT)}, some={}
        ),
    }
)

engagement_parameters = st.fixed_dictionaries(
    {
        "model": st.just("engagement"),
        "rules": _rules(
            each={
                "when": st.sampled_from(KINDS).map(lambda kind: {"activity": kind}),
                "points": points,
                "text": st.just(TEXT),
            },
            some={
                "half_life_days": st.sampled_from([0.5, 7, 14, 45]),
                "max_per_day": st.integers(1, 3),
            },
        ),
    }
)

rfm_parameters = st.fixed_dictionaries(
    {"model": st.just("rfm")},
    optional={
        "weights": st.just({"r": 2, "f": 1, "m": 0.5}),
        "thresholds": st.sampled_from(
            [
                {"r": [30, 90, 180, 365], "f": [1, 2, 4, 8], "m": [50, 200.5, 500, 2000]},
                {"r": [7, 14, 21, 28]},
            ]
        ),
        "thresholds_serve": st.sampled_from(["until_fitted", "always"]),
        "window_days": st.sampled_from([1, 30, 730]),
        "frequency": st.sampled_from(["orders", "days"]),
        "monetary": st.sampled_from(["sum", "mean"]),
        "ties": st.sampled_from(["equal", "first"]),
    },
)

bounds = st.fixed_dictionaries(
    {},
    optional={
        "weight": st.sampled_from([0.5, 1, 2]),
        "cap": st.sampled_from([[0, 50], [-20, 30], [0, 100], [-100, 100]]),
    },
)


def _group(identity, parameters):
    return st.tuples(parameters, bounds).map(lambda both: {"id": identity, **both[0], **both[1]})


def _page(fit, engagement, behaviour, value, zone, publish):
    page = starter(time_zone=zone, publish=publish)
    page["lead"]["groups"] = [fit, engagement]
    page["customer"]["components"] = [
        {**behaviour, "cap": [0, 100]},
        {**value, "cap": [0, 100]},
    ]
    return page


pages = st.builds(
    _page,
    _group("fit", fit_parameters),
    _group("engagement", engagement_parameters),
    _group("behaviour", engagement_parameters),
    _group("value", rfm_parameters),
    st.sampled_from(["UTC", "Asia/Tehran", "America/New_York"]),
    st.fixed_dictionaries(
        {
            "profile": st.sampled_from(["full", "full", "minimal"]),
            "step": st.sampled_from([1, 3, 5, 7.5]),
        },
        optional={"topics": st.booleans()},
    ),
)

fitted = st.sampled_from(
    [
        FITTED,
        FittedModels("none", {}),
        FittedModels("few", {"rfm": {"n": 3}}),
        FittedModels("tertiles", {"rfm": {"r": [20.0, 80.0], "f": [], "m": [1e4, 5e4]}}),
        FittedModels("once", {"rfm": {**CUTS, "f": [1.0, 1.0, 2.0, 4.0], "constant": []}}),
        FittedModels("by id", {"rfm": BY_ID}),
    ]
)

LOYALTY = {
    "earning": [
        {
            "id": "purchase",
            "event": "purchase",
            "per_amount": {"step": 10},
            "text": {"en": "Purchase", "fa": "خرید"},
        }
    ],
    "tiers": {
        "levels": [
            {"id": "bronze", "at_least": 0, "text": {"en": "Bronze", "fa": "برنزی"}},
            {"id": "silver", "at_least": 500, "text": {"en": "Silver", "fa": "نقره‌ای"}},
        ]
    },
}

PRIORITY = {
    "deal_value": 500,
    "opted_out": {"attribute": "email_opted_out", "equals": True},
    "pools": {
        "experts": [
            {"id": "77", "skills": ["pumps"], "minutes_per_day": 60},
            {"id": "78", "minutes_per_day": 120},
        ]
    },
}

priorities = st.fixed_dictionaries(
    {"deal_value": st.sampled_from([10, 500, 3000])},
    optional={
        "chances": st.sampled_from([[[0, 0], [100, 1]], [[10, 0.1], [20, 0.9]]]),
        "uplift": st.sampled_from([0.1, 0.3]),
        "minutes": st.sampled_from([5, 20]),
    },
)
prioritised = st.builds(lambda page, section: page | {"priority": section}, pages, priorities)
