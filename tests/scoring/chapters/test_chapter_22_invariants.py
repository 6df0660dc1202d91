"""Chapter 22, for pages with all sections, as far as it speaks of scores.

1-3 stand in ``tests/scoring/test_whole_card.py``, 6 in ``tests/core/test_refunds.py``, 11 and 12 in
``tests/localization``; 5 and 8-10 belong to ledgers, predictions and tiers.
"""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.core.card_json import card_json
from chalicelib.core.policy import FittedModels
from chalicelib.policy import compile_policy
from chalicelib.scoring import score_card
from chalicelib.scoring.assessment import assess
from chalicelib.scoring.card import levels_of
from tests.scoring.customer_examples import kinds
from tests.scoring.examples import NOW, SUBJECT, fact_rows, fact_set, pages
from tests.scoring.whole_facts import all_seen, whole_models_for, whole_rows
from tests.scoring.whole_pages import whole_pages


@settings(max_examples=40)
@given(pages, fact_rows, st.integers(0, 400 * 1440), st.integers(1, 60 * 1440))
def test_22_4_without_events_a_decaying_score_with_positive_rules_never_rises(
    page, rows, ago, minutes
):
    for rule in page["lead"]["groups"][1]["rules"]:
        rule["points"] = abs(rule["points"])
    done = [row for row in rows if row["type"] == "activity" and row["occurred_at"] < "2026-03-21"]
    policy, facts = compile_policy(page), fact_set(done)
    early, late = (
        levels_of(assess(SUBJECT, facts, policy, FittedModels("none", {}), at)).engagement
        for at in (NOW + timedelta(minutes=ago), NOW + timedelta(minutes=ago + minutes))
    )
    assert late <= early + 1e-9


@settings(max_examples=40)
@given(whole_pages, whole_rows, kinds, st.integers(1, 60 * 1440))
def test_22_4_two_reads_at_an_instant_agree_though_a_later_one_lies_between(
    page, told, kind, minutes
):
    (subject, rows), policy = told, compile_policy(page)
    facts, models = all_seen(rows), whole_models_for(page, kind)
    first, _, again = (
        card_json(score_card(subject, facts, policy, models, at))
        for at in (NOW, NOW + timedelta(minutes=minutes), NOW)
    )
    assert first == again


SUMS = ("amount", "value")


def scaled(rows, factor):
    """The same facts with every sum times so much."""
    return [
        row | {"data": {name: times(one, factor) if name in SUMS else one
                        for name, one in row["data"].items()}}
        for row in rows
    ]  # fmt: skip


def gives_back(row):
    return row["type"] == "refund" or "purchase" in row["data"]


def times(money, factor):
    return money | {"amount": money["amount"] * factor} if isinstance(money, dict) else money


@settings(max_examples=40)
@given(whole_pages, whole_rows, st.sampled_from([3, 1000]))
def test_22_7_scaling_all_amounts_changes_no_rfm_score_and_no_preference(page, told, factor):
    subject, rows = told[0], [row for row in told[1] if not gives_back(row)]  # that is rounded
    components = [{"id": "rfm", "model": "rfm"}]
    page |= {"customer": page["customer"] | {"components": components}, "segments": []}
    page["customer"]["classes"] = {"A": 70, "B": 40}
    page |= {"actions": [], "tags": []}
    policy, cards = compile_policy(page), []
    for by in (1, factor):
        m = [by * cut for cut in (5e3, 2e4, 5e4, 2e5)]
        fitted = {"rfm": {"r": [30.0, 90.0, 180.0, 365.0], "f": [1.0, 2.0, 4.0, 8.0], "m": m}}
        facts = all_seen(scaled(rows, by))
        cards.append(score_card(subject, facts, policy, FittedModels("m", fitted), NOW))
    one, other = cards
    assert (one.rfm and one.rfm.scores) == (other.rfm and other.rfm.scores)
    products = [[tag for tag in card.tags if tag.startswith("product:")] for card in cards]
    assert products[0] == products[1]
