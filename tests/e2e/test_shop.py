"""On the packaged artefact: what shop and app tell, what is spent, and who hears of it."""

import json
import random
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from standardwebhooks import Webhook

from chalicelib.policy import compile_policy
from infra.cli.policy_page import read_page, shipped_page
from infra.package import build
from infra.sandbox.rehearsal import rehearsal
from infra.sandbox.stand_in import Person, names, starter
from tests.e2e.conftest import settled, waited_for
from tests.fakes.events import encoded, item, order, signed
from tests.fakes.receiver import receiver
from tests.infra.test_rights import deploy_strictly, refusals

pytestmark = pytest.mark.e2e

SARA = "sara@shop.example"
ANNOUNCED = ("tier_up", "points_earned", "reward_redeemed")


@dataclass
class Listener:
    """Answers half of what it gets with an error, and remembers what it took."""

    rng: random.Random
    taken: list = field(default_factory=list)
    refused: list = field(default_factory=list)

    def answer(self, handler):
        fails = self.rng.random() < 0.5
        (self.refused if fails else self.taken).append(handler.headers["webhook-id"])
        handler.send_response(500 if fails else 204)
        handler.end_headers()


@dataclass
class Club:
    """``told`` is what the receiver of webhooks got."""

    rehearsal: object
    told: object
    listener: Listener
    webhook: Webhook
    shop: dict
    key: str

    def send(self, *items):
        """As the shop does; what it sent is dealt with afterwards."""
        body = encoded(items)
        headers = signed(body, self.shop["secrets"][0])
        with urllib.request.urlopen(
            urllib.request.Request(self.shop["address"], body, headers), timeout=30
        ) as answer:
            assert json.load(answer)["accepted"] == len(items)
        self.settle()

    def points(self, operation, body, key):
        """Status and answer of the Points API."""
        address = f"{self.shop['address'].replace('/events/', '/points/')}/{operation}"
        headers = {
            "content-type": "application/json",
            "authorization": f"Bearer {self.key}",
            "idempotency-key": key,
        }
        request = urllib.request.Request(address, json.dumps(body).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def settle(self):
        services = self.rehearsal.services
        settled(self.rehearsal.stand_in, services.intake, services.write_back, services.announce)

    def shown(self, identity):
        return self.rehearsal.stand_in.people.shown(identity)


@pytest.fixture(scope="module")
def policy_file(tmp_path_factory):
    """The shipped policy of a club, which also tells others."""
    page = read_page(shipped_page("customer_club"))
    rows = [{"id": kind, "event": kind, "to": ["webhook"]} for kind in ANNOUNCED]
    path = tmp_path_factory.mktemp("policy") / "club.yaml"
    path.write_text(yaml.safe_dump({**page, "announcements": rows}, allow_unicode=True), "utf-8")
    return path


@pytest.fixture(scope="module")
def club(policy_file, tmp_path_factory):
    """Where each function is held to its role."""
    crm, policy = names()[0], compile_policy(read_page(policy_file))
    with (
        pytest.MonkeyPatch.context() as patch,
        strictly(patch) as running,
        starter(crm)(currency=policy.currency) as stand_in,
        receiver() as told,
    ):
        deploy_strictly(build(), tmp_path_factory.mktemp("template"))
        listener = Listener(random.Random(20260321))
        told.answers += [listener.answer] * 1000
        own = running.beside(crm, stand_in, f"{crm}-club")
        yield opened(own, told, listener, policy, policy_file)


@contextmanager
def strictly(patch):
    patch.setenv("AUTH", "true")
    with rehearsal() as running:
        yield running


def opened(running, told, listener, policy, policy_file):
    """As an admin does it."""
    for attribute in policy.attributes:
        running.stand_in.define(attribute)
    running.connect("--policy", str(policy_file))
    running.subscribe()
    at = running.at
    shop = json.loads(running.emtiaz("events", "secret", *at, "--json"))
    key = running.emtiaz(
        "points", "keys", "create", "--name", "till", "--scope", "points:write", *at, "--json"
    )
    endpoint = running.emtiaz(
        "announce", "webhook", "set", "--url", told.url, "--loopback", *at, "--json"
    )
    (secret,) = json.loads(endpoint)["secrets"]
    return Club(running, told, listener, Webhook(secret), shop, json.loads(key)["key"])


def ago(**duration):
    """So long before noon of the day before yesterday: no midnight lies between two of these."""
    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0) - timedelta(days=2)
    return (noon - timedelta(**duration)).isoformat(timespec="seconds")


def sold(number, toman, when):
    who = {"email": SARA}
    return order(number, toman * 10, "IRR", who=who, occurred_at=when)


def did(name, kind, when):
    return item(name, kind, {"email": SARA}, occurred_at=when)


def test_shop_app_refund_referral_mission_and_redemption_move_the_record_and_are_announced(club):
    sara = club.rehearsal.stand_in.people.add_person(Person(SARA))
    club.settle()
    assert (club.shown(sara)["tier"], club.shown(sara)["points"]) == ("bronze", "0")

    # Of three logins on one day one counts.
    logins = [did(f"login-{n}", "app.opened", ago(hours=6, minutes=n)) for n in range(3)]
    club.send(*logins, did("friend", "referral.joined", ago(hours=5)))
    assert club.shown(sara)["points"] == str(1 + 5)

    club.send(sold(1, 3_000_000, ago(hours=4)), sold(2, 2_000_000, ago(hours=3)))
    assert club.shown(sara)["points"] == str(6 + 300 + 200)
    assert club.shown(sara)["tier"] == "silver"
    assert "tier:silver" in club.shown(sara)["tags"].split(";")

    # The third order earns at the rate of silver, and completes the mission.
    third = sold(3, 1_000_000, ago(hours=2))
    club.send(third)
    assert club.shown(sara)["points"] == str(506 + 120 + 20)
    club.send(third)
    assert club.shown(sara)["points"] == str(646)

    refund = {"purchase": third["id"], "amount": {"amount": 10_000_000, "currency": "IRR"}}
    club.send(item("r-3", "order.refunded", {"email": SARA}, occurred_at=ago(hours=1), data=refund))
    assert club.shown(sara)["points"] == str(506)

    asked = {"who": {"id": sara}, "reward": "delivery"}
    answers = [club.points("redeem", asked, "order-77") for _ in range(2)]
    assert answers[0] == answers[1]
    assert answers[0][0] == 200
    assert club.points("redeem", {"who": {"id": sara}, "points": 9_999}, "order-78")[0] == 409
    club.settle()
    assert club.shown(sara)["points"] == str(506 - 100)


def test_whoever_listens_hears_of_everything_once_though_half_of_it_fails(club):
    waited_for(lambda: club.rehearsal.services.announce.backlog() == 0)
    bodies = {one.headers["webhook-id"]: one for one in club.told.deliveries}
    assert sorted(club.listener.taken) == sorted(bodies)
    assert club.listener.refused
    told = [club.webhook.verify(one.body, one.headers) for one in bodies.values()]
    kinds = [one["type"] for one in told]
    assert kinds.count("tier_up") == kinds.count("reward_redeemed") == 1
    assert kinds.count("points_earned") >= 2
    assert set(kinds) == set(ANNOUNCED)
    assert all(one["data"]["text"]["customer"]["fa"] for one in told)


def test_no_function_needed_a_right_that_it_does_not_have(club):
    gift = {"who": {"email": SARA}, "points": 5, "actor": "sara", "reason": "gift"}
    answers = [
        club.points("adjust", gift, "g"),
        club.points("cancel", {"who": {"email": SARA}, "redemption": "order-77"}, "c"),
    ]
    assert [status for status, _ in answers] == [200, 200]
    club.settle()
    assert refusals(club.rehearsal) == []
