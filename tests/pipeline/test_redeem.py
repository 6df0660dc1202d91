"""Points are spent all or nothing, once per key, whoever else is at the same balance."""

import random
from dataclasses import replace
from functools import partial

import pytest

from chalicelib.core.errors import Conflict, Retryable
from chalicelib.core.facts import Fact, canonical
from chalicelib.core.model import Ref
from chalicelib.core.stored import Leaving, Stub
from chalicelib.loyalty.instructions import Instruction, Redeem
from chalicelib.pipeline.membership import book_of
from chalicelib.pipeline.redeem import ATTEMPTS, carry_out_for
from tests.fakes.clock import NOON
from tests.fakes.points import LOYALTY, Shop
from tests.pipeline.conftest import CONNECTION


@pytest.fixture
def shop():
    return Shop()


def word(answer):
    return answer.body.get("type", "").rpartition(":")[2]


def test_points_that_are_spent_are_gone_from_the_balance_and_from_the_record(shop):
    answer = shop.redeem("order-7", points=30)
    assert answer.status == 200
    assert answer.body == {
        "redemption": "order-7",
        "points": 30,
        "balance": 70,
        "at": "2026-03-21T12:00:00.000Z",
    }
    assert shop.points() == 70
    card = shop.store.load(shop.anna).card
    assert card.outgoing["points"] == 70
    assert card.pending
    assert [message["refs"] for message in shop.installation.ring.messages] == [[str(shop.anna)]]


@pytest.mark.parametrize("told", ["1", "0001", "toy-main:contact:01"])
def test_a_customer_is_found_however_their_id_is_spelled(shop, told):
    assert shop.ask("balance", id=told).body["customer"] == str(shop.anna)


def test_more_than_is_there_is_refused_with_what_is_there(shop):
    answer = shop.redeem("order-7", points=101)
    assert (answer.status, word(answer)) == (409, "insufficient-points")
    assert (answer.body["asked"], answer.body["available"]) == (101, 100)
    assert shop.points() == 100
    assert shop.redeem("order-7", points=100).status == 200


@pytest.mark.parametrize(
    "act",
    [
        lambda shop: shop.redeem("a", points=30, reason="a cup"),
        lambda shop: shop.redeem("a", reward="film"),
        lambda shop: shop.cancel("a", "before"),
        lambda shop: shop.adjust("a", 25),
        lambda shop: shop.adjust("a", -25),
    ],
)
def test_the_same_again_is_answered_alike_whatever_happened_since(shop, act):
    shop.redeem("before", points=10)
    first = act(shop)
    shop.redeem("between", points=5)
    shop.installation.clock.advance(days=3)
    shop.publish({**LOYALTY, "rewards": []})
    points = shop.points()
    assert first.status == 200
    assert act(shop) == first
    assert shop.points() == points


@pytest.mark.parametrize(
    "other",
    [
        lambda shop: shop.redeem("a", points=31),
        lambda shop: shop.redeem("a", points=30, reason="why"),
        lambda shop: shop.redeem("a", reward="cup"),
        lambda shop: shop.cancel("a", "a"),
        lambda shop: shop.adjust("a", 30),
        lambda shop: shop.adjust("a", -30),
    ],
)
def test_a_key_that_stands_for_something_else_is_refused(shop, other):
    shop.redeem("a", points=30)
    answer = other(shop)
    assert (answer.status, word(answer)) == (409, "key-taken")
    assert shop.points() == 70


def test_a_refused_request_does_not_use_its_key_up(shop):
    assert shop.redeem("a", points=101).status == 409
    shop.adjust("gift", 1)
    assert shop.redeem("a", points=101).status == 200


def test_a_cancelled_redemption_is_back_once(shop):
    shop.redeem("a", points=30)
    assert shop.cancel("c", "a").body["balance"] == 100
    again = shop.cancel("other", "a")
    assert (again.status, word(again)) == (409, "cancelled-already")
    assert shop.points() == 100


def test_what_was_never_redeemed_cannot_be_cancelled(shop):
    answer = shop.cancel("c", "a")
    assert (answer.status, word(answer)) == (404, "not-redeemed")


def test_points_are_given_and_taken_by_hand_with_a_name(shop):
    assert shop.adjust("a", 50).body["balance"] == 150
    assert shop.adjust("b", -120).body == {
        "adjustment": "b",
        "points": -120,
        "balance": 30,
        "at": "2026-03-21T12:00:00.000Z",
    }
    assert shop.adjust("c", -31).status == 409
    (newest, *_) = shop.ask("statement", id="1").body["lines"]
    assert (newest["actor"], newest["points"], newest["balance"]) == ("sara", -120, 30)


def test_nobody_is_found_who_is_not_a_living_customer(shop):
    shop.customer("2")
    shop.installation.clock.advance(minutes=1)
    shop.scorer.hide(Ref(CONNECTION, "contact", "2"))
    shop.customer("3")
    shop.scorer.erase(Ref(CONNECTION, "contact", "3"))
    shop.customer("4")
    shop.customer("5")
    shop.scorer.merge(Ref(CONNECTION, "contact", "4"), Ref(CONNECTION, "contact", "5"))
    shop.scorer.erase(Ref(CONNECTION, "contact", "5"))
    strangers = ["2", "3", "4", "5", "404", f"{CONNECTION}:deal:1", "toy-other:contact:1", "a:b"]
    strangers.append(f"{CONNECTION}:account:1")
    for who in strangers:
        answers = [shop.redeem("a", who, points=1), shop.ask("balance", id=who)]
        answers += [shop.ask("statement", id=who), shop.adjust("b", 1, who)]
        assert {answer.status for answer in answers} == {404}, who
        assert len({repr(answer.body) for answer in answers}) == 1


def test_without_a_programme_nothing_is_spent(shop):
    shop.publish(None)
    answer = shop.redeem("a", points=1)
    assert answer.status == 409
    assert "no loyalty programme" in answer.body["detail"]


def merge(shop, loser="1", survivor="2"):
    shop.customer(survivor)
    shop.scorer.merge(Ref(CONNECTION, "contact", loser), Ref(CONNECTION, "contact", survivor))


def test_whoever_was_merged_spends_what_the_survivor_has(shop):
    shop.redeem("a", points=30)
    merge(shop)
    assert shop.points("1") == shop.points("2")
    assert shop.ask("balance", id="1").body["customer"] == f"{CONNECTION}:contact:2"
    assert shop.redeem("b", "1", points=20).status == 200
    assert shop.points("2") == 50


@pytest.mark.parametrize("who", ["1", "2"])
def test_a_request_of_before_a_merge_is_answered_alike_after_it(shop, who):
    redeemed, cancelled = shop.redeem("a", points=30), shop.cancel("c", "a")
    adjusted, taken = shop.adjust("g", 9), shop.redeem("f", reward="film")
    merge(shop)
    points = shop.points("2")
    assert shop.redeem("a", who, points=30) == redeemed
    assert shop.cancel("c", "a", who) == cancelled
    assert shop.adjust("g", 9, who) == adjusted
    assert shop.redeem("f", who, reward="film") == taken
    assert shop.redeem("a", who, points=31).status == 409
    assert shop.points("2") == points
    assert shop.cancel("late", "f", who).status == 200
    assert shop.points("2") == points + 40


def test_in_the_middle_of_a_merge_the_caller_is_asked_to_come_back(shop):
    shop.redeem("a", points=30)
    shop.customer("2")
    into = Ref(CONNECTION, "contact", "2")
    version = shop.store.load(shop.anna).card.version
    shop.store.retire(shop.anna, version, Stub(Leaving.MERGED, into), NOON)
    answer = shop.redeem("a", points=30)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    shop.scorer.score(shop.anna)
    assert shop.redeem("a", points=30).status == 200
    assert shop.points("2") == 70


@pytest.mark.parametrize("before", ["9" * 5_000, "٣", "+3", "", "0", "1e3"])
def test_a_page_is_asked_for_by_a_number_or_not_at_all(shop, before):
    answer = shop.ask("statement", id="1", before=before)
    assert (answer.status, answer.body["pointer"]) == (400, "before")


def test_a_line_break_after_a_key_is_no_key(shop):
    assert shop.redeem("a\n", points=1).status == 400
    assert shop.redeem("a", points=1).status == 200
    assert shop.cancel("b", "a\n").body["pointer"] == "/redemption"


def test_two_records_of_one_key_are_answered_by_their_own_after_they_are_merged(shop):
    """As of tills that count their receipts by customer."""
    shop.customer("2")
    small, large = shop.redeem("k", "1", points=10), shop.redeem("k", "2", points=40)
    mine, theirs = shop.redeem("f", "1", reward="film"), shop.redeem("f", "2", reward="film")
    shop.scorer.merge(shop.anna, Ref(CONNECTION, "contact", "2"))
    assert shop.redeem("k", "1", points=10) == small
    assert shop.redeem("k", "2", points=40) == large
    assert shop.redeem("f", "1", reward="film") == mine
    assert shop.redeem("f", "2", reward="film") == theirs
    assert shop.redeem("k", "2", points=41).status == 409
    assert shop.cancel("c", "k", "1").body["points"] == 10
    assert shop.cancel("d", "k", "2").body["points"] == 40
    assert shop.cancel("e", "k", "1").status == 409


def test_a_merge_that_dies_halfway_through_a_ledger_doubles_and_frees_nothing(shop):
    """A long ledger needs several transactions, and what was earned comes before what was spent."""
    ann = shop.customer("2")
    shop.redeem("a", "2", points=90)
    real = shop.store.save
    shop.store.save = partial(save_the_first_entry_and_die, shop.store)
    with pytest.raises(KeyboardInterrupt):
        shop.scorer.merge(ann, shop.anna)
    shop.store.save = real
    assert [row.id for row in shop.store.load(shop.anna).ledger][-1].startswith("2/earn:")
    assert shop.redeem("b", "1", points=150).status == 503
    shop.tell(shop.anna, Fact(shop.anna, "contact", "1", NOON, {"name": "Anna"}, NOON))
    shop.scorer.score(ann)
    assert shop.points("1") == 10
    book = book_of(shop.store.load(shop.anna))
    assert book.redeemed.keys() == {"2/a"}
    assert len(book.merges) == 1


def save_the_first_entry_and_die(store, save):
    first = {row.id: (row.number, canonical(row.entry)) for row in save.entries[:1]}
    store.subjects[save.ref].entries.update(first)
    raise KeyboardInterrupt


def test_who_loses_a_race_decides_anew_on_what_is_left(shop):
    def another(save):
        shop.store.save = real
        shop.redeem("other", points=80)
        return real(save)

    real, shop.store.save = shop.store.save, another
    answer = shop.redeem("a", points=30)
    assert (answer.status, answer.body["available"]) == (409, 20)


def test_who_loses_every_race_is_asked_to_come_back_and_nothing_was_changed(shop):
    pauses = []
    for _ in range(ATTEMPTS):
        shop.store.fail_next_save(Conflict("somebody else saved first"))
    instruction = Instruction("a", "test", Redeem(points=30))
    with pytest.raises(Conflict) as lost:
        carry_out_for(shop.anna, instruction, shop.services, sleep=pauses.append)
    assert lost.value.retry_after == 1
    assert len(pauses) == ATTEMPTS
    assert max(pauses) <= 0.5
    assert shop.points() == 100
    assert shop.redeem("a", points=30).status == 200


def test_a_table_that_does_not_answer_is_told_as_try_again(shop):
    shop.store.fail_next_save(Retryable("DynamoDB: no answer"))
    answer = shop.redeem("a", points=30)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "DynamoDB" not in answer.body["detail"]


def test_what_is_done_is_answered_as_done_even_if_the_crm_is_told_later(shop):
    shop.installation.ring.fail_next_send(Retryable("the queue is down"))
    assert shop.redeem("a", points=30).status == 200
    assert shop.installation.ring.messages == []
    shop.installation.clock.advance(minutes=3)
    shop.installation.sweep()
    shop.installation.process()
    assert shop.installation.ring.messages != []


def test_a_worker_that_knew_of_an_older_policy_begins_again(shop):
    live = shop.settings.live(CONNECTION)
    older = [replace(live, revision=live.revision - 1)]
    real = shop.settings.live
    shop.settings.live = lambda connection: older.pop() if older else real(connection)
    assert shop.redeem("a", points=30).status == 200
    assert older == []


def test_points_that_have_expired_cannot_be_spent_though_nobody_looked(shop):
    shop.installation.clock.advance(days=400)
    assert shop.redeem("a", points=1).body["available"] == 0
    assert shop.points() == 0


def test_a_dry_run_says_what_would_come_of_it_and_keeps_nothing(shop):
    instruction = Instruction("a", "test", Redeem(reward="film"))
    entry = carry_out_for(shop.anna, instruction, shop.services, dry_run=True)
    assert (entry.detail["balance"], entry.detail["code"]) == (60, "F-1")
    assert shop.points() == 100
    assert shop.store.handed_out(CONNECTION, "film").count == 0
    assert shop.installation.ring.messages == []


def test_a_reward_takes_its_price_and_one_of_the_stock(shop):
    shop.customer("2")
    assert shop.redeem("a", reward="cup").body["balance"] == 70
    assert shop.redeem("a", "2", reward="cup").status == 200
    sold_out = shop.redeem("b", reward="cup")
    assert (sold_out.status, word(sold_out), sold_out.body["refusal"]) == (
        409,
        "reward-refused",
        "sold_out",
    )
    assert shop.points() == 70


def test_a_cancelled_reward_is_back_in_stock(shop):
    shop.redeem("a", reward="cup")
    shop.redeem("b", reward="cup")
    shop.cancel("c", "a")
    assert shop.store.handed_out(CONNECTION, "cup").count == 1
    assert shop.redeem("d", reward="cup").status == 200
    assert shop.redeem("e", reward="cup").status == 409


def test_every_code_is_given_once_also_if_its_reward_is_cancelled(shop):
    assert shop.redeem("a", reward="film").body["code"] == "F-1"
    shop.cancel("c", "a")
    assert shop.redeem("b", reward="film").body["code"] == "F-2"
    assert shop.redeem("d", reward="film").body["refusal"] == "sold_out"


def test_the_last_one_goes_to_one_of_two(shop):
    shop.customer("2")
    shop.redeem("a", reward="cup")

    def another(save):
        shop.store.save = real
        assert shop.redeem("b", "2", reward="cup").status == 200
        return real(save)

    real, shop.store.save = shop.store.save, another
    assert shop.redeem("b", reward="cup").body["refusal"] == "sold_out"
    assert shop.points("1") == 70


def test_a_reward_of_no_policy_is_refused(shop):
    answer = shop.redeem("a", reward="moon")
    assert (answer.status, answer.body["refusal"]) == (409, "unknown")


def test_rewards_for_a_tier_go_by_the_score_where_tiers_do(shop):
    levels = [{"id": name, "at_least": least, "text": {"en": "A", "fa": "ا"}}
              for name, least in (("basic", 0), ("gold", 1))]  # fmt: skip
    shop.publish({**LOYALTY, "tiers": {"metric": "score", "levels": levels}})
    shop.scorer.score(shop.anna)
    assert shop.ask("balance", id="1").body["tier"] == "gold"
    assert shop.redeem("a", reward="dinner").status == 200


def test_a_statement_comes_newest_first_and_page_by_page(shop):
    for number in range(5):
        shop.redeem(f"r{number}", points=1)
    first = shop.ask("statement", id="1", limit=4).body
    second = shop.ask("statement", id="1", limit=4, before=first["before"]).body
    assert [line["number"] for line in first["lines"] + second["lines"]] == [6, 5, 4, 3, 2, 1]
    assert [line["balance"] for line in first["lines"]] == [95, 96, 97, 98]
    assert second["before"] is None


def test_a_quote_says_what_a_purchase_would_bring_and_keeps_nothing(shop):
    before = shop.store.load(shop.anna)
    told = shop.ask("quote", quoted(95000)).body
    assert (told["points"], told["pending"]) == (950, 0)
    assert (told["now"]["points"], told["then"]["points"]) == (100, 1050)
    assert (told["now"]["tier"], told["then"]["tier"]) == ("basic", "gold")
    assert [one["id"] for one in told["rewards"] if not one["refusal"]] == [
        "cup",
        "film",
        "dinner",
        "trip",
    ]
    assert shop.store.load(shop.anna) == before
    less = shop.ask("quote", quoted(100)).body
    refused = {one["id"]: (one["refusal"], one["missing"]) for one in less["rewards"]}
    assert refused["trip"] == ("points", 799)
    assert refused["dinner"] == ("tier", 0)


def quoted(cents, currency="USD", **more):
    amount = {"amount": cents, "currency": currency}
    return {"who": {"id": "1"}, "purchase": {"amount": amount, **more}}


def test_toman_are_ten_rial_in_a_quote(shop):
    page = {**shop.settings.live(CONNECTION).policy, "currency": "IRR"}
    shop.settings.publish_policy(CONNECTION, "irr", page, NOON)
    assert shop.ask("quote", quoted(50, "IRT")).body["points"] == 500


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_asked_in_whatever_order_the_sums_are_right(shop, seed):
    chance = random.Random(seed)
    asked = [random_request(chance, number) for number in range(30)]
    done = {}
    for name, arguments in asked + chance.choices(asked, k=15):
        answer = getattr(shop, name)(*arguments[0], **arguments[1])
        assert answer.status in {200, 404, 409}
        if answer.status == 200:
            assert done.setdefault(arguments[0][0], answer) == answer
    book = book_of(shop.store.load(shop.anna))
    assert shop.points() == 100 + sum(map(moved, done.values())) >= 0
    assert all(holding.remaining >= 0 for holding in book.holdings.values())


def moved(answer):
    points = answer.body["points"]
    return -points if "redemption" in answer.body else points


def random_request(chance, number):
    key = (f"k{number}",)
    if chance.random() < 0.6:
        return "redeem", (key, {"points": chance.randint(1, 40)})
    return "adjust", ((*key, chance.choice([-20, -5, 5, 30])), {})


def with_address(shop, identity, email="anna@acme.example", phone="+98 912 345 6789"):
    ref = shop.customer(identity)
    shop.installation.clock.advance(minutes=1)
    now = shop.services.clock.now()
    shop.tell(ref, Fact(ref, "contact", identity, now, {"email": email, "phone": phone}, now))
    return ref


@pytest.mark.parametrize("who", [{"email": "Anna@Acme.example"}, {"phone": "+989123456789"}])
def test_a_customer_is_found_by_address_and_number(shop, who):
    with_address(shop, "7")
    shop.redeem("a", "7", points=30)
    assert shop.ask("balance", **who).body["customer"] == f"{CONNECTION}:contact:7"
    body = {"who": who, "points": 20}
    assert shop.ask("redeem", body, idempotency="b").body["balance"] == 50


def test_of_several_with_one_address_it_is_the_oldest_and_a_merged_one_is_followed(shop):
    with_address(shop, "8")
    with_address(shop, "7")
    assert shop.ask("balance", email="anna@acme.example").body["customer"].endswith(":7")
    shop.scorer.merge(Ref(CONNECTION, "contact", "7"), Ref(CONNECTION, "contact", "8"))
    assert shop.ask("balance", email="anna@acme.example").body["customer"].endswith(":8")


@pytest.mark.parametrize(
    "who", [{"email": "nobody@acme.example"}, {"phone": "12345"}, {"phone": "+989120000000"}]
)
def test_nobody_is_found_by_what_nobody_has(shop, who):
    assert shop.ask("balance", **who).status == 404


@pytest.mark.parametrize("who", [{}, {"id": "1", "email": "anna@acme.example"}])
def test_a_customer_is_named_in_one_way(shop, who):
    answer = shop.ask("balance", **who)
    assert (answer.status, answer.body["pointer"]) == (400, "id")
