"""Who will not renew: by what a subscriber did, as the naive scorer tells it, in any week."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.core.policy import FittedModels
from chalicelib.policy import compile_policy
from chalicelib.scoring import Written, next_change_at, publish, score_card
from tests.oracle.scorer import naive_card
from tests.scoring import foretold
from tests.scoring.examples import (
    NOW,
    SUBJECT,
    activity,
    ago,
    bought,
    contact,
    fact_set,
    row,
    starter,
    ticket,
)

RENEWAL = {"type": "date", "of": "contact", "hubspot": "reset_at"}
WEEK = timedelta(days=7)
LEARNED = {name: foretold.LEARNED[name] for name in ("subscriptions", "renewals")}
MODELS = FittedModels("m", LEARNED)


def page(**more):
    """A score that stands still, so that only the risk can be a reason to write."""
    found = starter(prediction={"subscriptions": {"renewal": "reset_at", **more}})
    found["attributes"] |= {"reset_at": RENEWAL}
    for group in found["lead"]["groups"]:
        group["rules"] = group["rules"][:1]
    return found


def csat(identity, answered_at, value):
    data = {"kind": "csat", "survey": "s", "value": value, "answered_at": answered_at.isoformat()}
    return row("survey", identity, data, NOW)


def on(days, make, **more):
    return st.lists(days, max_size=12, unique=True).map(
        lambda found: [make(f"{n}", ago(days=one), **more) for n, one in enumerate(found)]
    )


def did(kind, **more):
    return lambda identity, at: activity(kind, at, identity, **more)


_days, _near = st.floats(0.1, 150), st.floats(0.1, 12)
_answers = st.tuples(_days, st.integers(1, 5)).map(
    lambda one: [csat("1", ago(days=one[0]), one[1])]
)
subscribers = st.tuples(
    on(st.integers(1, 400), bought),
    on(_days, did("page.viewed", count=2)),
    on(_days, did("call.held")),
    on(_near, did("email.sent")),
    on(_days, ticket),
    st.one_of(st.just([]), _answers),
    st.integers(-60, 60).map(lambda days: [contact(reset_at=ago(days=days).date().isoformat())]),
).map(lambda parts: [one for part in parts for one in part])
pages = st.sampled_from([page(), page(usage=["page.viewed"]), page(grace_days=0)])


def risk_of(rows, policy_page=None, now=NOW, models=MODELS):
    policy = compile_policy(policy_page or page())
    return score_card(SUBJECT, fact_set(rows), policy, models, now).prediction


@settings(max_examples=150)
@given(pages, subscribers, st.integers(0, 12))
def test_the_risk_is_what_the_naive_scorer_says_in_any_week(asked, rows, weeks):
    now = NOW + weeks * WEEK
    found = risk_of(rows, asked, now)
    naive = naive_card(asked, rows, None, str(SUBJECT), now, LEARNED)["known"]["prediction"]
    assert found.churn == pytest.approx(naive["churn"], rel=1e-9)
    assert found.level == naive["level"]


@settings(max_examples=60)
@given(pages, subscribers)
def test_the_card_wakes_in_the_week_in_which_the_risk_has_another_level(asked, rows):
    policy, facts = compile_policy(asked), fact_set(rows)
    now = score_card(SUBJECT, facts, policy, MODELS, NOW)
    shown = publish(now, Written({}, certain=True), policy)
    change = next_change_at(SUBJECT, facts, policy, MODELS, NOW, shown)
    monday = datetime(2026, 3, 23, tzinfo=UTC)
    for at in (monday + n * WEEK for n in range(30)):
        if risk_of(rows, asked, at).level != now.prediction.level:
            assert change
            assert change <= at
            return


def test_use_that_ceased_is_told_as_the_reason():
    paid = [bought(f"o{n}", ago(days=days)) for n, days in enumerate([20, 50, 80])]
    uses = [activity("page.viewed", ago(days=day + 0.5)) for day in range(300)]
    due = contact(reset_at=ago(days=-10).date().isoformat())
    keen, ceased = (risk_of([due, *paid, *some]) for some in (uses, uses[60:]))
    assert keen.churn < 0.3
    assert ceased.churn > 0.5
    assert ceased.factors[0].id == "renewal:usage"
    assert ceased.factors[0].text.en == (
        "Their use of late against that before raises the odds of leaving 3.3 times"
    )
    assert "بخت رفتن" in ceased.factors[0].text.fa


def test_who_paid_since_the_renewal_was_due_has_not_missed_it():
    """A CRM whose date nobody moves on says nothing against a payment."""
    due = contact(reset_at=ago(days=40).date().isoformat())
    paid = [bought(f"o{n}", ago(days=days)) for n, days in enumerate([65, 95])]
    assert risk_of([due, *paid]).churn == 1
    assert risk_of([due, bought("new", ago(days=5)), *paid]).churn < 0.9


def test_tenure_alone_serves_until_use_is_learned_of():
    due = contact(reset_at=ago(days=-10).date().isoformat())
    paid = [bought(f"o{n}", ago(days=days)) for n, days in enumerate([20, 50, 80])]
    by_tenure = FittedModels("m", {"subscriptions": LEARNED["subscriptions"]})
    found = risk_of([due, *paid], models=by_tenure)
    assert found.churn == pytest.approx(0.668 / (0.668 + 0.806 + 2))
    assert found.factors == ()
