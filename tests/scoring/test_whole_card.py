"""Pages with all sections: the whole card is the naive one, in any order, and wakes in time.

Chapter 22, 1-4, for everything that a policy may have in it.
"""

import math
from datetime import timedelta

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from chalicelib.core.card_json import card_json
from chalicelib.core.facts import Fact, FactSet
from chalicelib.loyalty.member import membership_of
from chalicelib.loyalty.program import Programs
from chalicelib.policy import compile_policy
from chalicelib.scoring import Written, assess, card_of, next_change, publish
from chalicelib.scoring.funnel import sightings
from tests.oracle.whole import is_shared_out, whole_card
from tests.scoring.customer_examples import kinds
from tests.scoring.examples import NOW, assert_well_formed
from tests.scoring.whole_facts import all_seen, whole_models_for, whole_rows
from tests.scoring.whole_pages import whole_pages

MINUTE = timedelta(minutes=1)
UNTOLD = {"text", "reasons", "policy", "models", "next_change_at", "class_founded_at", "outlook", "moment",
          "factors"}  # fmt: skip
"""Members of a card's JSON that the naive one has not."""

moments = st.sampled_from([0, 0, 0, -20 * 1440, -7, 13, 5 * 1440, 60 * 1440]).map(
    lambda minutes: NOW + timedelta(minutes=minutes)
)


def assessed(subject, facts, policy, models, now):
    """Of somebody who has spent no points."""
    programs = Programs.of(policy.loyalty) if policy.loyalty else None
    membership = membership_of(subject, facts, programs, now)
    return assess(subject, facts, policy, models, now, membership)


@settings(max_examples=120)
@given(whole_pages, whole_rows, kinds, moments)
def test_22_3_the_whole_card_is_what_the_naive_scorer_says_at_any_instant(page, told, kind, now):
    assert_well_formed(page)
    subject, rows = told
    models, policy = whole_models_for(page, kind), compile_policy(page)
    naive = whole_card(page, rows, str(subject), now, models.parameters)
    assume(not any(math.isclose(edge, round(edge), abs_tol=1e-6) for edge in naive["edges"]))
    card = card_of(assessed(subject, all_seen(rows), policy, models, now))
    assert list(card.staying_tags) == naive["staying_tags"]
    assert last_purchase(card) == naive["last_purchase"]
    assert list(differences(comparable(card_json(card)), naive["card"])) == []
    assert adds_up(card.lead.contributions, naive["card"]["lead"])
    if card.customer:
        assert adds_up(card.customer.contributions, naive["card"]["customer"])


def last_purchase(card):
    last = card.last_purchase
    return last and (last.occurred_at, last.amount.amount, last.amount.currency)


def adds_up(lines, naive):
    """Rounded lines sum to what is shown, as the exact ones to what was computed."""
    points = {line.id: line.points for line in lines}
    assert sum(points.values()) == naive["score"]
    assert [*lines] == sorted(lines, key=lambda line: (-abs(line.points), line.id))
    computed = naive["score"] if naive.get("computed") is None else naive["computed"]
    assert points.pop("set_by_hand", 0) == naive["score"] - computed
    exact = {name: line["exact"] for name, line in naive["contributions"].items()}
    return is_shared_out(points, exact, computed)


def comparable(card):
    """A card's JSON in the form of the naive one."""
    found = without(card, UNTOLD)
    found |= {name: card[name] for name in ("next_action", "campaign", "service_level")}
    found["prediction"] = foretold(found["prediction"])
    found["unknown"] = {gap["id"]: gap["points"] for gap in card["unknown"]}
    for part in filter(None, (found["lead"], found["customer"])):
        lines = {line.pop("id"): line for line in part["contributions"]}
        part["contributions"] = {name: whole_line(line) for name, line in lines.items()}
        # What bounds take is told even if it is the last bit of a sum.
        part["limits"] = [one for one in part["limits"] if took_something(one)]
    return found


def foretold(found):
    """None where a best moment was all."""
    told = found and [value for name, value in found.items() if name not in ("as_of", "learning")]
    return found if told and any(value is not None for value in told) else None


def whole_line(line):
    exact = line.get("exact")
    return {"exact": exact, "unlimited": exact, "half_life_days": None} | without(line, {"points"})


def without(value, names):
    if isinstance(value, dict):
        return {key: without(one, names) for key, one in value.items() if key not in names}
    return [without(one, names) for one in value] if isinstance(value, list) else value


def took_something(limit):
    return abs(limit["points"] - limit["limit"]) > 1e-3


def differences(found, naive, path=""):
    """Where two cards differ: numbers by more than the card's own rounding."""
    match found, naive:
        case dict(), dict():
            names = {*found} if path.endswith("/contributions") else {*found, *naive}
            for name in sorted(names - {"set_by_hand"}):
                yield from differences(found.get(name), naive.get(name), f"{path}/{name}")
        case [*ours], [*theirs] if len(ours) == len(theirs):
            for place, (one, other) in enumerate(zip(ours, theirs, strict=True)):
                yield from differences(one, other, f"{path}/{place}")
        case _ if not alike(found, naive, 6e-3 if path == "/priority/gain" else 1e-4):
            yield f"{path}: {found!r}, naively {naive!r}"


def alike(found, naive, by):
    if isinstance(naive, float) and isinstance(found, int | float):
        return math.isclose(found, naive, abs_tol=by)
    return found == naive


@settings(max_examples=40)
@given(whole_pages, whole_rows, kinds, st.randoms(use_true_random=False))
def test_22_1_and_2_no_order_split_lateness_or_second_arrival_changes_the_whole_card(
    page, told, kind, chance
):
    subject, rows = told
    models, policy = whole_models_for(page, kind), compile_policy(page)
    expected = card_json(card_of(assessed(subject, all_seen(rows), policy, models, NOW)))
    shuffled = rows * 2
    chance.shuffle(shuffled)
    held = FactSet()
    while shuffled:  # in deliveries of a few
        few = [
            Fact.from_json(shuffled.pop()) for _ in range(min(chance.randint(1, 9), len(shuffled)))
        ]
        held = held.merge([*few, *sightings(few)])
    assert card_json(card_of(assessed(subject, held, policy, models, NOW))) == expected


@settings(max_examples=80)
@given(whole_pages, whole_rows, kinds, st.lists(st.floats(0, 1), min_size=8, max_size=8),
       st.sampled_from([None, 10, 89, 200]))  # fmt: skip
def test_nothing_published_changes_before_the_next_change_and_something_does_at_it(
    page, told, kind, shares, founded
):
    subject, rows = told
    models, policy, known = whole_models_for(page, kind), compile_policy(page), all_seen(rows)
    founded_at = None if founded is None else NOW - timedelta(days=founded)

    def news(at, shown):
        card = card_of(assessed(subject, known, policy, models, at))
        return publish(card, Written(shown, certain=True, founded_at=founded_at), policy)

    shown = news(NOW, {"class": "A"} if founded else {})
    assessment = assessed(subject, known, policy, models, NOW)
    change = next_change(assessment, card_of(assessment), shown, founded_at)
    quiet_for = (change - NOW if change else timedelta(days=1000)) - 1.001 * MINUTE
    if change:
        assert change > NOW
        assert is_of_loyalty(assessment, change) or news(change, shown) is not None
    for share in [*shares, 1] if quiet_for > timedelta(0) else []:
        assert news(NOW + share * quiet_for, shown) is None


def is_of_loyalty(assessment, at):
    """Points and tiers name every instant at which something may change; what it comes to then is
    worked out there and not before. Most often something does, but a review may find all as it was,
    an order of nothing earns nothing, and a mission that ends may stand in nobody's fields.
    """
    return assessment.membership and assessment.membership.standing.changes_at == at
