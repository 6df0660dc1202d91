"""Records that are deleted, restored, merged or forgotten, as a CRM tells it and as it shows it."""

from datetime import timedelta
from functools import partial

import pytest

from chalicelib.core.model import Ref
from chalicelib.core.stored import Leaving, Stub
from chalicelib.pipeline.messages import Reason, refs_messages
from chalicelib.pipeline.park import park, replay
from chalicelib.pipeline.saves import HIDDEN_FOR
from chalicelib.pipeline.scorer import scorer
from tests.fakes import connector as toy
from tests.fakes.bells import unheard
from tests.fakes.clock import NOON
from tests.pipeline.conftest import CONNECTION, Installation

DAY = timedelta(days=1)


def rung(installation, ref, what="changed", **told):
    installation.clock.advance(seconds=1)
    at = told.pop("at", installation.clock.now())
    installation.deliver(f"{ref.kind}:{ref.id}", what=what, at=at, **told)
    installation.run()


def scored(installation, number=1, **has):
    ref = installation.contact(number, **has)
    rung(installation, ref, at=NOON - DAY)
    return ref


def deleted(installation, ref):
    installation.crm.delete(ref)
    rung(installation, ref, "deleted")


def keys(installation, ref):
    """Of all facts that are known of it."""
    return set(installation.store.load(ref).facts.facts)


def test_a_deleted_contact_is_hidden_and_nothing_is_written(installation):
    ref = scored(installation, deals=[(NOON - DAY, 500)])
    writes = len(installation.writes())
    deleted(installation, ref)
    card = installation.card(ref)
    assert card.hidden
    assert not card.pending
    assert "score" not in card.body
    assert len(installation.writes()) == writes


def test_a_deletion_forgets_nothing_and_a_restore_brings_it_all_back(installation):
    ref = scored(installation, deals=[(NOON - DAY, 500)], visits=[NOON - DAY])
    before, known = installation.card(ref).body, keys(installation, ref)
    deleted(installation, ref)
    assert keys(installation, ref) == known | {"FACT#deleted#1"}
    installation.clock.advance(days=1)
    installation.crm.restore(ref)
    rung(installation, ref, "restored")
    card = installation.card(ref)
    assert not card.hidden
    assert card.body["rfm"]["frequency"] == before["rfm"]["frequency"] == 1
    assert installation.crm.fields[ref]["class"] == before["customer"]["class"]


def test_a_restore_writes_only_what_the_record_does_not_show_any_more(installation):
    ref = scored(installation)
    deleted(installation, ref)
    installation.crm.restore(ref)
    installation.crm.entries.clear()
    rung(installation, ref, "restored")
    assert installation.crm.entries == []


@pytest.mark.parametrize("order", [("restored", "deleted"), ("deleted", "restored")])
def test_a_deletion_and_a_restore_may_come_in_any_order(installation, order):
    ref = scored(installation)
    installation.crm.delete(ref)
    installation.crm.restore(ref)
    for what in order:
        rung(installation, ref, what)
    assert not installation.card(ref).hidden


def test_a_deletion_that_the_api_does_not_show_yet_is_looked_for_again(installation):
    ref = scored(installation)
    rung(installation, ref, "deleted")
    assert not installation.card(ref).hidden
    installation.crm.delete(ref)
    installation.clock.advance(seconds=2)
    installation.intake.elapse()
    installation.run()
    assert installation.card(ref).hidden


def test_a_new_contact_that_the_api_does_not_show_yet_is_looked_for_again(installation):
    ref = Ref(CONNECTION, "contact", "7")
    rung(installation, ref, "created")
    assert ref not in installation.store.subjects
    installation.contact(7)
    installation.intake.elapse()
    installation.run()
    assert ref in installation.crm.fields


def test_what_is_never_shown_is_given_up_after_an_hour(installation):
    ref = Ref(CONNECTION, "contact", "7")
    rung(installation, ref, "created")
    for _ in range(20):
        installation.clock.advance(minutes=5)
        installation.intake.elapse()
        installation.run()
    assert not installation.intake.backlog()
    assert ref not in installation.store.subjects


def test_a_contact_whose_deletion_was_never_told_is_hidden_when_it_is_written(installation):
    ref = scored(installation)
    installation.crm.delete(ref)
    installation.clock.advance(seconds=1)
    installation.intake.send(refs_messages(CONNECTION, [ref], Reason.REWRITE))
    installation.run()
    assert installation.card(ref).hidden
    assert installation.settings.parked(CONNECTION) == ()


def test_a_deleted_contact_is_forgotten_after_ninety_days(installation):
    ref = scored(installation)
    deleted(installation, ref)
    installation.clock.advance(days=HIDDEN_FOR.days - 1)
    installation.sweep()
    installation.run()
    assert installation.card(ref).hidden
    installation.clock.advance(days=2)
    installation.sweep()
    installation.run()
    assert ref not in installation.store.subjects
    assert installation.store.erased == set()


def test_a_deleted_deal_stops_counting(installation):
    ref = scored(installation, deals=[(NOON - DAY, 500)])
    assert installation.crm.fields[ref]["class"] is not None
    installation.contact(1)  # as it is now read: without a deal
    deal = Ref(CONNECTION, "deal", "1-0")
    installation.crm.link(deal)  # and the deal leads to nobody any more
    rung(installation, deal, "deleted")
    assert installation.crm.fields[ref]["class"] is None


def test_a_deal_that_went_to_somebody_else_stops_counting_where_it_was(installation):
    """Though the CRM tells of the deal alone, and whose it is now."""
    ref = scored(installation, deals=[(NOON - DAY, 500)])
    installation.contact(1)
    deal, other = Ref(CONNECTION, "deal", "1-0"), installation.contact(2)
    installation.crm.link(deal, other)
    rung(installation, deal)
    assert installation.crm.fields[ref]["class"] is None
    assert installation.card(other) is not None


def test_nobody_is_looked_for_where_whoever_lost_a_deal_rings_too(installation, monkeypatch):
    ref = scored(installation, deals=[(NOON - DAY, 500)])
    told = partial(toy.connector, rings_both_ends=True)
    monkeypatch.setattr(Installation, "_load", lambda self, _name: told(self.crm))
    monkeypatch.setattr(installation.store, "holders", lambda _ref: pytest.fail("it was looked up"))
    installation.crm.link(deal := Ref(CONNECTION, "deal", "1-0"), ref)
    rung(installation, deal)
    assert installation.card(ref).version > 0


def test_a_dissociated_deal_stops_counting_though_its_fact_is_still_there(installation):
    ref = scored(installation, deals=[(NOON - DAY, 500)])
    installation.contact(1)
    rung(installation, ref, "associated")
    assert installation.crm.fields[ref]["class"] is None
    assert "FACT#deal#1-0" in installation.store.subjects[ref].facts


def merged(installation, loser, survivor, **has):
    """In the CRM, under the same number as the survivor had."""
    installation.contact(int(survivor.id), **has)
    installation.crm.merge(loser, survivor, *installation.crm.facts[survivor])


def test_a_merge_moves_what_was_known_and_leaves_an_alias(installation):
    anna = scored(installation, 1, visits=[NOON - DAY])
    ann = scored(installation, 2, visits=[NOON - 2 * DAY])
    merged(installation, ann, anna)
    rung(installation, ann, "merged", into="contact:1")
    keys = sorted(installation.store.subjects[anna].facts)
    assert sum(key.startswith("ACT#") for key in keys) == 2
    assert installation.store.subjects[ann].facts == {}
    assert installation.card(ann).stub.into == anna
    assert installation.card(ann).due_at is None


def test_the_deals_that_a_merge_brings_to_a_hidden_contact_lead_to_it(installation):
    anna, ann = scored(installation, 1), scored(installation, 2, deals=[(NOON - DAY, 500)])
    deleted(installation, anna)
    live = installation.settings.live(CONNECTION)
    scorer(live, installation.store, NOON + DAY, Reason.READ, ring=unheard).merge(ann, anna)
    assert installation.card(anna).hidden
    assert installation.store.holders(Ref(CONNECTION, "deal", "2-0")) == (anna,)


def test_an_event_of_a_merged_contact_scores_the_survivor(installation):
    anna, ann = scored(installation, 1), scored(installation, 2)
    merged(installation, ann, anna)
    rung(installation, ann, "merged", into="contact:1")
    merged(installation, ann, anna, deals=[(NOON - DAY, 500)])
    rung(installation, ann)
    assert installation.crm.fields[anna]["class"] is not None


def test_a_merge_that_was_never_told_is_seen_in_the_answer(installation):
    anna, ann = scored(installation, 1), scored(installation, 2, visits=[NOON - DAY])
    merged(installation, ann, anna)
    rung(installation, ann)
    assert installation.card(ann).stub.into == anna
    assert any(key.startswith("ACT#") for key in installation.store.subjects[anna].facts)


def test_a_merge_that_the_api_does_not_resolve_is_believed_once_it_shows_the_survivor(installation):
    anna, ann = scored(installation, 1), scored(installation, 2, visits=[NOON - DAY])
    installation.crm.remove(ann)
    rung(installation, ann, "merged", into="contact:1")
    assert installation.card(ann).stub.into == anna


@pytest.mark.parametrize("kind", ["deal", "ticket"])
def test_a_late_merge_of_what_is_no_subject_makes_no_card_of_it(installation, kind):
    ref = scored(installation, 1, deals=[(NOON - DAY, 500)])
    lost, kept = Ref(CONNECTION, kind, "8"), Ref(CONNECTION, kind, "9")
    installation.crm.link(kept, ref)
    rung(installation, lost, "merged", into=f"{kind}:9", at=NOON - DAY)
    assert set(installation.store.subjects) == {ref}


def test_a_merge_that_the_api_does_not_show_yet_is_looked_for_again(installation):
    anna, ann = scored(installation, 1), scored(installation, 2)
    rung(installation, ann, "merged", into="contact:1")
    assert installation.card(ann).stub is None
    merged(installation, ann, anna)
    installation.intake.elapse()
    installation.run()
    assert installation.card(ann).stub.into == anna


def test_a_merge_into_a_new_record_moves_both(installation):
    anna = scored(installation, 1, visits=[NOON - DAY])
    ann = scored(installation, 2, visits=[NOON - 2 * DAY])
    new = installation.contact(3)
    for loser in (anna, ann):
        installation.crm.merge(loser, new, *installation.crm.facts[new])
    rung(installation, ann, "merged", into="contact:3")
    rung(installation, anna, "merged", into="contact:3")
    keys = sorted(installation.store.subjects[new].facts)
    assert sum(key.startswith("ACT#") for key in keys) == 2
    assert installation.crm.fields[new]["score"] == installation.card(new).body["score"]


def test_a_worker_that_dies_in_a_merge_is_finished_by_sweep(installation):
    anna = scored(installation, 1)
    ann = scored(installation, 2, visits=[NOON - DAY])
    merged(installation, ann, anna)
    save, installation.store.save = installation.store.save, killed
    with pytest.raises(KeyboardInterrupt):
        rung(installation, ann, "merged", into="contact:1")
    installation.store.save = save
    installation.clock.advance(minutes=2)
    installation.sweep()
    installation.run()
    assert any(key.startswith("ACT#") for key in installation.store.subjects[anna].facts)
    assert installation.store.subjects[ann].facts == {}


def killed(*_):
    raise KeyboardInterrupt


@pytest.mark.parametrize("order", [("erased", "deleted"), ("deleted", "erased")])
def test_a_privacy_deletion_leaves_nothing_in_whatever_order_its_events_come(installation, order):
    ref = scored(installation, deals=[(NOON - DAY, 500)])
    installation.crm.remove(ref)
    for what in order:
        rung(installation, ref, what)
    assert ref not in installation.store.subjects
    assert installation.store.holders(Ref(CONNECTION, "deal", "1-0")) == ()


def test_a_late_event_does_not_bring_an_erased_person_back(installation):
    ref = scored(installation)
    record = installation.crm.facts[ref]
    installation.crm.remove(ref)
    rung(installation, ref, "erased")
    installation.crm.put(ref, *record)  # an API that lags still shows the record
    rung(installation, ref)
    assert ref not in installation.store.subjects


def test_who_was_about_to_expire_can_still_be_forgotten_for_good(installation):
    ref = scored(installation)
    record = installation.crm.facts[ref]
    store = installation.store
    store.retire(ref, installation.card(ref).version, Stub(Leaving.EXPIRED), NOON)
    installation.crm.remove(ref)
    rung(installation, ref, "erased")
    installation.crm.put(ref, *record)
    rung(installation, ref)
    assert ref not in store.subjects
    assert store.erased == {ref}


def test_an_erasure_reaches_those_who_were_merged_into_another(installation):
    anna, ann = scored(installation, 1), scored(installation, 2)
    merged(installation, ann, anna)
    rung(installation, ann, "merged", into="contact:1")
    installation.crm.remove(anna)
    rung(installation, ann, "erased")
    assert anna not in installation.store.subjects


def test_an_erasure_takes_the_person_out_of_what_waits_parked(installation):
    anna, ben = scored(installation, 1), scored(installation, 2)
    both = refs_messages(CONNECTION, [anna, ben], Reason.READ)[0]

    park(both, "for a test", installation.services, NOON)
    installation.crm.remove(anna)
    rung(installation, anna, "erased")
    (item,) = installation.settings.parked(CONNECTION)
    assert item.message["refs"] == [str(ben)]
    assert item.reason == "for a test"


def test_a_restore_that_the_api_does_not_show_yet_is_looked_for_again(installation):
    ref = scored(installation)
    deleted(installation, ref)
    rung(installation, ref, "restored")
    assert installation.card(ref).hidden
    installation.crm.restore(ref)
    installation.clock.advance(seconds=2)
    installation.intake.elapse()
    installation.run()
    assert not installation.card(ref).hidden
    assert not installation.intake.delayed


def until_given_up(installation):
    for _ in range(20):
        installation.clock.advance(minutes=10)
        installation.intake.elapse()
        installation.run()


@pytest.mark.parametrize("order", [("merge", "erasure"), ("erasure", "merge")])
def test_an_erasure_reaches_who_was_merged_just_before_whatever_is_told_first(installation, order):
    anna, ann = scored(installation, 1), scored(installation, 2, visits=[NOON - DAY])
    installation.crm.remove(anna)
    installation.crm.remove(ann)
    for what in order:
        if what == "merge":
            rung(installation, ann, "merged", into="contact:1")
        else:
            rung(installation, anna, "erased")
    until_given_up(installation)
    assert installation.store.subjects == {}
    assert installation.store.erased == {anna, ann}


def test_what_was_merged_into_a_deleted_contact_comes_back_with_it(installation):
    anna, ann = scored(installation, 1), scored(installation, 2, visits=[NOON - DAY])
    installation.crm.remove(ann)
    installation.crm.delete(anna)
    rung(installation, ann, "merged", into="contact:1")
    assert installation.card(anna).hidden
    installation.crm.restore(anna)
    rung(installation, anna, "restored")
    assert not installation.card(anna).hidden
    assert any(key.startswith("ACT#") for key in keys(installation, anna))


@pytest.mark.parametrize(("parked", "erased"), [(1, 2), (2, 1)])
def test_an_erasure_takes_out_what_waits_parked_under_any_id_of_the_person(
    installation, parked, erased
):
    refs = {1: scored(installation, 1), 2: scored(installation, 2)}
    merged(installation, refs[2], refs[1])
    rung(installation, refs[2], "merged", into="contact:1")
    message = refs_messages(CONNECTION, [refs[parked]], Reason.READ)[0]
    park(message, "for a test", installation.services, NOON)
    installation.crm.remove(refs[1])
    rung(installation, refs[erased], "erased")
    assert installation.settings.parked(CONNECTION) == ()


def test_an_erasure_leaves_those_of_others_in_what_waits_parked(installation):
    anna, ben = scored(installation, 1), scored(installation, 2)
    installation.deliver("contact:1", "contact:2", what="erased")
    (delivery,) = installation.intake.take()
    park(delivery, "for a test", installation.services, NOON)
    for ref in (anna, ben):
        installation.crm.remove(ref)
    rung(installation, anna, "erased")
    replay(CONNECTION, installation.services)
    installation.run()
    assert installation.store.erased == {anna, ben}
