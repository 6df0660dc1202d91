"""What a shop sends: items of events, signed as Standard Webhooks wants it."""

import json
from base64 import b64encode
from datetime import UTC, datetime

from standardwebhooks import Webhook

SECRET = "whsec_" + b64encode(b"a secret of the shop, 32 bytes..").decode()
OLD_SECRET = "whsec_" + b64encode(b"the secret that came before it..").decode()


def item(number=1, kind="page.viewed", who=None, **more):
    return {
        "who": {"email": "anna@acme.example"} if who is None else who,
        "type": kind,
        "id": f"e{number}",
        "occurred_at": "2026-03-21T11:00:00Z",
        **more,
    }


def order(number=1, amount=1999, currency="USD", **more):
    data = {"amount": {"amount": amount, "currency": currency}}
    return item(number, "order.placed", **{"data": data, **more})


def encoded(told):
    return json.dumps(told, ensure_ascii=False).encode()


def signed(body, secret=SECRET, *, at=None, identity="msg_1"):
    """Headers in lower case; ``at`` is when it is said to have been sent, by default now."""
    at = at or datetime.now(UTC)
    signature = Webhook(secret).sign(identity, at, body.decode())
    return {
        "content-type": "application/json",
        "webhook-id": identity,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature,
    }
