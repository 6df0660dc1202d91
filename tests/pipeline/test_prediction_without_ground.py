"""Whatever customers did or did not do, training says of each model whether it is used and why, and
no card shows a number that no model stands behind.
"""

import json
from dataclasses import replace
from datetime import timedelta
from itertools import chain
from math import isfinite

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.core.card_json import card_json
from chalicelib.core.facts import Fact, FactSet
from chalicelib.core.model import Ref
from chalicelib.core.policy import FittedModels
from chalicelib.pipeline.foresight import asked_for, foreseen
from chalicelib.pipeline.lessons import Lessons, lessons_of
from chalicelib.policy import compile_policy, validate
from chalicelib.scoring import Written, next_change_at, publish, score_card
from chalicelib.scoring.fitted import CARDS
from chalicelib.scoring.profile import profile_of
from tests.pipeline.test_foresight import deal
from tests.scoring.examples import NOW, ago, bought, contact, refunded, row, starter, won

RENEWAL = {
    "type": "date", "of": "contact", "hubspot": "renewal", "label": {"en": "Renewal", "fa": "تمدید"}
}  # fmt: skip
SECTION = {
    "purchases": {},
    "subscriptions": {"renewal": "renewal"},
    "leads": {"target": {"count": "purchase", "at_least": 1}, "horizon_days": 30},
    "deals": {},
    "clusters": {},
}
FUNNEL = {"stages": {"intro": ["s1"], "offer": ["s3"]}}
STAGES = {"p": dict.fromkeys(["intro", "offer"], 0.3), "remaining_days": {}, "n": 90}
MANY = 130


def policy_of(**changes):
    page = starter(prediction=SECTION, funnel=FUNNEL, **changes)
    page["attributes"]["renewal"] = RENEWAL
    validate(page)
    return compile_policy(page)


POLICY = policy_of()


def known(people, policy=POLICY):
    """``people`` are rows of facts, told of one subject each."""
    for number, rows in enumerate(people):
        ref = Ref("hubspot-main", "contact", str(number))
        facts = [Fact.from_json(one | {"subject": str(ref)}) for one in rows]
        yield ref, FactSet.of(facts)


class Held:
    """Of a collection what is asked here: whose it is, and the facts."""

    def __init__(self, ref, facts):
        self.ref, self.facts = ref, facts


def trained(people, policy=POLICY):
    """What comes into force, after a way through the checkpoints."""
    held = [Held(ref, facts) for ref, facts in known(people)]
    parts = [lessons_of([one], policy, NOW).to_json() for one in held]
    lessons = Lessons.of(Lessons.from_json(json.loads(json.dumps(one))) for one in parts)
    found = foreseen(lessons, policy, {}, NOW)
    return json.loads(json.dumps(found, allow_nan=False))


def assert_grounded(people, policy=POLICY):
    found = trained(people, policy)
    assert found[CARDS].keys() == set(asked_for(policy))
    for name, card in found[CARDS].items():
        assert card["sentences"], name
        assert all(one["en"] and one["fa"] for one in card["sentences"])
        assert name in found or not card["passed"]
    models = FittedModels("learned", {**found, "stages": STAGES})
    for ref, facts in known(people):
        card = score_card(ref, facts, policy, models, NOW)
        told = json.loads(json.dumps(card_json(card), allow_nan=False))
        assert_card_is_grounded(told, found)
        assert "deals" in found or not (told["forecast"] and told["forecast"]["by_model"])
        shown = publish(card, Written({}, certain=True), policy)
        next_change_at(ref, facts, policy, models, NOW, shown)
    return found


def assert_card_is_grounded(card, found):
    told = card["prediction"]
    if told is None:
        return
    if "purchases" not in found:
        assert told["purchase_30"] is told["purchase_90"] is told["overdue"] is None
        assert told["alive"] is told["outlook"] is None
    if "spend" not in found:
        assert told["outlook"] is None
    if "propensity" not in found:
        assert told["chance"] is None
    if "clusters" not in found:
        assert told["cluster"] is None
    for name in ("alive", "churn", "purchase_30", "purchase_90", "chance"):
        assert told[name] is None or 0 <= told[name] <= 1, name
    if told["outlook"]:
        assert isfinite(told["outlook"]["purchases"])
        assert told["outlook"]["purchases"] >= 0
        assert told["outlook"]["model"]["amount"] >= 0
        assert told["outlook"]["at_risk"]["amount"] >= 0


def orders(*days, amount=4_000):
    return [bought(f"o{n}", ago(days=day), amount) for n, day in enumerate(days)]


def sent_back(*days, times=1):
    """Of each purchase so many times what was paid."""
    rows = orders(*days)
    return rows + [
        refunded(f"r{n}", f"o{n}", ago(days=day - 1), 4_000 * times) for n, day in enumerate(days)
    ]


NOBODY = []
STRANGERS = [[] for _ in range(MANY)]
ONE = [orders(200, 100, 9)]
ONCE = [orders(n % 300 + 1) for n in range(MANY)]
ALIKE = [orders(200, 100, 9) for _ in range(MANY)]
FREE = [orders(*range(n % 7 + 1, 300, 20 + n % 11), amount=0) for n in range(MANY)]
GIVEN = [orders(*range(n % 7 + 1, 300, 20 + n % 11), amount=-500) for n in range(MANY)]
SENT_BACK = [sent_back(n % 200 + 3, n % 90 + 2) for n in range(MANY)]
MORE_THAN_PAID = [sent_back(n % 200 + 3, n % 90 + 2, times=5) for n in range(MANY)]
AHEAD = [orders(-n - 1, -2 * n - 3) for n in range(MANY)]
PLANNED = [[won("d", ago(days=-40 - n))] for n in range(MANY)]
TODAY = [orders(0, 0, 0) for _ in range(MANY)]
FOREIGN = [[bought("o", ago(days=n + 1), 900, "EUR"), bought("p", ago(days=2 * n + 2), 900, "EUR")]
           for n in range(MANY)]  # fmt: skip
AGES_AGO = [orders(200_000 + n, 190_000) for n in range(MANY)]
RENEWED = [[*orders(400, 40), contact(renewal=value)] for value in
           ("2026-05-01", "1999-01-01", "9999-12-31", "soon", "", None, 5, "2026-13-45")]  # fmt: skip

POPULATIONS = {
    "nobody": (NOBODY, "0 of the 100"),
    "strangers": (STRANGERS, "0 of the 100"),
    "one customer": (ONE, "1 of the 100"),
    "no repeaters": (ONCE, "Nobody bought a second time"),
    "all alike": (ALIKE, "All customers have the same history"),
    "sent back": (SENT_BACK, "0 of the 100"),
    "more than paid": (MORE_THAN_PAID, "0 of the 100"),
    "ahead": (AHEAD, "0 of the 100"),
    "planned": (PLANNED, "0 of the 100"),
    "today": (TODAY, "Nobody bought a second time"),
}


@pytest.mark.parametrize(("people", "told"), POPULATIONS.values(), ids=POPULATIONS)
def test_without_ground_there_is_a_sentence_and_no_number_on_any_card(people, told):
    found = assert_grounded(people)
    card = found[CARDS]["purchases"]
    assert not card["passed"]
    assert told in " ".join(one["en"] for one in card["sentences"])


@pytest.mark.parametrize("people", [FREE, GIVEN, FOREIGN], ids=["free", "given", "foreign"])
def test_where_nothing_is_paid_no_value_is_expected(people):
    found = assert_grounded(people)
    assert "spend" not in found
    assert "No repeat purchase has an amount" in found[CARDS]["spend"]["sentences"][0]["en"]


def seen(times, **attributes):
    """Of age for a snapshot, and so often that day, and now."""
    views = [row("activity", f"v{day}", {"kind": "page.viewed", "count": times}, ago(days=day))
             for day in (100, 45, 3)]  # fmt: skip
    return [contact(**attributes), *views]


BOUNDLESS = [seen(10**400, annual_revenue=10**400, country=n) for n in range(MANY)]


@pytest.mark.parametrize(
    "people", [AGES_AGO, RENEWED, BOUNDLESS], ids=["ages ago", "odd renewals", "boundless"]
)
def test_odd_times_trip_nothing(people):
    assert_grounded(people)


def test_whoever_paid_more_than_can_be_reckoned_with_teaches_nothing_and_stops_nobody():
    buyer = [bought("o1", ago(days=90)), bought("o2", ago(days=30))]
    boundless = [bought("o1", ago(days=90), 10**400), bought("o2", ago(days=30), 10**400)]
    both = [Held(*one) for one in known([buyer, boundless])]
    found = lessons_of(both, POLICY, NOW)
    assert replace(found, malformed=0) == lessons_of(both[:1], POLICY, NOW)
    assert found.malformed == 1
    assert found.buyers
    cards = foreseen(found, POLICY, {}, NOW)[CARDS]
    told = [one["en"] for one in cards["purchases"]["sentences"]]
    assert told[-1] == "Records that taught nothing, as their facts are malformed: 1"


@pytest.mark.parametrize("paid", [[10**400], [10**200] * 2, [10**31] * 2])
def test_one_sum_that_nobody_can_reckon_with_keeps_nothing_from_being_learned_of_others(paid):
    crowd = [
        [bought("o1", ago(days=120 + n), 900 + n), bought("o2", ago(days=9 + n), 90 * n)]
        for n in range(MANY)
    ]
    boundless = [bought(f"o{n}", ago(days=5 + n), one) for n, one in enumerate(paid)]
    both = [Held(*one) for one in known([*crowd, boundless])]
    found = lessons_of(both, POLICY, NOW)
    assert found.malformed == 1
    assert replace(found, malformed=0) == lessons_of(both[:-1], POLICY, NOW)
    assert {"spend", "clusters"} <= foreseen(found, POLICY, {}, NOW)[CARDS].keys()


@pytest.mark.parametrize("fault", [ZeroDivisionError, KeyError, TypeError, ValueError])
def test_nobody_who_cannot_be_reckoned_with_keeps_a_page_from_being_learned(monkeypatch, fault):
    held = [Held(*one) for one in known([[bought("o", ago(days=90))]] * 3)]

    def odd(ref, *rest):
        if ref == held[1].ref:
            raise fault("odd")
        return profile_of(ref, *rest)

    monkeypatch.setattr("chalicelib.pipeline.lessons.profile_of", odd)
    found = lessons_of(held, POLICY, NOW)
    assert found.malformed == 1
    assert sum(found.buyers.values()) == 2
    assert Lessons.from_json(json.loads(json.dumps(found.to_json()))) == found


days = st.integers(-30, 700)
amounts = st.sampled_from([0, -5, 1, 999, 4_000, 10**12])
purchases = st.builds(lambda n, day, paid: bought(f"o{n}", ago(days=day), paid),
                      st.integers(0, 5), days, amounts)  # fmt: skip
returns = st.builds(lambda n, day, paid: refunded(f"r{n}", f"o{n}", ago(days=day), paid),
                    st.integers(0, 5), days, amounts)  # fmt: skip
deals = st.builds(
    lambda n, day, lasted, ended: deal(f"d{n}", [(day, "s1"), (day - 9, "s3")], *ended)
    if not ended else deal(f"d{n}", [(day, "s1")], day - lasted, *ended),
    st.integers(0, 9), days, st.integers(-3, 400), st.sampled_from([(), (True,), (False,)]),
)  # fmt: skip
visits = st.builds(
    lambda day: row("activity", f"v{day}", {"kind": "page.viewed"}, ago(days=day)), days
)
renewals = st.builds(
    lambda day: contact(renewal=(NOW + timedelta(days=day)).date().isoformat()), days
)
told = st.one_of(purchases, purchases, returns, visits, renewals).map(lambda one: [one]) | deals
somebody = st.lists(told, max_size=8).map(lambda some: list(chain.from_iterable(some)))


@settings(max_examples=25)
@given(st.lists(somebody, min_size=1, max_size=5), st.sampled_from([1, 3, 40]))
def test_whoever_they_are_nothing_trips_and_no_number_is_without_ground(people, times):
    """Some kinds of people, each of them so many times."""
    assert_grounded(people * times)


def test_of_other_people_than_were_learned_of_nothing_trips():
    models = FittedModels("learned", trained([orders(*range(3 + n % 40, 600, 15 + n % 50))
                                              for n in range(300)]))  # fmt: skip
    assert models.parameters["purchases"]["method"] == "model"
    for people, _ in POPULATIONS.values():
        for ref, facts in known(people[:3]):
            card = score_card(ref, facts, POLICY, models, NOW)
            told = json.loads(json.dumps(card_json(card), allow_nan=False))
            assert_card_is_grounded(told, models.parameters)
