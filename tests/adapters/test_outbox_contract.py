"""What every outbox promises: announcements come with the card, and each way is marked once."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.core.announcements import Announcement, Mailing, Seen
from chalicelib.core.errors import Conflict
from chalicelib.core.model import Text
from chalicelib.core.stored import Leaving, Stub
from tests.adapters.test_subject_store_contract import ANNA as REF
from tests.adapters.test_subject_store_contract import NOON as NOW
from tests.adapters.test_subject_store_contract import save

ONE = Announcement(
    id="ann_1",
    subject=REF,
    rule="risen",
    kind="tier_up",
    at=NOW,
    data={"tier": "gold", "before": None},
    rep=Text("Up", "بالا"),
    customer=Text("You are up", "بالا رفتید"),
    to=("webhook", "crm_task"),
    mailing=Mailing("mail", "no_mail"),
)
SEEN = Seen(
    at=NOW, made="p m", entry=3, scores={"score": 7}, tier="gold", in_grace=False, stage="trial",
    stage_since=NOW, dates={"until": "2026-03-21"}, peaks={"fall": 80.5}, rules=("risen tier_up",),
)  # fmt: skip


@pytest.fixture
def store(engine):
    return engine.subjects


def saved(store, version=0, announcements=(ONE,), seen=SEEN):
    store.save(replace(save(REF, version), announcements=announcements, seen=seen))


def test_an_announcement_is_saved_with_its_card(store):
    saved(store)
    found = store.outgoing(REF, ONE.id)
    assert (found.announcement, found.done, found.claimed) == (ONE, frozenset(), frozenset())
    assert store.load(REF).card.seen == SEEN


def test_what_was_never_saved_is_not_there(store):
    assert store.outgoing(REF, ONE.id) is None
    assert not store.claim(REF, ONE.id, "webhook")
    store.mark_done(REF, ONE.id, "webhook")
    store.release(REF, ONE.id, "webhook")
    assert store.outgoing(REF, ONE.id) is None


def test_a_save_that_lost_the_race_leaves_no_announcement(store):
    saved(store, announcements=())
    with pytest.raises(Conflict):
        saved(store)
    assert store.outgoing(REF, ONE.id) is None


def test_scoring_does_not_read_announcements(store):
    saved(store)
    assert len(store.load(REF).facts.facts) == 0
    assert len(store.history(REF, 10)) == 1


def test_a_way_is_claimed_by_one_alone(store):
    saved(store)
    assert store.claim(REF, ONE.id, "crm_task")
    assert not store.claim(REF, ONE.id, "crm_task")
    assert store.claim(REF, ONE.id, "email")
    store.release(REF, ONE.id, "crm_task")
    assert store.claim(REF, ONE.id, "crm_task")


def test_a_way_that_is_done_cannot_be_claimed(store):
    saved(store)
    store.mark_done(REF, ONE.id, "crm_task")
    assert not store.claim(REF, ONE.id, "crm_task")
    assert store.outgoing(REF, ONE.id).done == {"crm_task"}


def test_marks_are_put_beside_one_another(store):
    saved(store)
    for way in ("webhook:a", "webhook:b", "webhook:a"):
        store.mark_done(REF, ONE.id, way)
    assert store.outgoing(REF, ONE.id).done == {"webhook:a", "webhook:b"}


def test_what_is_found_once_more_keeps_its_marks(store):
    saved(store)
    store.mark_done(REF, ONE.id, "webhook")
    saved(store, version=1, announcements=(replace(ONE, rep=Text("Again", "باز")),))
    found = store.outgoing(REF, ONE.id)
    assert (found.done, found.announcement.rep.en) == ({"webhook"}, "Up")


def test_a_save_that_looked_at_nothing_forgets_what_was_seen(store):
    saved(store)
    saved(store, version=1, announcements=(), seen=None)
    assert store.load(REF).card.seen is None


def test_nothing_is_left_of_who_asked_to_be_forgotten(store):
    saved(store)
    store.retire(REF, 1, Stub(Leaving.ERASED), NOW + timedelta(hours=1))
    assert store.load(REF).card.seen is None
    store.clear(REF)
    assert store.outgoing(REF, ONE.id) is None
