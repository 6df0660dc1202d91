"""What only DynamoDB does: requests, caching, immutable versions, large and old items."""

import base64
import json
import random
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.adapters.settings_store import DynamoSettingsStore
from chalicelib.adapters.tables import connection_of
from chalicelib.core.errors import Retryable
from tests.adapters.test_settings_store_contract import FITTED, MAIN, NOON, PAGE, item
from tests.adapters.wire import operations_of


@pytest.fixture
def store(dynamodb):
    dynamodb.settings.put_connection(MAIN)
    dynamodb.settings.publish_policy("hubspot-main", "v1", PAGE, NOON)
    dynamodb.settings.publish_models("hubspot-main", FITTED, NOON)
    return dynamodb.settings


def test_live_settings_cost_one_request_once_their_versions_are_known(store):
    with operations_of(store) as operations:
        store.live("hubspot-main")
        assert operations == ["GetItem"] * 3
        store.live("hubspot-main")
        assert operations == ["GetItem"] * 4


def test_another_worker_sees_at_once_what_was_published(dynamodb, store):
    other = DynamoSettingsStore("emtiaz-test-settings", endpoint=dynamodb.endpoint)
    other.live("hubspot-main")
    store.publish_policy("hubspot-main", "v2", {"name": "two"}, NOON)
    assert other.live("hubspot-main").policy == {"name": "two"}


def test_who_publishes_sees_it_at_once(store):
    store.live("hubspot-main")
    store.publish_policy("hubspot-main", "v2", {"name": "two"}, NOON)
    assert store.live("hubspot-main").policy == {"name": "two"}


def test_the_largest_delivery_that_a_crm_sends_can_be_parked(store):
    records = [{"objectId": n, "occurredAt": 1774094400000 + n * 977} for n in range(10_000)]
    body = base64.b64encode(json.dumps(records).encode()[: 512 * 1024]).decode()
    large = replace(item(1), message={"connection": "hubspot-main", "body_b64": body})
    store.park(large)
    assert store.parked("hubspot-main") == (large,)


def test_what_is_too_large_to_park_stays_on_the_queue(store):
    noise = random.Random(1).randbytes(500_000).hex()
    with pytest.raises(Retryable):
        store.park(replace(item(1), message={"connection": "hubspot-main", "body_b64": noise}))


def test_dynamodb_drops_a_parked_item_after_thirty_days(store):
    store.park(item(1))
    client = connection_of(store.item).client
    answer = client._make_api_call("Scan", {"TableName": store.item.Meta.table_name})
    expiries = [int(row["expires_at"]["N"]) for row in answer["Items"] if "expires_at" in row]
    assert expiries == [(NOON + timedelta(days=30)).timestamp()]
