from datetime import timedelta
from itertools import pairwise

import pytest

from chalicelib.core.errors import (
    CredentialsInvalid,
    CrmStumbled,
    CrmUnavailable,
    RecordBusy,
    RecordGone,
    WriteRefused,
)
from chalicelib.pipeline.messages import Reason, refs_messages
from chalicelib.pipeline.park import replay
from chalicelib.pipeline.stuck import LONGEST, SHORTEST, SUSPECT_AFTER, TOLD_AFTER
from chalicelib.pipeline.write_back import LEFT_TO_SWEEP_AFTER
from chalicelib.policy import version_of
from tests.fakes.clock import NOON
from tests.pipeline.conftest import CONNECTION

DAY = timedelta(days=1)


def ring_for(installation, *refs):
    installation.deliver(*(f"contact:{ref.id}" for ref in refs))
    assert installation.process() == ()


def test_ten_changes_cost_one_call(installation):
    ref = installation.contact(1)
    for number in range(10):
        installation.contact(1, deals=[(NOON - number * DAY, 100 * number + 1)])
        ring_for(installation, ref)
    installation.write()
    assert len(installation.crm.called("write")) == 1
    assert installation.crm.fields[ref]["score"] == installation.card(ref).body["score"]


def test_messages_hold_references_and_no_values(installation):
    ring_for(installation, installation.contact(1))
    assert installation.ring.messages == [
        {"connection": CONNECTION, "refs": ["toy-main:contact:1"]}
    ]


def test_a_ring_writes_what_the_card_is_by_now_and_not_what_it_was_when_it_rang(installation):
    ref = installation.contact(1)
    ring_for(installation, ref)
    early = installation.ring.take()
    installation.contact(1, deals=[(NOON - DAY, 5000)])
    ring_for(installation, ref)
    late = installation.ring.take()
    for messages in (early, late):
        installation.ring.messages = messages
        installation.write()
        told = installation.card(ref).outgoing
        # What is empty there and shall be is not sent.
        assert installation.crm.fields[ref] == {
            name: value for name, value in told.items() if value is not None
        }
    assert installation.crm.fields[ref]["class"] is not None


def test_batches_are_packed_to_what_the_crm_takes(installation):
    installation.crm.write_batch = 4
    ring_for(installation, *(installation.contact(number) for number in range(10)))
    installation.write()
    assert [len(batch) for batch in installation.crm.called("write")] == [4, 4, 2]


def test_only_the_difference_is_written(installation):
    ref = installation.contact(1, visits=[NOON - DAY])
    ring_for(installation, ref)
    installation.write()
    installation.contact(1, visits=[NOON - DAY], deals=[(NOON - DAY, 5000)])
    ring_for(installation, ref)
    installation.write()
    first, second = installation.writes()
    assert "lead_score" in first.fields
    assert "lead_score" not in second.fields
    assert "class" in second.fields


def test_a_second_ring_for_a_written_card_writes_nothing(installation):
    ref = installation.contact(1)
    ring_for(installation, ref)
    message = installation.ring.messages[0]
    installation.write()
    installation.ring.send([message])
    installation.write()
    assert len(installation.crm.called("write")) == 1


def test_a_write_whose_mark_was_lost_is_covered_whatever_came_after(installation):
    """The CRM shows the deal's values; nobody knows; then the deal is gone again."""
    ref = installation.contact(1)
    ring_for(installation, ref)
    installation.write()
    installation.contact(1, deals=[(NOON - DAY, 5000)])
    ring_for(installation, ref)
    installation.crm.fail_next("write", CrmUnavailable("no answer", in_doubt=True), applied=True)
    assert len(installation.write()) == 1
    assert installation.crm.fields[ref]["class"] is not None
    installation.clock.advance(seconds=1)
    installation.contact(1)
    ring_for(installation, ref)
    assert installation.card(ref).doubt_until
    installation.write()
    assert installation.crm.fields[ref]["class"] is None
    assert installation.crm.fields[ref]["score"] == installation.card(ref).body["score"]


def test_a_second_reading_before_the_write_leaves_no_doubt_and_costs_no_more(installation):
    ref = installation.contact(1)
    ring_for(installation, ref)
    installation.write()
    installation.contact(1, deals=[(NOON - DAY, 5000)])
    ring_for(installation, ref)
    ring_for(installation, ref)
    assert installation.card(ref).pending
    assert installation.card(ref).doubt_until is None
    installation.write()
    assert "lead_score" not in installation.writes()[-1].fields


def test_a_card_saved_while_the_writer_works_is_written_next(installation):
    ref = installation.contact(1)
    ring_for(installation, ref)
    write = installation.crm.write

    def write_while_the_deal_is_won(updates):
        installation.crm.write = write
        refused = write(updates)
        installation.contact(1, deals=[(NOON - DAY, 5000)])
        ring_for(installation, ref)
        return refused

    installation.crm.write = write_while_the_deal_is_won
    installation.write()
    card = installation.card(ref)
    assert card.pending
    assert card.doubt_until is None
    installation.write()
    assert installation.crm.fields[ref]["class"] is not None
    assert not installation.card(ref).pending


def test_a_refused_record_is_parked_and_the_others_are_written(installation):
    good, bad = installation.contact(1), installation.contact(2)
    installation.crm.refusals[bad] = WriteRefused("INVALID_OPTION for emtiaz_class")
    ring_for(installation, good, bad)
    installation.write()
    assert good in installation.crm.fields
    (item,) = installation.settings.parked(CONNECTION)
    assert str(bad) in item.reason
    assert "INVALID_OPTION" in item.reason
    installation.clock.advance(days=1)
    assert bad not in installation.store.due(CONNECTION, installation.clock.now(), 10)


def test_a_refused_record_is_written_when_it_is_replayed_after_the_cause_is_gone(installation):
    bad = installation.contact(2)
    installation.crm.refusals[bad] = WriteRefused("INVALID_OPTION for emtiaz_class")
    ring_for(installation, bad)
    installation.write()
    installation.crm.refusals.clear()
    replay(CONNECTION, installation.services)
    installation.run()
    assert bad in installation.crm.fields


def test_a_record_that_is_called_gone_and_is_there_is_left_to_a_person(installation):
    """Such as a lead that was converted into somebody whom we may not see."""
    ref = installation.contact(1)
    installation.crm.refusals[ref] = RecordGone("it says so")
    ring_for(installation, ref)
    installation.run()
    assert len(installation.writes()) == 2, "once more after it was read and is there"
    (item,) = installation.settings.parked(CONNECTION)
    assert "it says so" in item.reason


def test_a_crm_that_is_down_brings_all_messages_of_the_connection_back(installation):
    for number in range(3):
        ring_for(installation, installation.contact(number))
    installation.crm.fail_next("write", CrmUnavailable("503", retry_after=30))
    failures = installation.write()
    assert [one.wait_seconds for one in failures] == [30, 30, 30]


def test_a_refused_token_is_told_once_and_sweep_writes_when_it_is_mended(installation):
    ref = installation.contact(1)
    ring_for(installation, ref)
    for _ in range(3):
        installation.crm.fail_next("write", CredentialsInvalid("403: MISSING_SCOPES"))
        assert installation.write() == ()
        installation.clock.advance(minutes=3)
        installation.sweep()
        installation.process()
    (item,) = installation.settings.parked(CONNECTION)
    assert "MISSING_SCOPES" in item.reason
    installation.run()
    assert ref in installation.crm.fields


def test_no_batch_is_begun_after_the_deadline(installation):
    installation.crm.write_batch = 1
    ring_for(installation, *(installation.contact(number) for number in range(3)))
    late = installation.clock.now()
    (failure,) = installation.write(deadline=late)
    assert installation.crm.called("write") == []
    assert failure.wait_seconds <= 2


def test_a_ring_turned_away_for_long_is_left_to_sweep(installation):
    ref = installation.contact(1)
    ring_for(installation, ref)
    installation.crm.fail_next("write", CrmUnavailable("503"))
    assert installation.write(receives=LEFT_TO_SWEEP_AFTER + 1) == ()
    installation.clock.advance(minutes=3)
    installation.sweep()
    installation.run()
    assert ref in installation.crm.fields


def test_a_refusal_in_doubt_is_healed_by_a_replay(installation):
    """Version 2 is applied and its answer lost, version 3 is version 1 again and refused."""
    ref = installation.contact(1)
    ring_for(installation, ref)
    installation.write()
    installation.contact(1, deals=[(NOON - DAY, 5000)])
    ring_for(installation, ref)
    installation.crm.fail_next("write", CrmUnavailable("no answer", in_doubt=True), applied=True)
    installation.write()
    installation.contact(1)
    ring_for(installation, ref)
    installation.crm.refusals[ref] = WriteRefused("a rule of the admin's")
    installation.write()
    assert installation.crm.fields[ref]["class"] is not None
    installation.crm.refusals.clear()
    replay(CONNECTION, installation.services)
    installation.run()
    assert installation.crm.fields[ref]["class"] is None


def test_a_worker_killed_between_a_refusal_and_its_mark_leaves_a_trace(installation):
    ref = installation.contact(1)
    ring_for(installation, ref)
    installation.crm.refusals[ref] = WriteRefused("a rule of the admin's")
    installation.store.mark_written = killed
    with pytest.raises(KeyboardInterrupt):
        installation.write()
    assert len(installation.settings.parked(CONNECTION)) == 1


def killed(_marks):
    raise KeyboardInterrupt


def test_a_mark_claims_only_what_was_sent(installation):
    """Other reasons alone are no cause to write, and so are not taken for written."""
    ref = installation.contact(1, job="CEO")
    ring_for(installation, ref)
    installation.write()
    shown = dict(installation.crm.fields[ref])
    for job, visits in (("Founder", []), ("Founder", [NOON]), ("intern", [NOON])):
        installation.contact(1, job=job, visits=visits, modified=installation.clock.now())
        ring_for(installation, ref)
        installation.write()
        shown = dict(installation.crm.fields[ref])
        assert installation.card(ref).published == shown


def test_a_rewrite_writes_everything_again(installation):
    ref = installation.contact(1)
    ring_for(installation, ref)
    installation.write()
    installation.crm.fields[ref].clear()
    installation.intake.send(refs_messages(CONNECTION, [ref], Reason.REWRITE))
    installation.run()
    assert installation.crm.fields[ref]["score"] == installation.card(ref).body["score"]
    assert "lead_score" in installation.crm.fields[ref]


def test_one_connection_that_is_broken_harms_no_other(installation):
    ref = installation.contact(1)
    ring_for(installation, ref)
    good = installation.ring.take()
    lost = {"connection": "toy-gone", "refs": ["toy-gone:contact:1"]}
    installation.ring.send([lost, {"connection": CONNECTION, "refs": "damaged"}, *good])
    (failure,) = installation.write()
    assert failure.envelope.connection == "toy-gone"
    assert ref in installation.crm.fields
    assert len(installation.settings.parked(CONNECTION)) == 1


LOCKED = RecordBusy("UNABLE_TO_LOCK_ROW", retry_after=60)
MINUTE = timedelta(minutes=1)


def stuck(installation, number):
    """A contact that the CRM has no time for, whoever is written beside it."""
    ref = installation.contact(number)
    installation.crm.refusals[ref] = LOCKED
    return ref


def pass_time(installation, how_long, step=MINUTE):
    """With its sweeps; returns when writes of the CRM were tried meanwhile."""
    tries = []
    end = installation.clock.now() + how_long
    while installation.clock.now() < end:
        installation.clock.advance(seconds=step.total_seconds())
        before = len(installation.crm.called("write"))
        installation.sweep()
        installation.process()
        installation.write()
        tries += [installation.clock.now()] * (len(installation.crm.called("write")) > before)
    return tries


def test_a_record_that_stays_busy_keeps_no_other_from_being_written(installation):
    installation.crm.write_batch = 2
    bad = stuck(installation, 1)
    others = [installation.contact(number) for number in range(2, 6)]
    ring_for(installation, bad, *others)
    assert installation.write() == ()
    assert set(others) <= installation.crm.fields.keys()
    assert not any(installation.card(ref).pending for ref in others)
    assert installation.card(bad).pending
    assert installation.settings.parked(CONNECTION) == ()


def test_a_busy_record_is_tried_again_by_itself_and_written_once_it_can_be(installation):
    bad = stuck(installation, 1)
    ring_for(installation, bad)
    installation.write()
    assert pass_time(installation, SHORTEST * 0.9, SHORTEST * 0.3) == []
    installation.crm.refusals.clear()
    assert pass_time(installation, 3 * MINUTE) != []
    assert bad in installation.crm.fields
    assert not installation.card(bad).pending
    assert installation.card(bad).setback is None
    assert len(installation.crm.called("shown")) == 0, "nothing of it was ever in doubt"


def test_the_longer_a_record_is_busy_the_more_seldom_it_is_tried(installation):
    ring_for(installation, stuck(installation, 1))
    installation.write()
    begun = installation.clock.now()
    tries = pass_time(installation, TOLD_AFTER * 3)
    for one, following in pairwise(tries):
        waited = following - one
        assert waited <= max(SHORTEST, min(LONGEST, one - begun)) + 2 * MINUTE
        assert waited >= min(LONGEST, one - begun)
    assert 15 < len(tries) < 30


def test_a_change_of_a_busy_record_does_not_have_it_tried_sooner(installation):
    bad = stuck(installation, 1)
    ring_for(installation, bad)
    installation.write()
    pass_time(installation, timedelta(hours=4))
    tried = len(installation.crm.called("write"))
    installation.contact(1, deals=[(NOON, 5000)])
    ring_for(installation, bad)
    installation.write()
    assert len(installation.crm.called("write")) == tried
    installation.clock.advance(minutes=4)
    installation.sweep()
    assert installation.intake.messages == [], "nothing is due before it may be tried"


def test_of_a_record_that_is_busy_for_a_day_a_person_is_told_until_it_is_taken(installation):
    bad = stuck(installation, 1)
    ring_for(installation, bad)
    installation.write()
    pass_time(installation, TOLD_AFTER - timedelta(hours=1))
    assert installation.settings.parked(CONNECTION) == ()
    pass_time(installation, TOLD_AFTER)
    (item,) = installation.settings.parked(CONNECTION)
    assert str(bad) in item.reason
    assert "UNABLE_TO_LOCK_ROW" in item.reason
    installation.crm.refusals.clear()
    pass_time(installation, LONGEST + 3 * MINUTE)
    assert bad in installation.crm.fields
    assert installation.settings.parked(CONNECTION) == ()


def test_a_replay_tries_a_busy_record_at_once(installation):
    bad = stuck(installation, 1)
    ring_for(installation, bad)
    installation.write()
    pass_time(installation, 2 * TOLD_AFTER)
    installation.crm.refusals.clear()
    replay(CONNECTION, installation.services)
    installation.run()
    assert bad in installation.crm.fields


def test_a_busy_record_that_is_restored_from_the_bin_begins_anew(installation):
    bad = stuck(installation, 1)
    ring_for(installation, bad)
    installation.write()
    installation.crm.delete(bad)
    installation.clock.advance(seconds=1)
    installation.deliver("contact:1", what="deleted", at=installation.clock.now())
    installation.process()
    assert installation.card(bad).hidden
    assert installation.card(bad).setback is None


@pytest.mark.parametrize(
    ("error", "is_applied"),
    [
        (CrmStumbled("500: UNKNOWN_EXCEPTION"), False),
        (CrmUnavailable("no answer", retry_after=110, in_doubt=True), False),
        (CrmUnavailable("no answer", retry_after=110, in_doubt=True), True),
    ],
)
def test_a_record_over_which_every_request_fails_is_left_alone_in_the_end(
    installation, error, is_applied
):
    """A request that has it among its records fails as a whole, made or not."""
    bad = installation.contact(4)
    others = [installation.contact(number) for number in (1, 2, 3, 5, 6, 7, 8, 9)]
    real = installation.crm.write

    def write(updates):
        if is_applied or all(one.ref != bad for one in updates):
            real([one for one in updates if one.ref != bad])
        if any(one.ref == bad for one in updates):
            raise error
        return {}

    installation.crm.write = write
    ring_for(installation, bad, *others)
    installation.write()
    pass_time(installation, SUSPECT_AFTER + timedelta(hours=1))
    assert set(others) <= installation.crm.fields.keys()
    assert not any(installation.card(ref).pending for ref in others)
    before = len(installation.crm.called("write"))
    late = installation.contact(20)
    ring_for(installation, late)
    installation.write()
    assert late in installation.crm.fields
    assert len(installation.crm.called("write")) == before + 1
    pass_time(installation, 2 * TOLD_AFTER, 5 * MINUTE)
    assert any(str(bad) in one.reason for one in installation.settings.parked(CONNECTION))


def test_after_an_outage_of_requests_few_calls_more_are_made(installation):
    refs = [installation.contact(number) for number in range(60)]
    ring_for(installation, *refs)
    for _ in range(8):
        installation.crm.fail_next("write", CrmStumbled("500"))
    installation.write()
    pass_time(installation, timedelta(minutes=20))
    installation.crm.forget_failures()
    tried = len(installation.crm.called("write"))
    pass_time(installation, timedelta(hours=1))
    assert set(refs) <= installation.crm.fields.keys()
    assert len(installation.crm.called("write")) - tried < 12


def ask_for_topics(installation):
    page = installation.settings.live(CONNECTION).policy
    page = {**page, "publish": {**page["publish"], "topics": True}}
    installation.settings.publish_policy(CONNECTION, version_of(page), page, NOON)


def test_topics_are_written_where_the_crm_has_some(installation):
    installation.takes_topics = True
    ask_for_topics(installation)
    ref = installation.contact(1, deals=[(NOON - DAY, 5000)])
    ring_for(installation, ref)
    installation.write()
    fields = installation.crm.fields[ref]
    assert fields["topics"] == fields["tags"] != ()


def test_a_crm_without_topics_is_never_given_any_and_asked_for_none(installation):
    ask_for_topics(installation)
    ref = installation.contact(1, deals=[(NOON - DAY, 5000)])
    ring_for(installation, ref)
    installation.crm.fail_next("write", CrmUnavailable("no answer", in_doubt=True), applied=True)
    installation.write()
    installation.clock.advance(seconds=1)
    installation.sweep()
    installation.run()
    assert installation.crm.called("shown")
    assert not [update for update in installation.writes() if "topics" in update.fields]
    assert "topics" not in installation.crm.fields[ref]


def test_topics_that_a_crm_does_not_have_are_no_reason_to_ring_for_ever(installation):
    ask_for_topics(installation)
    ref = installation.contact(1, deals=[(NOON - DAY, 5000)])
    ring_for(installation, ref)
    installation.write()
    version = installation.card(ref).written_version
    ring_for(installation, ref)
    assert not installation.card(ref).pending
    assert not installation.ring.messages
    assert installation.card(ref).written_version >= version


@pytest.mark.parametrize(
    "error",
    [LOCKED, CrmStumbled("500"), CrmUnavailable("no answer", retry_after=110, in_doubt=True)],
)
def test_a_record_deleted_while_it_is_written_is_not_woken_for_what_came_of_that(
    installation, error
):
    ref = installation.contact(1)
    ring_for(installation, ref)
    real = installation.crm.write

    def write(_updates):
        installation.crm.write = real
        installation.crm.delete(ref)
        installation.clock.advance(seconds=1)
        ring_for(installation, ref)
        if isinstance(error, RecordBusy):
            return {ref: error}
        raise error

    installation.crm.write = write
    installation.write()
    assert installation.card(ref).hidden
    assert installation.card(ref).setback is None
    pass_time(installation, 10 * MINUTE)
    assert installation.sweep() == 0


def told_of(installation):
    """A record that has been busy for so long that a person was told."""
    ref = stuck(installation, 1)
    ring_for(installation, ref)
    installation.write()
    pass_time(installation, 2 * TOLD_AFTER)
    assert len(installation.settings.parked(CONNECTION)) == 1
    installation.crm.refusals.clear()
    return ref


def test_a_worker_killed_before_its_mark_leaves_nobody_told_in_the_end(installation):
    told_of(installation)
    real, installation.store.mark_written = installation.store.mark_written, killed
    with pytest.raises(KeyboardInterrupt):
        pass_time(installation, LONGEST + 3 * MINUTE)
    installation.store.mark_written = real
    pass_time(installation, LONGEST + 3 * MINUTE)
    assert installation.settings.parked(CONNECTION) == ()


def test_a_worker_killed_after_its_mark_leaves_nobody_told(installation):
    told_of(installation)
    real = installation.store.mark_written

    def mark_and_die(marks):
        real(marks)
        killed(marks)

    installation.store.mark_written = mark_and_die
    with pytest.raises(KeyboardInterrupt):
        pass_time(installation, LONGEST + 3 * MINUTE)
    installation.store.mark_written = real
    pass_time(installation, LONGEST + 3 * MINUTE)
    assert installation.settings.parked(CONNECTION) == ()


def test_of_a_record_that_is_deleted_nobody_is_told_any_more(installation):
    ref = told_of(installation)
    installation.crm.delete(ref)
    installation.clock.advance(seconds=1)
    installation.deliver("contact:1")
    installation.run()
    assert installation.card(ref).hidden
    assert installation.settings.parked(CONNECTION) == ()


def test_of_a_record_that_is_merged_into_another_nobody_is_told_any_more(installation):
    ref, survivor = told_of(installation), installation.contact(2)
    installation.crm.merge(ref, survivor)
    installation.clock.advance(seconds=1)
    installation.deliver("contact:1", "contact:2")
    installation.run()
    assert installation.card(ref).stub
    assert installation.settings.parked(CONNECTION) == ()
