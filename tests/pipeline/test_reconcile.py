from datetime import timedelta
from functools import partial

import pytest

from chalicelib.core.connector import Connection, Page
from chalicelib.core.errors import (
    ConfigurationError,
    CredentialsInvalid,
    CrmUnavailable,
    WriteRefused,
)
from chalicelib.core.ports import SHARDS
from chalicelib.pipeline.park import replay
from chalicelib.pipeline.reconcile import AUDIT_EVERY, OVERLAP, SILENT, reconcile
from chalicelib.pipeline.sweep import sweep
from tests.fakes.clock import NOON
from tests.fakes.crm import ForgetfulCrm
from tests.pipeline.conftest import CONNECTION, Installation

DAY = timedelta(days=1)


def look(installation, seconds=60):
    now = installation.clock.now()
    found = reconcile(installation.services, now, now + timedelta(seconds=seconds))
    installation.run()
    return found


def changed(installation, ref):
    """Without a webhook."""
    installation.crm.changes.append((installation.clock.now(), ref))


def test_a_change_that_no_webhook_told_is_found_and_read_with_its_history(installation):
    ref = installation.contact(1)
    changed(installation, ref)
    look(installation)
    assert installation.crm.called("fetch_history") == [(ref,)]
    assert installation.crm.fields[ref]["score"] == installation.card(ref).body["score"]


def test_the_next_look_begins_shortly_before_the_last_one(installation):
    look(installation)
    began = installation.clock.now()
    installation.clock.advance(minutes=15)
    look(installation)
    assert installation.crm.called("changed_since")[-1] == (began - OVERLAP, None)


def test_a_look_that_runs_out_of_time_goes_on_where_it_stopped(installation):
    installation.crm.page_size = 2
    refs = [installation.contact(number) for number in range(5)]
    for ref in refs:
        changed(installation, ref)
    changed_since = installation.crm.changed_since

    def slowly(*asked):
        installation.clock.advance(seconds=40)
        return changed_since(*asked)

    installation.crm.changed_since = slowly
    assert look(installation) == 4
    assert look(installation) == 1
    cursors = [cursor for _, cursor in installation.crm.called("changed_since")]
    assert cursors == [None, "2", "4"]
    assert set(installation.crm.fields) == set(refs)


def test_a_crm_that_is_down_is_looked_at_next_time(installation):
    ref = installation.contact(1)
    changed(installation, ref)
    installation.crm.fail_next("changed_since", CrmUnavailable("503"))
    assert look(installation) == 0
    installation.clock.advance(minutes=15)
    assert look(installation) == 1
    assert ref in installation.crm.fields


def test_everybody_is_read_again_within_eight_days_whatever_the_crm_says_of_them(installation):
    refs = [installation.contact(number) for number in range(40)]
    installation.deliver(*(f"contact:{ref.id}" for ref in refs))
    installation.run()
    for ref in refs[:5]:
        installation.crm.delete(ref)  # and nobody hears of it
    for _ in range(SHARDS):
        look(installation)
        installation.clock.advance(hours=AUDIT_EVERY.total_seconds() / 3600)
    assert all(installation.card(ref).hidden for ref in refs[:5])
    assert not any(installation.card(ref).hidden for ref in refs[5:])
    assert AUDIT_EVERY * SHARDS <= 8 * DAY
    read = [ref for batch in installation.crm.called("fetch_history") for ref in batch]
    assert sorted(read) == sorted(refs)


def test_a_record_that_changed_is_not_audited_twice_an_hour(installation):
    look(installation)
    checkpoint = installation.settings.checkpoint(CONNECTION, "audit")
    installation.clock.advance(hours=1)
    look(installation)
    assert installation.settings.checkpoint(CONNECTION, "audit") == checkpoint
    assert installation.clock.now() > NOON


def test_a_walk_that_the_crm_refuses_to_go_on_with_begins_anew(installation):
    ref = installation.contact(1)
    began = installation.clock.now()
    asked = []

    def changed_since(since, cursor):
        asked.append((since, cursor))
        if cursor:
            raise WriteRefused("400: there is no such property to search by")
        return Page((ref,), "tickets")

    installation.crm.changed_since = changed_since
    look(installation)
    installation.clock.advance(minutes=15)
    look(installation)
    assert asked[2] == (began - OVERLAP, None)


@pytest.mark.parametrize("run", [sweep, partial(reconcile, deadline=NOON + 99 * DAY)])
def test_a_connection_that_is_half_made_is_told_of_and_stops_no_other(installation, run):
    ref = installation.contact(1, visits=[NOON])
    installation.deliver("contact:1")
    installation.run()
    half_made = Connection("toy-a", "toy", "1", "https://toy.example", "1", "USD", "UTC")
    installation.settings.put_connection(half_made)
    due = installation.card(ref).due_at
    installation.crm.changes.append((due, ref))
    with pytest.raises(ConfigurationError, match="toy-a has no policy"):
        run(installation.services, due)
    assert installation.intake.messages


@pytest.fixture
def ringing():
    """Of a CRM that rings for some days only."""
    return Installation(crm=ForgetfulCrm())


def told_lost(installation):
    return [
        item.reason
        for item in installation.settings.parked(CONNECTION)
        if "does not ring" in item.reason
    ]


def test_a_crm_that_rings_for_some_days_only_is_asked_to_go_on(ringing):
    ringing.crm.lapsed = ["contacts"]
    look(ringing)
    assert ringing.crm.is_subscribed
    assert [name for name, _ in ringing.crm.calls][:2] == ["subscribe", "changed_since"]
    assert told_lost(ringing) == []


def test_a_subscription_that_cannot_be_mended_is_told_once_and_stops_no_look(ringing):
    ringing.crm.broken = {"contacts": "the edition has no notifications"}
    ref = ringing.contact(1)
    changed(ringing, ref)
    for _ in range(3):
        look(ringing)
        ringing.clock.advance(minutes=15)
    assert told_lost(ringing) == [
        "the CRM does not ring for contacts: the edition has no notifications"
    ]
    assert ref in ringing.crm.fields


def test_a_replay_of_what_was_told_of_a_subscription_does_no_harm(ringing):
    ringing.crm.broken = {"contacts": "the edition has no notifications"}
    look(ringing)
    replay(CONNECTION, ringing.services)
    ringing.run()
    assert told_lost(ringing) == []


@pytest.mark.parametrize("error", [CredentialsInvalid("no such scope"), WriteRefused("400")])
def test_a_crm_that_refuses_subscriptions_is_looked_at_all_the_more(ringing, error):
    ringing.crm.fail_next("subscribe", error)
    ref = ringing.contact(1)
    changed(ringing, ref)
    assert look(ringing) == 1
    assert ref in ringing.crm.fields


def test_a_crm_that_is_down_when_it_is_subscribed_to_is_paused_like_in_any_call(ringing):
    ringing.crm.fail_next("subscribe", CrmUnavailable("503"))
    look(ringing)
    assert ringing.settings.live(CONNECTION).paused_until
    assert ringing.crm.called("changed_since") == []
    ringing.clock.advance(minutes=15)
    look(ringing)
    assert ringing.crm.is_subscribed


def test_a_crm_that_is_not_to_ring_is_left_alone(ringing):
    ringing.settings.set_checkpoint(CONNECTION, SILENT, {"since": "2026-03-21T12:00:00Z"})
    look(ringing)
    assert not ringing.crm.is_subscribed
