"""What is announced of two looks at somebody, occasion by occasion."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.announcing import Loyalty, due, first_sight, seen, under_new_edition, upcoming
from chalicelib.core.announcements import Announcement, Seen
from tests.announcing.sights import DAY, HOUR, NOW, entry, ledger, notice, policy, sight
from tests.policy.test_announcements import CROSSING, ENDING, row
from tests.scoring.examples import SUBJECT


def looked(before, now, rules):
    """Both looks, the second a day after the first."""
    earlier = seen(first_sight(before, rules), before, rules)
    return due(earlier, now, rules)


def texts(found):
    return [one.rep.en for one in found]


HOT = policy(CROSSING)
COLD = policy(CROSSING | {"direction": "down"})
YESTERDAY = NOW - DAY


@pytest.mark.parametrize(
    ("rules", "before", "now", "count"),
    [(HOT, 69, 70, 1), (HOT, 69, 69, 0), (HOT, 70, 99, 0), (HOT, 70, 69, 0),
     (COLD, 70, 69, 1), (COLD, 69, 70, 0), (COLD, 69, 50, 0), (COLD, 99, 70, 0)],
)  # fmt: skip
def test_a_score_crosses_its_mark_in_one_direction(rules, before, now, count):
    found = looked(sight(YESTERDAY, score=before), sight(score=now), rules)
    assert len(found) == count


def test_an_announcement_says_who_what_and_when_in_both_languages():
    (found,) = looked(sight(YESTERDAY, score=12), sight(score=80), HOT)
    assert found.subject == SUBJECT
    assert (found.rule, found.kind, found.at, found.to) == (
        "a",
        "score_crossing",
        NOW,
        ("webhook",),
    )
    assert found.data == {"score": 80, "before": 12, "threshold": 70, "name": "score"}
    assert found.rep.en == "Customer 512: the score is 80, the mark is 70"
    assert "۸۰" in found.rep.fa
    assert Announcement.from_json(found.to_json()) == found


def test_a_policy_has_its_own_words():
    said = {"en": "Call {customer} ({score})", "fa": "{score}"}
    rules = policy(CROSSING | {"text": said, "customer_text": {"en": "Hi", "fa": "سلام"}})
    (found,) = looked(sight(YESTERDAY, score=12), sight(score=80), rules)
    assert (found.rep.en, found.customer.en) == ("Call 512 (80)", "Hi")


def test_a_score_that_there_was_not_crosses_nothing():
    rules = policy(CROSSING | {"score": "customer_score"})
    assert not looked(sight(YESTERDAY), sight(customer=90), rules)
    assert looked(sight(YESTERDAY, customer=20), sight(customer=90), rules)


TIER_UP, TIER_DOWN = policy(row("tier_up")), policy(row("tier_down"))


def tier(name, *changes, **more):
    return Loyalty(tier=name, notices=[notice(kind, at) for kind, at in changes], **more)


def test_a_higher_tier_is_announced_as_of_when_it_was_reached():
    before, reached = sight(YESTERDAY, loyalty=tier("basic")), NOW - HOUR
    now = sight(loyalty=tier("gold", ("tier_up", reached)))
    (found,) = looked(before, now, TIER_UP)
    assert (found.at, found.data) == (reached, {"tier": "gold", "before": "basic"})
    assert not looked(before, now, TIER_DOWN)


def test_a_tier_that_was_reached_before_the_last_look_and_told_late_is_announced():
    now = sight(loyalty=tier("gold", ("tier_up", YESTERDAY - HOUR)))
    assert looked(sight(YESTERDAY, loyalty=tier("basic")), now, TIER_UP)


def test_a_lower_tier_is_no_rise():
    now = sight(loyalty=tier("basic", ("tier_down", NOW)))
    before = sight(YESTERDAY, loyalty=tier("gold"))
    assert texts(looked(before, now, TIER_DOWN)) == ["Customer 512 is Words from now on"]
    assert not looked(before, now, TIER_UP)


def test_a_grace_is_announced_once_with_its_last_day():
    rules = policy(row("tier_grace"))
    grace = sight(loyalty=tier("gold", ("tier_grace", NOW), grace_until=NOW + 30 * DAY))
    (found,) = looked(sight(YESTERDAY, loyalty=tier("gold")), grace, rules)
    assert found.rep.en == "Customer 512 keeps Words until 20 April 2026 only"
    assert not looked(grace, replace(grace, card=replace(grace.card, at=NOW + HOUR)), rules)


EARNED = policy(row("points_earned"))


def test_all_that_one_purchase_earned_is_told_at_once():
    entries = [entry("earn:a", 10), entry("earn:b", 5), entry("earn:c", 7, NOW - HOUR)]
    now = sight(loyalty=ledger(*entries, balance=40))
    found = looked(sight(YESTERDAY), now, EARNED)
    assert [one.data for one in found] == [
        {"points": 7, "balance": 40},
        {"points": 15, "balance": 40},
    ]
    assert found[1].customer.en == "You have earned 15 points. Your balance is 40 points."


def test_lines_of_the_ledger_that_were_seen_are_not_told_again():
    first = entry("earn:a", at=YESTERDAY)
    before = sight(YESTERDAY, loyalty=ledger(first))
    now = sight(loyalty=ledger(first, entry("earn:b", 3), entry("expire:a", 10, kind="expire")))
    assert [one.data["points"] for one in looked(before, now, EARNED)] == [3]


def test_a_purchase_that_comes_late_is_told():
    late = ledger(entry("earn:a", at=NOW - 9 * DAY))
    assert looked(sight(YESTERDAY), sight(loyalty=late), EARNED)


def test_a_reward_is_told_with_its_code_and_points_alone_are_not():
    rules = policy(row("reward_redeemed"))
    spent = entry("redeem:1", 10, kind="redeem", reward="cup", code="X1")
    now = sight(loyalty=ledger(spent, entry("redeem:2", 5, kind="redeem"), balance=3))
    (found,) = looked(sight(YESTERDAY), now, rules)
    assert found.data == {"reward": "cup", "points": 10, "balance": 3, "code": "X1"}


def test_points_that_die_at_one_instant_are_warned_of_together():
    rules = policy(row("points_expiring"))
    dies = NOW + 10 * DAY
    notices = [notice("points_expiring", NOW - HOUR, points=points, ends=dies) for points in (3, 4)]
    old = notice("points_expiring", YESTERDAY - HOUR, points=9, ends=dies - 2 * DAY)
    now = sight(loyalty=Loyalty(notices=[*notices, old]))
    (found,) = looked(sight(YESTERDAY), now, rules)
    assert found.rep.en == "Customer 512 can use 7 points until 31 March 2026 only"


STAY = policy(row("days_in_stage", stage="trial", days=14))


@pytest.mark.parametrize(
    ("before", "now", "entered", "left"),
    [(None, "trial", 1, 0), ("trial", None, 0, 1), ("trial", "trial", 0, 0),
     ("offer", "trial", 1, 0), ("trial", "offer", 0, 1), (None, "offer", 0, 0)],
)  # fmt: skip
def test_a_stage_is_entered_and_left(before, now, entered, left):
    first, second = (
        sight(at, stage=stage, since=at - HOUR if stage else None)
        for at, stage in ((YESTERDAY, before), (NOW, now))
    )
    assert len(looked(first, second, policy(row("stage_entered", stage="trial")))) == entered
    assert len(looked(first, second, policy(row("stage_left", stage="trial")))) == left


def test_a_long_stay_is_told_when_its_days_are_over():
    since = NOW - 14 * DAY
    before, now = sight(YESTERDAY, stage="trial", since=since), sight(stage="trial", since=since)
    assert upcoming(before, STAY) == NOW
    assert texts(looked(before, now, STAY)) == [
        "Customer 512 has been in the stage Trial for 14 days"
    ]
    later = sight(NOW + DAY, stage="trial", since=since)
    assert not looked(now, later, STAY)
    assert upcoming(now, STAY) is None


def test_a_stay_that_is_learned_of_late_is_told():
    now = sight(stage="trial", since=NOW - 20 * DAY)
    assert looked(sight(YESTERDAY), now, STAY)


ENDS = policy(ENDING)


def trial(at, until):
    return sight(at, attributes={"trial_until": until})


def test_a_trial_is_told_days_before_its_end_and_on_no_day_after_it():
    before, now = trial(NOW - DAY, "2026-03-24"), trial(NOW, "2026-03-24")
    assert upcoming(before, ENDS) == NOW.replace(hour=0, minute=0)
    (found,) = looked(before, now, ENDS)
    assert found.rep.en == "The trial of customer 512 ends on 24 March 2026"
    assert not looked(now, trial(NOW + DAY, "2026-03-24"), ENDS)
    assert not looked(trial(NOW, "2026-03-20"), trial(NOW + DAY, "2026-03-20"), ENDS)


def test_a_trial_that_is_moved_near_is_told_at_once():
    assert looked(trial(YESTERDAY, "2026-06-01"), trial(NOW, "2026-03-22"), ENDS)


def test_a_trial_without_a_day_never_ends():
    assert not looked(trial(YESTERDAY, None), trial(NOW, "soon"), ENDS)
    assert upcoming(trial(NOW, "9999-12-31"), ENDS) is None
    assert upcoming(trial(NOW, "0001-01-01"), ENDS) is None


def test_satisfaction_is_measured_against_its_best_since_the_last_time():
    rules = policy(row("satisfaction_drop", points=20))
    memory, told = first_sight(sight(NOW - 9 * DAY), rules), []
    for day, mean in enumerate((80, 90, 75, 69, 60, 50, 49)):
        now = sight(NOW + day * DAY, satisfaction=mean)
        told += [(mean, one.data) for one in due(memory, now, rules)]
        memory = seen(memory, now, rules)
    assert told == [(69, {"before": 90, "after": 69}), (49, {"before": 69, "after": 49})]


ALL = policy(
    CROSSING,
    ENDING | {"id": "b"},
    row("satisfaction_drop", id="c", points=20),
    row("stage_entered", id="d", stage="trial"),
    row("days_in_stage", id="e", stage="trial", days=14),
    row("tier_up", id="f"),
    row("points_earned", id="g"),
    row("points_expiring", id="h"),
    row("reward_redeemed", id="i"),
)


def everything(at=NOW, happened=NOW - HOUR / 2):
    entries = [
        entry("earn:a", at=happened),
        entry("redeem:1", kind="redeem", reward="cup", at=happened),
    ]
    warned = notice("points_expiring", happened, points=3, ends=happened + 10 * DAY)
    loyalty = ledger(
        *entries, tier="gold", notices=[notice("tier_up", happened), warned], balance=1
    )
    attributes = {"trial_until": "2026-03-23"}
    return sight(
        at, score=99, satisfaction=10, stage="trial", since=happened, attributes=attributes,
        loyalty=loyalty,
    )  # fmt: skip


def test_who_is_seen_for_the_first_time_is_noted_and_only_what_just_happened_is_told():
    now = everything()
    found = due(first_sight(now, ALL), now, ALL)
    assert [one.rule for one in found] == ["d", "f", "g", "h", "i"]
    past = everything(happened=NOW - 3 * HOUR)
    assert due(first_sight(past, ALL), past, ALL) == ()


def test_the_same_change_has_the_same_id_whenever_it_is_found():
    before = seen(first_sight(sight(YESTERDAY), ALL), sight(YESTERDAY), ALL)
    first, again = due(before, everything(), ALL), due(before, everything(NOW + HOUR), ALL)
    assert first
    assert [one.id for one in first] == [one.id for one in again]
    assert len({one.id for one in first}) == len(first)


def test_what_was_seen_is_not_told_again():
    memory = first_sight(sight(YESTERDAY), ALL)
    for minute in range(3):
        now = everything(NOW + timedelta(minutes=minute))
        assert bool(due(memory, now, ALL)) == (minute == 0)
        memory = Seen.from_json(seen(memory, now, ALL).to_json())


def test_a_row_that_was_not_in_force_says_nothing_at_the_next_look():
    earlier = seen(first_sight(sight(YESTERDAY), policy()), sight(YESTERDAY), policy())
    assert due(under_new_edition(earlier, sight(NOW), ALL), everything(), ALL) == ()


def test_a_row_with_new_words_is_the_same_row():
    reworded = policy(CROSSING | {"text": {"en": "Call", "fa": "زنگ"}, "to": ["crm_task"]})
    earlier = seen(first_sight(sight(YESTERDAY), HOT), sight(YESTERDAY, score=1), HOT)
    (found,) = due(earlier, sight(score=80), reworded)
    assert found.to == ("crm_task",)


def test_what_a_publication_moves_is_no_news():
    earlier = seen(first_sight(sight(YESTERDAY), HOT), sight(YESTERDAY, score=20), HOT)
    moved = under_new_edition(earlier, sight(NOW, score=80, made="new"), HOT)
    assert due(moved, sight(NOW, score=85, made="new"), HOT) == ()
    unmoved = under_new_edition(earlier, sight(NOW, score=30, made="new"), HOT)
    assert len(due(unmoved, sight(NOW, score=85, made="new"), HOT)) == 1


def test_points_that_a_publication_grants_for_the_past_are_no_news():
    earlier = seen(first_sight(sight(YESTERDAY), EARNED), sight(YESTERDAY), EARNED)
    now = sight(loyalty=ledger(entry("earn:old", at=NOW - 9 * DAY), entry("earn:new", 3)))
    found = due(under_new_edition(earlier, sight(NOW), EARNED), now, EARNED)
    assert [one.data["points"] for one in found] == [3]
