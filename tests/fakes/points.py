"""A shop with a loyalty programme and a customer who has bought something, on fakes."""

import json
from dataclasses import dataclass, field
from functools import partial

from chalicelib.core.facts import Fact
from chalicelib.core.model import Ref
from chalicelib.pipeline.bells import ring_bells
from chalicelib.pipeline.messages import Reason
from chalicelib.pipeline.points_api import PointsRequest, answer_points
from chalicelib.pipeline.programs import programs_in_force
from chalicelib.pipeline.scorer import scorer
from chalicelib.points.keys import make
from chalicelib.policy import version_of
from tests.fakes.clock import NOON
from tests.pipeline.conftest import CONNECTION, Installation

BOTH = ("points:read", "points:write")
TEXT = {"en": "A", "fa": "ا"}
LOYALTY = {
    "earning": [
        {
            "id": "purchase",
            "event": "purchase",
            "per_amount": {"step": 1, "points": 1},
            "text": TEXT,
        }
    ],
    "tiers": {
        "levels": [
            {"id": "basic", "at_least": 0, "text": TEXT},
            {"id": "gold", "at_least": 1000, "text": TEXT},
        ]
    },
    "rewards": [
        {"id": "cup", "kind": "product", "cost": 30, "stock": 2, "text": TEXT},
        {
            "id": "film",
            "kind": "voucher",
            "cost": 40,
            "value": 5,
            "codes": ["F-1", "F-2"],
            "text": TEXT,
        },
        {"id": "dinner", "kind": "product", "cost": 10, "tiers": ["gold"], "text": TEXT},
        {"id": "trip", "kind": "product", "cost": 900, "text": TEXT},
    ],
    "point_value": 0.1,
}


@dataclass
class Shop:
    """Every customer has bought for 100 dollars, which are 100 points."""

    installation: Installation = field(default_factory=Installation)
    loyalty: dict = field(default_factory=lambda: LOYALTY)

    def __post_init__(self):
        self.publish(self.loyalty)
        self.key = self.make_key(BOTH)
        self.anna = self.customer("1")

    @property
    def services(self):
        return self.installation.services

    @property
    def settings(self):
        return self.installation.settings

    @property
    def store(self):
        return self.installation.store

    def publish(self, loyalty):
        page = {**self.settings.live(CONNECTION).policy, "loyalty": loyalty}
        page = {name: value for name, value in page.items() if value is not None}
        self.settings.publish_policy(CONNECTION, version_of(page), page, NOON)

    def make_key(self, scopes, connection=CONNECTION):
        text, key = make("shop", scopes, NOON)
        self.settings.put_api_key(connection, key)
        return text

    def customer(self, identity, kind="contact", dollars=100):
        ref = Ref(CONNECTION, kind, identity)
        self.tell(ref, Fact(ref, kind, identity, NOON, {}, NOON))
        self.buy(ref, dollars)
        return ref

    def buy(self, ref, dollars, order="order-1"):
        amount = {"amount": {"amount": dollars * 100, "currency": "USD"}}
        self.tell(ref, Fact(ref, "purchase", order, self.services.clock.now(), amount))

    def tell(self, ref, *facts):
        assert self.scorer.score(ref, facts) in {ref, None}

    @property
    def scorer(self):
        live, now = self.settings.live(CONNECTION), self.services.clock.now()
        programs = programs_in_force(live, self.services)
        bells = partial(ring_bells, services=self.services)
        return scorer(live, self.store, now, Reason.READ, programs, ring=bells)

    def ask(self, name, body=None, *, credentials=None, idempotency="k1", method=None, **more):
        """As over HTTP, with a body by POST and without one by GET."""
        right = {"authorization": f"Bearer {self.key}"}
        headers = {**(right if credentials is None else credentials)}
        if body is not None:
            headers |= {"content-type": "application/json", "idempotency-key": idempotency}
        request = PointsRequest(
            connection=more.pop("connection", CONNECTION),
            name=name,
            method=method or ("GET" if body is None else "POST"),
            query={field: [str(value)] for field, value in more.items()},
            headers=headers,
            body=b"" if body is None else json.dumps(body).encode(),
        )
        return answer_points(request, self.services)

    def redeem(self, idempotency, who="1", **asked):
        return self.ask("redeem", {"who": {"id": who}, **asked}, idempotency=idempotency)

    def cancel(self, idempotency, redemption, who="1"):
        body = {"who": {"id": who}, "redemption": redemption}
        return self.ask("cancel", body, idempotency=idempotency)

    def adjust(self, idempotency, points, who="1"):
        body = {"who": {"id": who}, "points": points, "actor": "sara", "reason": "late"}
        return self.ask("adjust", body, idempotency=idempotency)

    def points(self, who="1"):
        return self.ask("balance", id=who).body["points"]
