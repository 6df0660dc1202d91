"""What only DynamoDB does: requests, caching, immutable versions, large and old items."""

import base64
import json
import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.adapters.settings_store import DynamoSettingsStore
from chalicelib.adapters.tables import connection_of
from chalicelib.core.errors import Retryable
from tests.adapters.test_settings_store_contract import FITTED, MAIN, NOON, PAGE, item
from tests.adapters.wire import before_each, operations_of


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


def test_a_pause_costs_no_request_to_know_and_one_to_change(store):
    store.live("hubspot-main")
    with operations_of(store) as operations:
        store.pause("hubspot-main", NOON, "down")
        assert store.live("hubspot-main").pause_reason == "down"
        store.claim_probe("hubspot-main", NOON, NOON + timedelta(minutes=1))
        store.resume("hubspot-main")
    assert operations == ["UpdateItem", "GetItem", "UpdateItem", "UpdateItem"]


def test_one_of_many_workers_claims_the_probe(dynamodb, store):
    store.pause("hubspot-main", NOON, "down")
    workers = [another(dynamodb) for _ in range(6)]
    until = NOON + timedelta(minutes=1)
    with ThreadPoolExecutor(6) as threads:
        claims = [
            threads.submit(worker.claim_probe, "hubspot-main", NOON, until) for worker in workers
        ]
    assert sorted(claim.result() for claim in claims) == [False] * 5 + [True]


def test_the_salt_is_random_and_the_same_for_all_workers_ever_after(dynamodb, store):
    other, theirs = another(dynamodb), []
    with before_each(store, lambda *_: theirs.append(other.tombstone_salt())):
        salt = store.tombstone_salt()
    assert theirs == [salt]
    assert another(dynamodb).tombstone_salt() == salt
    assert len(salt) == 32
    dynamodb.emptied()
    assert store.tombstone_salt() != salt


def test_the_salt_is_asked_for_once(store):
    with operations_of(store) as operations:
        store.tombstone_salt()
        store.tombstone_salt()
    assert operations == ["GetItem", "UpdateItem"]


def test_whoever_finds_a_salt_need_not_be_allowed_to_write_one(dynamodb, store):
    store.tombstone_salt()
    other = another(dynamodb)
    with operations_of(other) as operations:
        other.tombstone_salt()
    assert operations == ["GetItem"]


def another(dynamodb):
    return DynamoSettingsStore("emtiaz-test-settings", endpoint=dynamodb.endpoint)


def test_another_worker_sees_at_once_what_was_published(dynamodb, store):
    other = another(dynamodb)
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
