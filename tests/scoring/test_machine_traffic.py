"""Chapter 1.6: what machines did is kept and shown, and does not count."""

from datetime import timedelta

import pytest

from chalicelib.core.card_json import card_json
from chalicelib.core.policy import MachineTraffic
from chalicelib.policy import compile_policy
from chalicelib.scoring.machine_traffic import CHECKS, TEXTS, sift
from chalicelib.scoring.profile import profile_of
from tests.scoring.chapters.test_chapter_01_lead_score import card, lead, page_of, rule
from tests.scoring.examples import NOW, SUBJECT, fact_set, row

SECOND = timedelta(seconds=1)


def mail(kind, at=NOW, identity="1", **carried):
    return row("activity", identity, {"kind": f"email.{kind}", **carried}, at)


def found(*rows, **rules):
    """The checks that fired, by id."""
    profile = profile_of(SUBJECT, fact_set(rows), NOW + timedelta(days=1), MachineTraffic(**rules))
    return {suspect.activity.id: suspect.check for suspect in profile[0].machines}


def test_every_check_has_words_in_both_languages():
    assert TEXTS.keys() == CHECKS.keys()


def test_1_6_what_carries_nothing_is_a_persons():
    assert found(mail("clicked"), mail("opened", identity="2")) == {}


@pytest.mark.parametrize(("seconds", "is_machine"), [(0, True), (3, True), (3.1, False)])
@pytest.mark.parametrize("kind", ["clicked", "unsubscribed"])
def test_1_6_a_click_within_3_seconds_of_delivery(kind, seconds, is_machine):
    delivered = (NOW - seconds * SECOND).isoformat()
    assert bool(found(mail(kind, delivered_at=delivered))) == is_machine


def test_1_6_an_open_right_after_delivery_is_no_click():
    assert found(mail("opened", delivered_at=NOW.isoformat())) == {}


def test_1_6_a_delivery_time_that_is_none_silences_the_check():
    assert found(mail("clicked", delivered_at="soon")) == {}


@pytest.mark.parametrize(
    ("seconds", "is_machine"), [(-1, False), (0, True), (3, True), (3.1, False)]
)
def test_1_6_a_click_within_3_seconds_after_a_mail_was_sent(seconds, is_machine):
    sent = mail("sent", NOW - seconds * SECOND, "m")
    assert found(sent, mail("clicked")) == ({"1": "too_soon"} if is_machine else {})


def test_1_6_any_mail_may_be_the_one_clicked_where_the_crm_does_not_say_which():
    sent = [mail("sent", NOW - gap * SECOND, str(gap)) for gap in (900, 2, 40)]
    assert found(*sent, mail("clicked", identity="c")) == {"c": "too_soon"}


def test_1_6_a_click_in_another_mail_than_the_one_just_sent_is_a_persons():
    sent = mail("sent", NOW - SECOND, "m", message="autumn")
    assert found(sent, mail("clicked", message="spring")) == {}
    assert found(sent, mail("clicked", message="autumn")) == {"1": "too_soon"}


def test_1_6_what_the_click_itself_tells_of_its_delivery_is_believed_before_that():
    sent, before = mail("sent", NOW - SECOND, "m"), (NOW - 60 * SECOND).isoformat()
    assert found(sent, mail("clicked", delivered_at=before)) == {}


def click(identity, link, seconds, message="spring", **carried):
    at = NOW + seconds * SECOND
    return mail("clicked", at, identity, message=message, link=link, **carried)


@pytest.mark.parametrize(
    ("second", "machines"),
    [
        (click("2", "b", 2), {"1": "burst", "2": "burst"}),
        (click("2", "b", 2.1), {}),
        (click("2", "a", 1), {}),  # a double click
        (click("2", "b", 1, message="autumn"), {}),
        (mail("clicked", NOW, "2", message="spring"), {}),
    ],
    ids=["in time", "too late", "the same link", "another message", "no link"],
)
def test_1_6_two_different_links_of_one_message_within_2_seconds(second, machines):
    assert found(click("1", "a", 0), second) == machines


def test_1_6_a_click_without_any_open_when_opens_are_reported():
    unopened = mail("clicked", message="spring", opens_reported=True)
    assert found(unopened) == {"1": "unopened"}
    assert found(mail("clicked", message="spring")) == {}
    opened = mail("opened", NOW + SECOND, "2", message="spring")
    assert found(unopened, opened) == {}
    # A privacy proxy's open is one of an unknown person: it counts for nothing, but it is one.
    private = mail("opened", NOW, "2", message="spring", user_agent="Mozilla/5.0")
    assert found(unopened, private) == {"2": "privacy_proxy"}


def test_1_6_an_agent_or_a_network_on_a_list():
    assert found(mail("clicked", user_agent="curl/8.5.0")) == {"1": "agent"}
    assert found(mail("clicked", user_agent="Mozilla/5.0 (Windows NT 10.0)")) == {}
    assert found(mail("clicked", ip="203.0.113.9"), networks=("203.0.113.0/24",)) == {
        "1": "network"
    }
    assert found(mail("clicked", ip="here"), networks=("203.0.113.0/24",)) == {}


def test_1_6_what_a_person_vouched_for_is_a_persons_and_no_evidence_against_others():
    vouched = click("2", "b", 1, human=True)
    assert found(click("1", "a", 0), vouched) == {}
    assert found(click("1", "a", 0), click("2", "b", 1), humans=frozenset({"2"})) == {}


@pytest.mark.parametrize("check", CHECKS)
def test_1_6_every_check_can_be_switched_off(check):
    rows = [
        click("1", "a", 0, delivered_at=NOW.isoformat(), opens_reported=True, user_agent="curl/8",
              ip="203.0.113.9"),
        click("2", "b", 1),
        mail("opened", NOW, "3", privacy_proxy=True),
    ]  # fmt: skip
    networks = ("203.0.113.0/24",)
    assert check not in found(*rows, networks=networks, off=frozenset({check})).values()
    assert found(*rows, networks=networks, off=frozenset(CHECKS)) == {}


def test_1_6_a_scanners_unsubscription_needs_a_second_signal():
    doubtful = mail("unsubscribed", delivered_at=NOW.isoformat())
    again = mail("unsubscribed", NOW + SECOND, "2", delivered_at=NOW.isoformat())
    assert found(doubtful) == {"1": "too_soon"}
    assert set(found(doubtful, again)) == {"1", "2"}  # a scanner reads every mail
    assert found(doubtful, mail("unsubscribed", NOW + timedelta(hours=1), "2")) == {}
    assert found(doubtful, mail("complained", NOW + timedelta(hours=1), "2")) == {}


PAGE = page_of(("doing", [0, 100], 1, [rule(8, "email.clicked"), rule(-20, "email.unsubscribed")]))
SCAN = [click("1", "a", 0), click("2", "b", 0), click("3", "c", 0), click("4", "d", 0)]


def test_1_6_machines_give_no_points_and_stand_on_the_card_with_reason_and_examples():
    later = NOW + timedelta(hours=1)
    seen = card(PAGE, *SCAN, mail("clicked", NOW, "9"), now=later)
    assert seen.lead.score == 8
    (burst,) = seen.machine_traffic
    assert (burst.check, burst.count) == ("burst", 4)
    assert [one.id for one in burst.examples] == ["4", "3", "2"]
    assert card_json(seen)["machine_traffic"][0]["text"]["en"] == (
        "Clicked several links of one message at once"
    )


def test_1_6_the_decision_is_taken_back_by_policy_or_by_a_person():
    later = NOW + timedelta(hours=1)
    off = PAGE | {"machine_traffic": {"off": ["burst"]}}
    assert lead(off, *SCAN, now=later).score == 32
    vouched = click("1", "a", 0, human=True) | {"modified_at": "2026-03-22T00:00:00.000Z"}
    assert lead(PAGE, *SCAN, vouched, now=later).score == 8
    assert lead(PAGE | {"machine_traffic": {"humans": ["1", "2"]}}, *SCAN, now=later).score == 16


def test_1_6_an_unsubscription_counts_against_somebody_once_it_is_confirmed():
    liked = [mail("clicked", NOW, str(number)) for number in range(5)]
    scanned = mail("unsubscribed", NOW, "u", delivered_at=NOW.isoformat())
    assert lead(PAGE, *liked, scanned).score == 40
    meant = mail("unsubscribed", NOW, "v")
    assert lead(PAGE, *liked, scanned, meant).score == 0


def test_a_policy_can_tune_every_bound():
    page = PAGE | {
        "machine_traffic": {
            "after_delivery_seconds": 10, "burst_seconds": 5, "agents": ["ScanBot"],
            "networks": ["203.0.113.0/24"], "humans": ["7"], "off": ["unopened"],
        }
    }  # fmt: skip
    assert compile_policy(page).machine_traffic == MachineTraffic(
        off=frozenset({"unopened"}), after_delivery_seconds=10, burst_seconds=5,
        agents=("scanbot",), networks=("203.0.113.0/24",), humans=frozenset({"7"}),
    )  # fmt: skip


def test_nothing_is_copied_where_nothing_can_be_judged():
    done = {"email.clicked": ()}
    assert sift(done, MachineTraffic())[0] is done
