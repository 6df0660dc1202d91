"""Every day the population is looked at, page by page, and borders move where it says so twice."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.core.errors import Conflict, Parked, Retryable
from chalicelib.core.facts import iso
from chalicelib.core.funnel import ClosedDeal
from chalicelib.core.policy import FittedModels
from chalicelib.core.ports import SHARDS
from chalicelib.pipeline import kept_shares
from chalicelib.pipeline.kept_shares import Mark, keep, kept, mark_of, move
from chalicelib.pipeline.learn import HOPELESS_AFTER
from chalicelib.pipeline.messages import lesson_message
from chalicelib.pipeline.process import process
from chalicelib.pipeline.refresh import RunStopped, refresh, refresh_all
from chalicelib.pipeline.rescore import REST, advance
from chalicelib.pipeline.runs import CHECKPOINT
from chalicelib.pipeline.shares import Share, learned, share_of
from chalicelib.pipeline.train import Memory, learned_of, train
from chalicelib.pipeline.turns import Turn
from chalicelib.policy import compile_policy, version_of
from chalicelib.training.population import Row
from tests.fakes.clock import NOON
from tests.pipeline.conftest import CONNECTION, envelope
from tests.pipeline.test_backfill import CUSTOMERS, complete, crowd

DAY = timedelta(days=1)
LATER = timedelta(minutes=4)


@pytest.fixture
def ranked(installation):
    """Sixty customers, ranked by a backfill, of which all walks are over; and a day has passed."""
    complete(crowd(installation))
    rescored(installation)
    installation.clock.advance(days=1)
    return installation


def rescored(installation):
    for _ in range(10):
        if advance(CONNECTION, installation.services)[0].ended:
            return
        installation.run()
        installation.clock.advance(seconds=REST.total_seconds())
    raise AssertionError("it does not come to an end")


def look(installation):
    """Begin a run if it is time, let the workers learn, and reduce."""
    refresh(CONNECTION, installation.services)
    installation.run()
    if installation.settings.checkpoint(CONNECTION, CHECKPOINT) is None:
        return False
    return refresh(CONNECTION, installation.services)


def models(installation):
    return installation.settings.live(CONNECTION).models


def somebody_buys(installation, people=CUSTOMERS):
    """Often enough to move the borders of frequency."""
    now = installation.clock.now()
    for number in range(people):
        deals = [(now - timedelta(hours=k), 10 + number) for k in range(6 + number % 7)]
        installation.contact(number, deals=deals)
        installation.deliver(f"contact:{number}")
    installation.run()


def a_day_later(installation):
    installation.clock.advance(days=1)
    installation.sweep()
    installation.run()
    rescored(installation)


def test_where_few_have_bought_since_nothing_is_adopted(ranked):
    before = models(ranked)
    ranked.contact(1, deals=[(ranked.clock.now(), 10_000)])
    ranked.deliver("contact:1")
    ranked.run()
    assert not look(ranked)
    assert models(ranked) == before
    assert Memory.of(CONNECTION, ranked.services).looked_at == ranked.clock.now()


def test_borders_move_at_the_second_look_that_says_so(ranked):
    before = models(ranked).parameters["rfm"]["f"]
    somebody_buys(ranked)
    look(ranked)
    assert models(ranked).parameters["rfm"]["f"] == before
    a_day_later(ranked)
    somebody_buys(ranked)
    assert look(ranked)
    assert models(ranked).parameters["rfm"]["f"] != before


def test_of_new_borders_a_rescore_follows_by_itself(ranked):
    for _ in range(2):
        somebody_buys(ranked)
        look(ranked)
        a_day_later(ranked)
    rescored(ranked)
    cards = [subject.card for subject in ranked.store.subjects.values()]
    assert {card.body["models"] for card in cards} == {models(ranked).version}


def test_it_learns_what_one_process_would_learn(ranked):
    somebody_buys(ranked)
    policy = compile_policy(ranked.settings.live(CONNECTION).policy)
    now = ranked.clock.now()

    def share(**which):
        cards = ranked.store.population(CONNECTION, **which)
        return share_of(cards, policy, ranked.store, now)

    parts = [Share.from_json(share(shard=n).to_json()) for n in range(SHARDS)]
    assert learned(parts, policy) == learned([share()], policy)


def test_within_a_day_it_is_not_looked_at_again(ranked):
    look(ranked)
    somebody_buys(ranked)
    ranked.clock.advance(hours=23)
    assert not look(ranked)
    assert ranked.settings.checkpoint(CONNECTION, CHECKPOINT) is None


class Killed(BaseException):
    pass


@pytest.fixture
def paged(ranked, monkeypatch):
    """With pages so small that every share has several."""
    monkeypatch.setattr("chalicelib.pipeline.learn.PAGE_OF_ROWS", 2)
    somebody_buys(ranked)
    return ranked


def dying(store, method, after):
    """The worker dies instead of so manieth a call."""
    untouched, left = getattr(store, method), [after]

    def mortal(*arguments):
        left[0] -= 1
        if left[0] < 0:
            raise Killed
        return untouched(*arguments)

    setattr(store, method, mortal)
    return untouched


@pytest.mark.parametrize("method", ["set_checkpoint", "move_checkpoint"])
@pytest.mark.parametrize("after", [1, 2, 7, 16, 33])
def test_killed_midway_it_publishes_once(paged, method, after):
    history = paged.settings.publications(CONNECTION)
    refresh(CONNECTION, paged.services)
    untouched = dying(paged.settings, method, after)
    with pytest.raises(Killed):
        looks_until_it_is_over(paged)
    assert paged.settings.publications(CONNECTION) == history
    setattr(paged.settings, method, untouched)
    looks_until_it_is_over(paged)
    look(paged)
    assert len(paged.settings.publications(CONNECTION)) == len(history) + 1


def looks_until_it_is_over(installation):
    for _ in range(10):
        installation.run()
        if installation.settings.checkpoint(CONNECTION, CHECKPOINT) is None:
            return
        refresh(CONNECTION, installation.services)
    raise AssertionError("it does not come to an end")


def test_pages_together_are_what_one_process_would_learn(paged):
    now = paged.clock.now()
    policy = compile_policy(paged.settings.live(CONNECTION).policy)
    refresh(CONNECTION, paged.services)
    paged.run()
    pages = kept(CONNECTION, iso(now), paged.settings)
    assert len(pages) > SHARDS
    whole = share_of(paged.store.population(CONNECTION), policy, paged.store, now)
    assert learned(pages, policy) == learned([whole], policy)


def test_a_message_that_comes_twice_changes_nothing(paged):
    refresh(CONNECTION, paged.services)
    paged.run()
    marks = [mark_of(CONNECTION, n, iso(paged.clock.now()), paged.settings) for n in range(SHARDS)]
    run = paged.settings.checkpoint(CONNECTION, CHECKPOINT)["began"]
    again = [lesson_message(CONNECTION, run, shard, 0) for shard in range(SHARDS)]
    paged.intake.send(again)
    paged.intake.send([lesson_message(CONNECTION, "another run", 3, 0)])
    paged.run()
    assert marks == [
        mark_of(CONNECTION, n, iso(paged.clock.now()), paged.settings) for n in range(SHARDS)
    ]


def test_of_shares_that_stand_still_it_is_told_again(paged):
    refresh(CONNECTION, paged.services)
    paged.intake.take()
    refresh(CONNECTION, paged.services)
    looks_until_it_is_over(paged)
    assert Memory.of(CONNECTION, paged.services).learned_at is not None


def test_a_run_whose_policy_was_replaced_is_dropped(ranked):
    somebody_buys(ranked)
    half_done(ranked)
    page = {**ranked.settings.live(CONNECTION).policy, "name": "Another"}
    ranked.settings.publish_policy(CONNECTION, version_of(page), page, NOON)
    before = models(ranked)
    assert not look(ranked)
    assert models(ranked) == before


def half_done(installation):
    """As after a run of which some shares are there."""
    refresh(CONNECTION, installation.services)
    installation.run()


def test_while_cards_are_being_rescored_nothing_is_learned(ranked):
    somebody_buys(ranked)
    page = {**ranked.settings.live(CONNECTION).policy, "name": "Another"}
    ranked.settings.publish_policy(CONNECTION, version_of(page), page, NOON)
    look(ranked)
    assert ranked.settings.checkpoint(CONNECTION, CHECKPOINT) is None
    rescored(ranked)
    assert look(ranked)


def test_a_policy_that_asks_for_something_else_is_learned_for_at_once(ranked):
    look(ranked)
    page = dict(ranked.settings.live(CONNECTION).policy)
    worth = {"id": "worth", "model": "value", "weight": 50}
    customer = {**page["customer"], "components": [*page["customer"]["components"], worth]}
    page = page | {"customer": customer}
    ranked.settings.publish_policy(CONNECTION, version_of(page), page, NOON)
    rescored(ranked)
    assert look(ranked)
    assert len(models(ranked).parameters["value"]["cuts"]) == 100


def test_two_runs_at_once_publish_nothing_half_done(ranked):
    """Shares of another run in the place of one's own are not taken for one's own."""
    somebody_buys(ranked)
    half_done(ranked)
    stolen = share_of([], compile_policy(ranked.settings.live(CONNECTION).policy), None, NOON)
    keep(CONNECTION, (1, 0), stolen, "another run", ranked.settings)
    before = models(ranked)
    assert not look(ranked)
    assert models(ranked) == before
    look(ranked)
    assert Memory.of(CONNECTION, ranked.services).learned_at == ranked.clock.now()


def test_models_that_came_into_force_meanwhile_are_not_replaced(ranked):
    somebody_buys(ranked)
    look(ranked)
    a_day_later(ranked)
    somebody_buys(ranked)
    other = FittedModels("other", models(ranked).parameters)
    refresh(CONNECTION, ranked.services)
    ranked.run()
    ranked.settings.publish_models(CONNECTION, other, NOON)
    refresh(CONNECTION, ranked.services)
    assert models(ranked) == other


def test_of_a_run_that_was_overtaken_no_page_stays_until_the_next_day(ranked):
    somebody_buys(ranked)
    other = FittedModels("other", models(ranked).parameters)
    refresh(CONNECTION, ranked.services)
    ranked.run()
    pages = [f"refresh#{shard:02}#0000#0" for shard in range(SHARDS)]
    assert any(ranked.settings.checkpoint(CONNECTION, page) for page in pages)
    train(CONNECTION, ranked.services)
    ranked.settings.publish_models(CONNECTION, other, NOON)
    refresh(CONNECTION, ranked.services)
    assert not any(ranked.settings.checkpoint(CONNECTION, page) for page in pages)


def test_shares_larger_than_an_item_are_cut_and_put_together(installation, monkeypatch):
    monkeypatch.setattr(kept_shares, "LARGEST_SLICE", 40)
    rows = tuple(Row(f"toy-main:contact:{n}", (n, 1, 10 * n), n, n / 2) for n in range(30))
    deals = {"7": ClosedDeal({"intro": 3.5}, won=True)}
    share = Share((*rows, Row("toy-main:contact:99", None)), deals, {frozenset({"چای", "tea"}): 3})
    for shard in range(SHARDS):
        keep(CONNECTION, (shard, 0), share, "a run", installation.settings)
        move(CONNECTION, shard, None, Mark("a run", 1, "", True), installation.settings)
    assert kept(CONNECTION, "a run", installation.settings) == [share] * SHARDS
    assert kept(CONNECTION, "another", installation.settings) is None


def test_a_page_that_two_kept_and_one_did_not_live_to_finish_is_not_put_together(
    installation, monkeypatch
):
    monkeypatch.setattr(kept_shares, "LARGEST_SLICE", 40)
    one, other = (Share(tuple(Row(f"toy-main:contact:{n}", (n, 1, k), n, 0.5) for n in range(30)))
                  for k in (3, 8))  # fmt: skip
    for shard in range(SHARDS):
        keep(CONNECTION, (shard, 0), one, "a run", installation.settings)
        move(CONNECTION, shard, None, Mark("a run", 1, "", True), installation.settings)
    first = installation.settings.checkpoint(CONNECTION, "refresh#05#0000#0")
    keep(CONNECTION, (5, 0), other, "a run", installation.settings)
    installation.settings.set_checkpoint(CONNECTION, "refresh#05#0000#0", first)
    assert kept(CONNECTION, "a run", installation.settings) is None


def test_of_a_share_that_was_larger_once_nothing_stays(installation, monkeypatch):
    monkeypatch.setattr(kept_shares, "LARGEST_SLICE", 40)
    many = tuple(Row(f"toy-main:contact:{n}", (n, 1, 10 * n), n, n / 2) for n in range(30))
    keep(CONNECTION, (5, 0), Share(many), "a run", installation.settings)
    keep(CONNECTION, (5, 0), Share(many[:1]), "another", installation.settings)
    kept_shares.forget(CONNECTION, installation.settings)
    assert not [
        number
        for number in range(100)
        if installation.settings.checkpoint(CONNECTION, f"refresh#05#0000#{number}")
    ]


def test_an_admins_refresh_counts_as_the_days(ranked):
    train(CONNECTION, ranked.services)
    somebody_buys(ranked)
    assert not look(ranked)
    assert ranked.settings.checkpoint(CONNECTION, CHECKPOINT) is None


def test_a_connection_that_is_half_made_stops_no_other(ranked):
    live = ranked.settings.live(CONNECTION)
    ranked.settings.put_connection(replace(live.connection, id="toy-half"))
    for _ in range(2):
        with pytest.raises(Exception, match="toy-half"):
            refresh_all(ranked.services, ranked.clock.now() + LATER)
        ranked.run()
    assert Memory.of(CONNECTION, ranked.services).looked_at == ranked.clock.now()


def test_a_connection_whose_models_cannot_be_kept_stops_no_other(ranked, monkeypatch):
    live = ranked.settings.live(CONNECTION)
    ranked.settings.put_connection(replace(live.connection, id="toy-big"))
    asked = []

    def refreshed(connection, _services):
        asked.append(connection)
        if connection == "toy-big":
            raise Parked("toy-big: too large an item")
        return False

    monkeypatch.setattr("chalicelib.pipeline.refresh.refresh", refreshed)
    with pytest.raises(Parked, match="toy-big"):
        refresh_all(ranked.services, ranked.clock.now() + LATER)
    assert sorted(asked) == ["toy-big", CONNECTION]


def failing(monkeypatch, broken, asked):
    """``refresh`` raises for connections that are ``broken``; all that are asked are noted."""

    def refreshed(connection, _services):
        asked.append(connection)
        if connection in broken:
            raise broken[connection]
        return False

    monkeypatch.setattr("chalicelib.pipeline.refresh.refresh", refreshed)


def with_another(installation, name):
    live = installation.settings.live(CONNECTION)
    installation.settings.put_connection(replace(live.connection, id=name))


def test_whatever_goes_wrong_with_one_connection_stops_no_other_and_is_noted(ranked, monkeypatch):
    with_another(ranked, "toy-a")
    asked = []
    failing(monkeypatch, {"toy-a": ZeroDivisionError("by nought")}, asked)
    with pytest.raises(ZeroDivisionError):
        refresh_all(ranked.services, ranked.clock.now() + LATER)
    assert sorted(asked) == ["toy-a", CONNECTION]
    assert Turn.of("toy-a", ranked.services).fault == "ZeroDivisionError: by nought"
    assert Turn.of(CONNECTION, ranked.services).fault == ""


def test_who_waited_longest_is_first_though_its_last_turn_never_ended(ranked, monkeypatch):
    with_another(ranked, "toy-a")
    asked = []
    failing(monkeypatch, {"toy-a": Killed(), CONNECTION: Killed()}, asked)
    for _ in range(4):
        with pytest.raises(Killed):
            refresh_all(ranked.services, ranked.clock.now() + LATER)
        ranked.clock.advance(minutes=15)
    assert asked in (["toy-a", CONNECTION] * 2, [CONNECTION, "toy-a"] * 2)


def test_a_run_that_cannot_be_learned_of_is_given_up_and_begun_a_day_later(ranked, monkeypatch):
    somebody_buys(ranked)
    with monkeypatch.context() as patch:
        patch.setattr("chalicelib.pipeline.refresh.learned_of", lambda *_: 1 / 0)
        refresh_all(ranked.services, ranked.clock.now() + LATER)
        ranked.run()
        with pytest.raises(ZeroDivisionError):
            refresh_all(ranked.services, ranked.clock.now() + LATER)
    assert ranked.settings.checkpoint(CONNECTION, CHECKPOINT) is None
    assert "ZeroDivisionError" in Turn.of(CONNECTION, ranked.services).fault
    ranked.clock.advance(hours=23)
    assert not look(ranked)
    ranked.clock.advance(hours=2)
    look(ranked)
    assert Memory.of(CONNECTION, ranked.services).looked_at == ranked.clock.now()
    assert Turn.of(CONNECTION, ranked.services).fault == ""


def test_a_page_that_cannot_be_learned_of_ends_the_run_and_is_not_told_of_for_ever(
    ranked, monkeypatch
):
    monkeypatch.setattr("chalicelib.pipeline.learn.share_of", lambda *_: 1 / 0)
    refresh(CONNECTION, ranked.services)
    told = ranked.intake.take(100)
    batch = [envelope(one, receives=HOPELESS_AFTER, identity=str(n)) for n, one in enumerate(told)]
    assert not process(batch, ranked.services, ranked.clock.now())
    assert not ranked.settings.parked(CONNECTION)
    with pytest.raises(RunStopped, match="page 0"):
        refresh_all(ranked.services, ranked.clock.now() + LATER)
    for _ in range(8):
        ranked.clock.advance(hours=2)
        refresh_all(ranked.services, ranked.clock.now() + LATER)
    assert ranked.intake.take(100) == []


def test_a_run_of_which_nobody_lives_to_tell_is_given_up(ranked):
    refresh(CONNECTION, ranked.services)
    for _ in range(23):
        ranked.intake.take(100)
        ranked.clock.advance(minutes=15)
        refresh_all(ranked.services, ranked.clock.now() + LATER)
    ranked.clock.advance(minutes=15)
    with pytest.raises(RunStopped, match="come no further"):
        refresh_all(ranked.services, ranked.clock.now() + LATER)
    assert ranked.settings.checkpoint(CONNECTION, CHECKPOINT) is None


def all_pages_there(installation):
    somebody_buys(installation)
    refresh(CONNECTION, installation.services)
    installation.run()


def looks_where_the_reduce(fault, installation, monkeypatch, times):
    """What each raised."""
    begun, raised = [], []

    def reduced(*_):
        begun.append(installation.clock.now())
        raise fault

    with monkeypatch.context() as patch:
        patch.setattr("chalicelib.pipeline.refresh.learned_of", reduced)
        for _ in range(times):
            installation.clock.advance(minutes=15)
            with pytest.raises((Killed, Retryable, RunStopped)) as found:
                refresh_all(installation.services, installation.clock.now() + LATER)
            raised.append(found.type)
    return len(begun), raised


def test_a_reduce_that_kills_whoever_begins_it_is_told_of_and_begun_a_day_later(
    ranked, monkeypatch
):
    all_pages_there(ranked)
    found = looks_where_the_reduce(Killed(), ranked, monkeypatch, 3)
    assert found == (2, [Killed, Killed, RunStopped])
    assert "did not come to its end" in Turn.of(CONNECTION, ranked.services).fault
    for _ in range(4 * 23):
        ranked.clock.advance(minutes=15)
        refresh_all(ranked.services, ranked.clock.now() + LATER)
        assert ranked.settings.checkpoint(CONNECTION, CHECKPOINT) is None
    ranked.clock.advance(hours=1)
    looks_until_it_is_over_from_the_start(ranked)
    assert Turn.of(CONNECTION, ranked.services).fault == ""


def looks_until_it_is_over_from_the_start(installation):
    refresh(CONNECTION, installation.services)
    looks_until_it_is_over(installation)


def test_a_reduce_that_may_go_well_the_next_time_is_tried_as_long_as_that(ranked, monkeypatch):
    all_pages_there(ranked)
    fault = Retryable("busy")
    assert looks_where_the_reduce(fault, ranked, monkeypatch, 4) == (4, [Retryable] * 4)
    looks_until_it_is_over(ranked)
    assert Turn.of(CONNECTION, ranked.services).fault == ""


def test_what_was_learned_for_a_policy_that_was_replaced_meanwhile_is_not_published(
    ranked, monkeypatch
):
    somebody_buys(ranked)
    refresh(CONNECTION, ranked.services)
    ranked.run()
    before = models(ranked)
    page = {**ranked.settings.live(CONNECTION).policy, "name": "Another"}

    def published_midway(*arguments):
        ranked.settings.publish_policy(CONNECTION, version_of(page), page, NOON)
        return learned_of(*arguments)

    monkeypatch.setattr("chalicelib.pipeline.refresh.learned_of", published_midway)
    with pytest.raises(Conflict):
        refresh(CONNECTION, ranked.services)
    assert models(ranked) == before
