"""What follows from a publication: everybody scored once, from stored facts."""

import copy
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.core.errors import Retryable
from chalicelib.core.model import Ref
from chalicelib.pipeline import rescore
from chalicelib.pipeline.messages import Reason, refs_messages
from chalicelib.pipeline.rescore import REST, advance, follow
from chalicelib.pipeline.scorer import scorer
from chalicelib.policy import version_of
from tests.fakes.bells import unheard
from tests.fakes.clock import NOON
from tests.pipeline.conftest import CONNECTION

DAY = timedelta(days=1)
PEOPLE = 300


@pytest.fixture
def known(installation):
    """Everybody is scored and written; from here on saves are counted, and reads of the CRM."""
    for number in range(PEOPLE):
        deals = [(NOON - number * DAY, 10 + number)] if number % 3 else []
        ref = installation.contact(number, job="CEO" if number % 2 else "Intern", deals=deals)
        installation.deliver(f"contact:{ref.id}")
    installation.run()
    installation.crm.calls.clear()
    return count_saves(installation)


def count_saves(installation):
    installation.saves = Counter()
    save = installation.store.save

    def counted(one):
        save(one)
        installation.saves[one.ref] += 1

    installation.store.save = counted
    return installation


def changed(page, points=9):
    page = copy.deepcopy(page)
    page["lead"]["groups"][0]["rules"][0]["points"] = points
    return page


def publish(installation, points=9):
    page = changed(installation.settings.live(CONNECTION).policy, points)
    installation.settings.publish_policy(CONNECTION, version_of(page), page, NOON)
    return version_of(page)


def complete(installation, rounds=100):
    """Round after round, with the queues delivered in between, until the last walk is over."""
    for _ in range(rounds):
        walk, _ = advance(CONNECTION, installation.services)
        if walk.ended:
            return
        installation.run()
        if walk.rests_until:
            installation.clock.advance(seconds=REST.total_seconds())
    raise AssertionError("it does not come to an end")


def versions(installation):
    return Counter(subject.card.body["policy"] for subject in installation.store.subjects.values())


def reads(installation):
    return [name for name, _ in installation.crm.calls if name != "write"]


def test_everybody_is_scored_once_by_the_new_policy_without_reading_the_crm(known):
    version = publish(known)
    complete(known)
    assert versions(known) == {version: PEOPLE}
    assert set(known.saves.values()) == {1}
    assert len(known.saves) == PEOPLE
    assert reads(known) == []


def test_who_is_scored_by_the_new_policy_already_is_not_scored_again(known):
    publish(known)
    refs = [Ref(CONNECTION, "contact", str(number)) for number in range(40)]
    known.intake.send(refs_messages(CONNECTION, refs, Reason.SWEEP))
    known.run()
    complete(known)
    assert set(known.saves.values()) == {1}


def test_a_message_that_comes_twice_scores_nobody_twice(known):
    publish(known)
    send = known.intake.send
    known.intake.send = lambda messages, **delay: send([*messages, *messages], **delay)
    complete(known)
    assert set(known.saves.values()) == {1}


def test_a_policy_that_comes_back_scores_only_who_has_another(known):
    before = known.settings.live(CONNECTION).policy
    publish(known)
    advance(CONNECTION, known.services)
    for message in known.intake.take()[:5]:
        known.intake.send([message])
    known.run()
    scored = len(known.saves)
    assert 0 < scored < PEOPLE
    known.settings.publish_policy(CONNECTION, version_of(before), before, NOON)
    complete(known)
    assert versions(known) == {version_of(before): PEOPLE}
    assert sum(known.saves.values()) == 2 * scored


def test_no_more_is_told_than_may_wait_in_both_queues(known, monkeypatch):
    monkeypatch.setattr(rescore, "MOST_WAITING", 120)
    publish(known)
    waiting = []
    while not advance(CONNECTION, known.services)[0].has_met_all:
        advance(CONNECTION, known.services)
        waiting.append(sum(len(message["refs"]) for message in known.intake.messages))
        known.run()
    assert max(waiting) <= 120
    known.run()
    assert len(waiting) >= 2
    assert set(known.saves.values()) == {1}
    assert len(known.saves) == PEOPLE


def test_deliveries_of_the_crm_that_wait_go_first(known, monkeypatch):
    monkeypatch.setattr(rescore, "MOST_WAITING", 300)
    publish(known)
    known.intake.send([{"connection": CONNECTION, "body_b64": ""}] * 3)
    assert advance(CONNECTION, known.services)[1] == 0


def test_while_the_crm_is_left_alone_nobody_is_told(known):
    publish(known)
    known.settings.pause(CONNECTION, known.clock.now() + DAY, "the day's calls are spent")
    assert advance(CONNECTION, known.services)[1] == 0
    known.settings.resume(CONNECTION)
    assert advance(CONNECTION, known.services)[1] == PEOPLE


@pytest.mark.parametrize("sends", [0, 1, 5, 9])
def test_killed_midway_and_begun_again_it_completes_and_scores_everybody_once(known, sends):
    version = publish(known)
    kill_after(known, sends)
    with pytest.raises(Killed):
        advance(CONNECTION, known.services)
    known.intake.send = type(known.intake).send.__get__(known.intake)
    complete(known)
    assert versions(known) == {version: PEOPLE}
    assert set(known.saves.values()) == {1}


class Killed(BaseException):
    pass


def kill_after(installation, sends):
    send, left = installation.intake.send, [sends]

    def mortal(messages, **delay):
        if not left[0]:
            raise Killed
        left[0] -= 1
        send(messages, **delay)

    installation.intake.send = mortal


def test_what_the_queue_did_not_take_is_told_again(known):
    version = publish(known)
    known.intake.fail_next_send(Retryable("the queue is away"))
    with pytest.raises(Retryable):
        advance(CONNECTION, known.services)
    complete(known)
    assert versions(known) == {version: PEOPLE}


def test_a_second_publication_midway_begins_anew(known, monkeypatch):
    monkeypatch.setattr(rescore, "MOST_WAITING", 100)
    publish(known)
    advance(CONNECTION, known.services)
    known.run()
    version = publish(known, points=7)
    complete(known)
    assert versions(known) == {version: PEOPLE}
    assert max(known.saves.values()) == 2


def test_a_worker_that_began_before_the_publication_undoes_nothing(known):
    """It is told to begin anew, and then goes by the new policy, its reading of the CRM included."""
    old = known.settings.live(CONNECTION)
    version = publish(known)
    complete(known)
    reading = known.settings.live
    answers = [old, old]
    known.settings.live = lambda connection: answers.pop() if answers else reading(connection)
    ref = next(iter(known.store.subjects))
    known.edit(ref, job_title="Founder")
    known.deliver(f"contact:{ref.id}")
    assert not known.process()
    assert known.card(ref).body["policy"] == version
    assert len(known.intake.delayed) == 1
    known.intake.elapse()
    known.run()
    assert known.card(ref).body["policy"] == version
    assert known.store.load(ref).facts.record().data["job_title"] == "Founder"


def test_all_of_a_message_begins_anew_once(known):
    old = known.settings.live(CONNECTION)
    publish(known)
    complete(known)
    reading, answers = known.settings.live, [old]
    known.settings.live = lambda connection: answers.pop() if answers else reading(connection)
    refs = list(known.store.subjects)[:50]
    known.intake.send(refs_messages(CONNECTION, refs, Reason.READ))
    known.process()
    assert len(known.intake.delayed) == 1


def test_somebody_whom_an_old_worker_saved_behind_the_walk_is_found_by_the_next(known):
    old = known.settings.live(CONNECTION)
    version = publish(known)
    walk, _ = advance(CONNECTION, known.services)
    assert walk.number == 2
    newcomer = known.contact(9_999)
    facts = known.crm.facts[newcomer]
    scorer(old, known.store, known.clock.now(), Reason.READ, ring=unheard).score(newcomer, facts)
    known.run()
    assert versions(known)[version_of(old.policy)] == 1
    complete(known)
    assert versions(known) == {version: PEOPLE + 1}


def test_what_happens_during_the_walk_is_scored_by_the_new_policy_at_once(known):
    version = publish(known)
    ref = next(iter(known.store.subjects))
    known.edit(ref, job_title="Founder")
    known.deliver(f"contact:{ref.id}")
    known.run()
    assert known.card(ref).body["policy"] == version


def test_hidden_ones_are_left_alone(known):
    ref = next(iter(known.store.subjects))
    known.clock.advance(seconds=1)
    known.crm.delete(ref)
    known.deliver(f"contact:{ref.id}", what="deleted", at=known.clock.now())
    known.run()
    before = known.saves[ref]
    publish(known)
    complete(known)
    assert known.card(ref).hidden
    assert known.saves[ref] == before


def test_a_card_of_a_backfill_under_way_is_left_to_it(known):
    facts = known.crm.facts
    newcomer = known.contact(9_999)
    known.intake.send(refs_messages(CONNECTION, [newcomer], Reason.COLLECT))
    known.run()
    publish(known)
    complete(known)
    assert newcomer in facts
    assert newcomer not in known.crm.fields
    rescore.begin_whole(CONNECTION, known.services)
    complete(known)
    assert newcomer in known.crm.fields


def test_who_can_never_be_scored_does_not_keep_it_going(known):
    publish(known)
    first = next(iter(known.store.subjects))
    save = known.store.save

    def stubborn(one):
        if one.ref == first:
            raise Retryable("not this one")
        save(one)

    known.store.save = stubborn
    for _ in range(20):
        walk, _ = advance(CONNECTION, known.services)
        known.process()
        known.intake.delayed.clear()
        known.clock.advance(minutes=10)
    assert walk.ended
    assert walk.told == 1


def test_progress_ends_at_its_total(known):
    publish(known)

    def deliver():
        known.process()
        known.write()

    steps = list(follow(CONNECTION, known.services, deliver))
    last = {progress.step: progress for progress in steps}
    assert (last["score"].done, last["score"].total) == (PEOPLE, PEOPLE)
    assert last["write"].done == PEOPLE
    assert [step.done for step in steps if step.step == "score"] == sorted(
        step.done for step in steps if step.step == "score"
    )


def test_a_connection_that_is_half_made_stops_no_other(known):
    live = known.settings.live(CONNECTION)
    known.settings.put_connection(replace(live.connection, id="toy-half"))
    publish(known)
    with pytest.raises(Exception, match="toy-half"):
        rescore.rescore(known.services)
    known.run()
    assert len(known.saves) == PEOPLE


def test_a_policy_that_comes_back_while_nobody_could_be_told_is_walked_for_again(known):
    """The walk that ended for its first time says nothing of whom the other one scored."""
    complete(known)
    before = known.settings.live(CONNECTION).policy
    known.settings.pause(CONNECTION, known.clock.now() + DAY, "the day's calls are spent")
    publish(known)
    advance(CONNECTION, known.services)
    known.intake.send(refs_messages(CONNECTION, list(known.store.subjects)[:20], Reason.SWEEP))
    known.process()
    known.settings.publish_policy(CONNECTION, version_of(before), before, NOON)
    known.settings.resume(CONNECTION)
    complete(known)
    assert versions(known) == {version_of(before): PEOPLE}


def test_a_publication_during_a_whole_walk_takes_along_whom_that_would_have(known):
    newcomer = known.contact(9_999)
    known.intake.send(refs_messages(CONNECTION, [newcomer], Reason.COLLECT))
    known.run()
    rescore.begin_whole(CONNECTION, known.services)
    version = publish(known)
    complete(known)
    assert versions(known) == {version: PEOPLE + 1}
    assert newcomer in known.crm.fields


def test_who_was_forgotten_while_a_message_of_them_waited_gets_no_card(known):
    ref = next(iter(known.store.subjects))
    known.clock.advance(seconds=1)
    known.crm.delete(ref)
    known.deliver(f"contact:{ref.id}", what="deleted", at=known.clock.now())
    known.run()
    known.clock.advance(days=91)
    for _ in range(2):
        known.intake.send(refs_messages(CONNECTION, [ref], Reason.SWEEP))
        known.run()
    assert ref not in known.store.subjects


def test_a_driver_that_is_under_way_does_not_undo_a_whole_walk_begun_meanwhile(known):
    newcomer = known.contact(9_999)
    known.intake.send(refs_messages(CONNECTION, [newcomer], Reason.COLLECT))
    known.run()
    publish(known)
    send = known.intake.send

    def begun_midway(messages, **delay):
        known.intake.send = send
        send(messages, **delay)
        rescore.begin_whole(CONNECTION, known.services)

    known.intake.send = begun_midway
    advance(CONNECTION, known.services)
    complete(known)
    assert newcomer in known.crm.fields
