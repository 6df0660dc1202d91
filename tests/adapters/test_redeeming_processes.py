"""Four processes redeem from the same balances, killed in between: no point is spent twice."""

import json
import random
from collections import Counter

import pytest

from chalicelib.core.model import Ref
from chalicelib.loyalty.book import LedgerBroken
from chalicelib.pipeline.membership import book_of, entries_of
from chalicelib.pipeline.points_api import PointsRequest
from tests.adapters import cashiers
from tests.fakes.clock import NOON
from tests.fakes.points import LOYALTY, TEXT, Shop
from tests.pipeline.conftest import CONNECTION, Installation

EARNED = 2_500
STOCK = 25
CODES = [f"C-{number}" for number in range(30)]
REWARDS = [
    {"id": "cup", "kind": "product", "cost": 15, "stock": STOCK, "text": TEXT},
    {"id": "film", "kind": "voucher", "cost": 10, "codes": CODES, "text": TEXT},
]


@pytest.mark.parametrize(
    ("customers", "requests"),
    [(2, 96), pytest.param(8, 2_000, marks=pytest.mark.e2e)],
)
def test_nothing_is_overspent_or_lost_and_the_same_key_is_answered_alike(
    dynamodb, customers, requests
):
    earned = EARNED if requests > 1_000 else 400
    shop = opened(dynamodb, customers, earned)
    asked = list(random_requests(shop, customers, requests, random.Random(7)))
    answers, deaths = cashiers.work(dynamodb.endpoint, asked)
    told = Counter(status for status, _ in answers)
    print(f"{requests} requests, {deaths} deaths, {dict(told)}")  # noqa: T201 - with -s
    assert told.keys() <= {200, 404, 409}, answers
    repeated = random.Random(8).sample(range(len(asked)), len(asked) // 10)
    again, more = cashiers.work(dynamodb.endpoint, [asked[place] for place in repeated])
    assert [answers[place] for place in repeated if answers[place][0] == 200] == [
        answer for place, answer in zip(repeated, again, strict=True) if answers[place][0] == 200
    ]
    assert deaths + more > 0
    last = dict(enumerate(answers)) | dict(zip(repeated, again, strict=True))
    check_ledgers(shop, customers, earned, asked, last)


def opened(dynamodb, customers, earned):
    installation = Installation(store=dynamodb.subjects, settings=dynamodb.settings)
    shop = Shop(installation, {**LOYALTY, "rewards": REWARDS})
    for number in range(customers):
        shop.customer(f"c{number}", dollars=earned)
    return shop


def random_requests(shop, customers, count, rng):
    for number in range(count):
        who = {"id": f"c{rng.randrange(customers)}"}
        body = rng.choices(
            [
                {"points": rng.randint(1, 40)},
                {"reward": "cup"},
                {"reward": "film"},
                {"redemption": f"k{rng.randrange(max(number, 1))}"},
            ],
            [16, 1, 1, 2],
        )[0]
        yield request(shop, f"k{number}", {"who": who, **body})


def request(shop, key, body):
    headers = {
        "authorization": f"Bearer {shop.key}",
        "content-type": "application/json",
        "idempotency-key": key,
    }
    name = "cancel" if "redemption" in body else "redeem"
    return PointsRequest(CONNECTION, name, "POST", {}, headers, json.dumps(body).encode())


def check_ledgers(shop, customers, earned, asked, answers):
    """``answers`` by the place of the request: the last one that was given."""
    done = {asked[place].headers["idempotency-key"]: body
            for place, (status, body) in answers.items() if status == 200}  # fmt: skip
    entries = []
    for number in range(customers):
        collection = shop.store.load(Ref(CONNECTION, "contact", f"c{number}"))
        entries += check_ledger(collection, earned)
    kept = {str(entry.detail["key"]): entry for entry in entries}
    assert len(kept) == len(entries), "a key was used twice"
    assert kept.keys() == done.keys(), "an answer without an entry, or an entry without an answer"
    for key, entry in kept.items():
        assert (entry.points, entry.detail["balance"]) == (
            done[key]["points"],
            done[key]["balance"],
        )
    check_rewards(shop, entries)


def check_ledger(collection, earned):
    try:
        book = book_of(collection)
    except LedgerBroken as error:
        pytest.fail(f"overspent: {error}")
    book.settle(NOON)
    entries = [one for one in entries_of(collection) if one.kind in {"redeem", "redeem_cancel"}]
    spent = sum(one.points if one.kind == "redeem" else -one.points for one in entries)
    assert 0 <= spent <= earned
    assert book.available == earned - spent
    assert collection.card.outgoing["points"] == book.available
    assert [row.number for row in collection.ledger] == list(range(1, len(collection.ledger) + 1))
    return entries


def check_rewards(shop, entries):
    redeemed = {entry.of: entry for entry in entries if entry.kind == "redeem"}
    cancelled = {entry.of for entry in entries if entry.kind == "redeem_cancel"}
    for reward in ("cup", "film"):
        taken = [one for one in redeemed.values() if one.detail.get("reward") == reward]
        out = [one for one in taken if one.of not in cancelled]
        given = shop.store.handed_out(CONNECTION, reward)
        assert given.count == len(out)
        assert sorted(given.codes) == sorted(
            one.detail["code"] for one in taken if "code" in one.detail
        )
        assert reward != "cup" or len(out) <= STOCK
