"""The two tables as pynamodb models, and how to reach them.

A model is bound to a table by ``in_table``; production's tables are made by the template in
``infra/template``, which a test holds against these models.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from pynamodb.attributes import (
    Attribute,
    BinaryAttribute,
    NumberAttribute,
    TTLAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
)
from pynamodb.connection import Connection
from pynamodb.constants import PAY_PER_REQUEST_BILLING_MODE, STRING
from pynamodb.indexes import GlobalSecondaryIndex, IncludeProjection
from pynamodb.models import Model

from chalicelib.core.facts import canonical, iso, parse_instant
from chalicelib.core.model import Json

M = TypeVar("M", bound=Model)

NEVER = datetime(9999, 12, 31, tzinfo=UTC)
"""When a card is due that does not change by itself: items without a sort key leave an index."""


class JsonText(Attribute[Any]):
    """JSON in one compact text: DynamoDB has no floats, and bills maps by the member."""

    attr_type = STRING

    def serialize(self, value: Json) -> str:
        return canonical(value)

    def deserialize(self, value: str) -> Json:
        return cast(Json, json.loads(value))


class InstantText(Attribute[datetime]):
    """An instant as ISO 8601 in UTC with milliseconds; such texts sort by time."""

    attr_type = STRING

    def serialize(self, value: datetime) -> str:
        return iso(value)

    def deserialize(self, value: str) -> datetime:
        return parse_instant(value)


class CardsIndex(GlobalSecondaryIndex["SubjectItem"]):  # type: ignore[no-untyped-call]  # its own
    """All cards of a connection in 16 shards, by the time they are due."""

    class Meta:
        index_name = "cards"
        projection = IncludeProjection(["at", "score", "r", "f", "m", "v", "q", "call", "made"])

    shard = UnicodeAttribute(hash_key=True)
    due_at = InstantText(range_key=True)


class SubjectItem(Model):
    """One item of a subject's collection; its sort key tells which attributes it has.

    ``#CARD`` has all from ``shard`` to ``debts``, and ``seen``; a stub has only a version, a shard
    and when it is due beside those two. ``ACT#…`` and ``FACT#…`` have ``fact`` and ``as_of``, by
    which an older state never replaces a newer one; ``ENTRY#…`` has ``entry`` and ``number``;
    ``HIST#…`` has ``change``. ``OUT#…`` has ``announcement``, which of its ways are ``done`` or
    ``claimed``, and when it ``expires_at``.

    Others have nothing but their keys. ``LINK#…`` stands under a related record and names a
    subject that holds facts of it; ``ALIAS#…`` stands under a survivor and names an alias;
    ``#TOMBSTONE`` stands under a salted hash of a ref. Under a reward stand ``#GIVEN``, with the
    ``number`` of those that customers have, and ``CODE#…``, a code that somebody has.

    Under a salted hash of an identity stand ``#WHO``, with its ``owners`` or the number of what was
    ever put ``waiting``, and ``WAIT#…`` with a ``fact`` of nobody yet.
    """

    ref = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)

    shard = UnicodeAttribute(null=True)
    due_at = InstantText(null=True)
    next_change_at = InstantText(null=True)
    version = NumberAttribute(null=True)
    written_version = NumberAttribute(null=True)
    outgoing = JsonText(null=True)
    published = JsonText(null=True)
    doubt_until = InstantText(null=True)
    doubted_version = NumberAttribute(null=True)
    setback = JsonText(null=True)
    body = JsonText(null=True)
    at = UnicodeAttribute(null=True)
    score = NumberAttribute(null=True)
    r = NumberAttribute(null=True)
    f = NumberAttribute(null=True)
    m = NumberAttribute(null=True)
    call = JsonText(null=True)
    v = NumberAttribute(null=True)
    q = NumberAttribute(null=True)
    made = UnicodeAttribute(null=True)
    revision = NumberAttribute(null=True)
    stub = JsonText(null=True)
    debts = JsonText(null=True)

    fact = JsonText(null=True)
    as_of = UnicodeAttribute(null=True)

    entry = JsonText(null=True)
    number = NumberAttribute(null=True)

    change = JsonText(null=True)

    identities = JsonText(null=True)
    owners = UnicodeSetAttribute(null=True)
    waiting = NumberAttribute(null=True)
    seen = JsonText(null=True)
    announcement = JsonText(null=True)
    done = UnicodeSetAttribute(null=True)
    claimed = UnicodeSetAttribute(null=True)
    expires_at = TTLAttribute(null=True)

    cards = CardsIndex()


class SettingsItem(Model):
    """``#connections`` holds one item per connection, with what is live and any pause; under a
    connection's own id stand its policies, models and their history, parked deliveries, API keys
    and checkpoints, and what its workers share: a mark per rate limit, and an access token with the
    lease of whoever renews it. ``#installation`` holds what is the same for all connections.
    """

    connection = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)

    data = JsonText(null=True)
    live_policy = UnicodeAttribute(null=True)
    live_models = UnicodeAttribute(null=True)
    revision = NumberAttribute(null=True)
    published_at = InstantText(null=True)
    paused_until = InstantText(null=True)
    pause_reason = UnicodeAttribute(null=True)

    reason = UnicodeAttribute(null=True)
    message = BinaryAttribute(null=True, legacy_encoding=False)
    parked_at = InstantText(null=True)
    expires_at = TTLAttribute(null=True)

    mark = NumberAttribute(null=True)
    holder = UnicodeAttribute(null=True)
    held_until = InstantText(null=True)


def in_table(model: type[M], name: str, endpoint: str | None = None) -> type[M]:
    """The model bound to the table of that name; ``endpoint`` is only for tests."""
    meta = {
        "table_name": name,
        "host": endpoint,
        "billing_mode": PAY_PER_REQUEST_BILLING_MODE,
        # pynamodb would wait 15 and 30 seconds, longer than a function may run.
        "connect_timeout_seconds": 2,
        "read_timeout_seconds": 5,
        "max_retry_attempts": 3,
    }
    return cast(type[M], type(model.__name__, (model,), {"Meta": type("Meta", (), meta)}))


def connection_of(model: type[Model]) -> Connection:
    """The connection that the model's own operations use.

    pynamodb's transactions want one handed in; a second one would make a second client of the
    SDK, and every cold start would wait for both.
    """
    return model._get_connection().connection  # noqa: SLF001
