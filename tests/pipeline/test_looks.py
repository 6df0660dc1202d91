"""Announcements from end to end on fakes: what is told, when, and how often."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.core.connector import WebhookEndpoint
from chalicelib.core.errors import Conflict, Retryable
from chalicelib.core.facts import Fact
from chalicelib.core.model import Ref
from chalicelib.pipeline import looks
from chalicelib.pipeline.announce import announce
from chalicelib.pipeline.backfill import backfill
from chalicelib.pipeline.messages import Envelope, Reason, refs_messages
from chalicelib.pipeline.ways import Ways
from chalicelib.policy import version_of
from tests.fakes.clock import NOON
from tests.fakes.points import Shop
from tests.pipeline.conftest import CONNECTION, links
from tests.pipeline.test_announce import FakeBus, FakeMailer, FakeWebhooks
from tests.policy.test_announcements import CROSSING, ENDING, page, row

DAY = timedelta(days=1)
ANNA = Ref(CONNECTION, "contact", "1")
HOT = CROSSING | {"threshold": 10}
SHOP = WebhookEndpoint("shop", "https://shop.example/hooks", ("whsec_c2VjcmV0",))
LOYALTY = {
    "earning": [
        {"id": "bought", "event": "purchase", "per_amount": {"step": 10}, "text": {"en": "A", "fa": "B"}}
    ],
    "tiers": {
        "levels": [
            {"id": "basic", "at_least": 0, "text": {"en": "Basic", "fa": "پایه"}},
            {"id": "gold", "at_least": 100, "text": {"en": "Gold", "fa": "طلایی"}},
        ]
    },
    "rewards": [],
}  # fmt: skip


def put_in_force(installation, *rows, **sections):
    new = page(*rows, **sections)
    at = installation.clock.now()
    installation.settings.publish_policy(CONNECTION, version_of(new), new, at)


def heard(installation, receives=1):
    """Answers all bells; returns what the receiver got so far, as kinds and data."""
    held = installation.secrets.secrets
    held[CONNECTION] = replace(held[CONNECTION], outgoing=(SHOP,))
    webhooks = FakeWebhooks()
    ways = Ways(
        installation.store, webhooks, FakeBus(), FakeMailer(), installation.clock.now
    )  # fmt: skip
    installation.bell.elapse()
    envelopes = [
        Envelope(str(place), "receipt", receives, body)
        for place, body in enumerate(installation.bell.take())
    ]
    deadline = installation.clock.now() + DAY
    failures = announce(envelopes, installation.services, ways, deadline)
    installation.bell.messages += [failure.envelope.body for failure in failures]
    return [id_ for _, id_, _, _ in webhooks.sent]


def score(installation, *refs):
    installation.deliver(*(f"contact:{ref.id}" for ref in refs or (ANNA,)))
    return installation.process()


def told(installation):
    subject = installation.store.subjects.get(ANNA)
    return [one.announcement for one in subject.out.values()] if subject else []


def kinds(installation):
    return [one.kind for one in told(installation)]


@pytest.fixture
def hot(installation):
    """A cold contact, under a policy that tells when they get warm."""
    put_in_force(installation, HOT)
    installation.contact(1, job="Clerk")
    assert score(installation) == ()
    assert told(installation) == []
    return installation


def test_who_crosses_the_mark_is_announced_once(hot):
    hot.edit(ANNA, job_title="CEO")
    assert score(hot) == ()
    (one,) = told(hot)
    assert one.data["before"] < 10 <= one.data["score"]
    assert heard(hot) == [one.id]
    score(hot)
    hot.edit(ANNA, email="anna@example.com")
    score(hot)
    assert heard(hot) == []
    assert len(told(hot)) == 1


def test_who_falls_and_rises_again_is_announced_again(hot):
    for job in ("CEO", "Clerk", "CEO"):
        hot.edit(ANNA, job_title=job)
        score(hot)
    assert len({one.id for one in told(hot)}) == 2


def test_who_is_seen_for_the_first_time_is_not_announced(installation):
    put_in_force(installation, HOT)
    installation.contact(1, job="CEO")
    score(installation)
    assert installation.card(ANNA).body["score"] >= 10
    assert told(installation) == []


def test_a_backfill_announces_nothing(installation):
    put_in_force(installation, HOT, row("points_earned"), row("tier_up"), loyalty=LOYALTY)
    installation.contact(1, deals=[(NOON - DAY * 3, 5000)])
    list(backfill(CONNECTION, installation.services, installation.run))
    assert installation.store.subjects[ANNA].ledger
    installation.intake.send(refs_messages(CONNECTION, [ANNA], Reason.RESCORE))
    installation.run()
    assert told(installation) == []


def test_a_new_row_announces_nothing_of_the_past_but_all_from_then_on(installation):
    put_in_force(installation)
    installation.contact(1, job="CEO")
    score(installation)
    put_in_force(installation, HOT, HOT | {"id": "b", "direction": "down"})
    installation.intake.send(refs_messages(CONNECTION, [ANNA], Reason.RESCORE))
    installation.process()
    assert told(installation) == []
    installation.edit(ANNA, job_title="Clerk")
    score(installation)
    assert [one.rule for one in told(installation)] == ["b"]


def test_what_a_new_policy_does_to_a_score_is_no_news(hot):
    changed = page(HOT)
    for rule in changed["lead"]["groups"][0]["rules"]:
        rule["when"] = {"attribute": "job_title", "present": True}
    hot.settings.publish_policy(CONNECTION, version_of(changed), changed, hot.clock.now())
    hot.intake.send(refs_messages(CONNECTION, [ANNA], Reason.RESCORE))
    hot.process()
    assert hot.card(ANNA).body["score"] >= 10
    assert told(hot) == []


def test_what_happens_beside_a_new_policy_is_news(hot):
    changed = page(HOT) | {"name": "Renamed"}
    hot.settings.publish_policy(CONNECTION, version_of(changed), changed, hot.clock.now())
    hot.edit(ANNA, job_title="CEO")
    score(hot)
    assert len(told(hot)) == 1


def test_the_bell_rings_before_the_save_and_a_queue_that_is_down_keeps_it_off(hot):
    hot.edit(ANNA, job_title="CEO")
    before = hot.card(ANNA).version
    hot.bell.fail_next_send(Retryable("the queue is down"))
    score(hot)
    assert hot.card(ANNA).version == before
    hot.intake.elapse()
    assert hot.process() == ()
    (one,) = told(hot)
    assert heard(hot) == [one.id]


def test_a_worker_that_dies_between_bell_and_save_leaves_a_bell_for_nothing(hot):
    hot.edit(ANNA, job_title="CEO")
    hot.store.fail_next_save(Retryable("dead"))
    score(hot)
    assert told(hot) == []
    assert heard(hot) == []
    assert len(hot.bell.messages) == 1, "it waits for the save"
    hot.intake.elapse()
    hot.process()
    (one,) = told(hot)
    assert heard(hot, receives=2) == [one.id]
    assert hot.bell.messages == []


def test_whoever_loses_a_race_announces_under_the_same_id(hot):
    hot.edit(ANNA, job_title="CEO")
    hot.store.fail_next_save(Conflict("somebody else saved first"))
    score(hot)
    hot.bell.elapse()
    assert len({message["announcement"] for message in hot.bell.messages}) == 1
    assert len(heard(hot)) == 1


def test_a_trial_that_ends_is_announced_by_time_alone(installation):
    put_in_force(installation, ENDING)
    installation.contact(1)
    installation.edit(ANNA, trial_until="2026-04-10")
    score(installation)
    installation.run()
    assert told(installation) == []
    due = installation.card(ANNA).due_at
    assert due <= NOON.replace(month=4, day=7, hour=0)
    installation.clock.advance(days=18)
    installation.sweep()
    installation.run()
    assert kinds(installation) == ["trial_ending"]
    assert len(heard(installation)) == 1
    assert installation.card(ANNA).due_at is None or installation.card(ANNA).due_at > due


def buy(installation, *deals):
    """Anna has bought these, and no other thing about her changes."""
    record, *_ = installation.crm.facts[ANNA]
    at = installation.clock.now()
    installation.crm.put(
        ANNA,
        replace(record, modified_at=at),
        links(ANNA, at, deals),
        *(
            Fact(
                ANNA,
                "deal",
                f"1-{place}",
                when,
                {
                    "status": "won",
                    "amount": {"amount": dollars * 100, "currency": "USD"},
                    "closed_at": when.isoformat(),
                },
                when,
            )
            for place, (when, dollars) in enumerate(deals)
        ),
    )


@pytest.fixture
def member(installation):
    rows = [row("points_earned"), row("tier_up", id="b"), row("points_expiring", id="c")]
    put_in_force(installation, *rows, loyalty=LOYALTY)
    installation.contact(1)
    score(installation)
    installation.clock.advance(hours=3)
    assert told(installation) == []
    return installation


def test_a_purchase_is_announced_with_its_points_and_the_tier_that_it_reaches(member):
    now = member.clock.now()
    buy(member, (now, 70))
    score(member)
    assert kinds(member) == ["points_earned"]
    member.clock.advance(minutes=5)
    buy(member, (now, 70), (member.clock.now(), 50))
    score(member)
    assert sorted(kinds(member)) == ["points_earned", "points_earned", "tier_up"]
    assert [one.data["points"] for one in told(member) if one.kind == "points_earned"] == [70, 50]
    assert len(heard(member)) == 3


def test_points_that_will_die_are_warned_of_by_time_alone(member):
    buy(member, (member.clock.now(), 70))
    score(member)
    member.run()
    heard(member)
    member.clock.advance(days=356, hours=13)
    member.sweep()
    member.run()
    assert kinds(member)[1:] == ["points_expiring"]
    assert told(member)[1].data["points"] == 70


def test_of_a_history_that_comes_at_once_the_latest_is_told(member, monkeypatch):
    monkeypatch.setattr(looks, "MOST_AT_ONCE", 2)
    now = member.clock.now()
    buy(member, *((now - DAY * days, 10 + days) for days in range(5)))
    score(member)
    assert sorted(one.at for one in told(member)) == [now - DAY, now]


def test_nothing_is_remembered_where_nothing_is_announced(installation):
    put_in_force(installation)
    installation.contact(1)
    score(installation)
    assert installation.card(ANNA).seen is None


def test_what_a_merged_record_brings_along_is_not_announced_again():
    shop = Shop()
    put_in_force(
        shop.installation, row("reward_redeemed"), row("points_earned"), loyalty=shop.loyalty
    )
    ben = shop.customer("2")
    shop.tell(shop.anna)
    shop.buy(ben, 50, "order-2")
    assert shop.redeem("r-1", "2", reward="film").status == 200
    assert len(shop.store.subjects[ben].out) >= 2
    shop.scorer.merge(ben, shop.anna)
    assert shop.points("1") == 110
    assert shop.store.subjects[shop.anna].out == {}


def test_a_reward_is_rung_for_before_it_is_saved_and_announced_once_per_request():
    shop = Shop()
    fakes = shop.installation
    put_in_force(fakes, row("reward_redeemed"), loyalty=shop.loyalty)
    fakes.intake.send(refs_messages(CONNECTION, [shop.anna], Reason.RESCORE))
    fakes.process()
    fakes.bell.fail_next_send(Retryable("the queue is down"))
    assert shop.redeem("r-1", reward="cup").status == 503
    assert told(fakes) == []
    for _ in range(2):
        shop.redeem("r-1", reward="cup")
    (one,) = told(fakes)
    assert one.data == {"reward": "cup", "points": 30, "balance": 70}
    assert heard(fakes) == [one.id]
