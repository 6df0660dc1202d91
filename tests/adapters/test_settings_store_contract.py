"""What every settings store promises, in memory or on DynamoDB."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from chalicelib.core.api_keys import SCOPES, ApiKey
from chalicelib.core.connector import Connection
from chalicelib.core.errors import ConfigurationError, Conflict
from chalicelib.core.policy import NOTHING_FITTED, FittedModels
from chalicelib.core.ports import LiveSettings, ParkedItem

NOON = datetime(2026, 3, 21, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
MAIN = Connection(
    id="hubspot-main",
    crm="hubspot",
    account_id="424242",
    base_url="http://127.0.0.1:1",
    api_version="2026-03",
    currency="IRR",
    time_zone="Asia/Tehran",
)
SECOND = replace(MAIN, id="zoho-second", crm="zoho")
PAGE = {"name": "امتیاز", "lead": {"groups": [{"weight": 0.1}]}}
FITTED = FittedModels("2026-03-21", {"rfm": {"cuts": [1.5, 3, 7.25]}})


@pytest.fixture
def store(engine):
    engine.settings.put_connection(MAIN)
    return engine.settings


def item(number, connection="hubspot-main"):
    message = {"connection": connection, "body_b64": "e30=", "headers": {"a": "۱"}}
    return ParkedItem(f"01ARZ3NDEKTSV4RRFFQ69G5FA{number}", connection, "why", message, NOON)


def test_connections_are_listed_by_id(store):
    store.put_connection(SECOND)
    assert store.connections() == (MAIN, SECOND)


def test_nobody_knows_a_connection_that_was_never_put(store):
    for act in (
        lambda: store.live("hubspot-other"),
        lambda: store.publish_policy("hubspot-other", "v1", PAGE, NOON),
        lambda: store.publish_models("hubspot-other", FITTED, NOON),
    ):
        with pytest.raises(ConfigurationError, match="hubspot-other"):
            act()
    assert store.connections() == (MAIN,)


def test_a_connection_without_a_policy_cannot_score(store):
    with pytest.raises(ConfigurationError, match="no policy"):
        store.live("hubspot-main")


def test_a_published_policy_is_live_and_nothing_is_fitted_at_first(store):
    store.publish_policy("hubspot-main", "v1", PAGE, NOON)
    assert store.live("hubspot-main") == LiveSettings(MAIN, PAGE, NOTHING_FITTED, revision=1)


def test_published_models_are_live(store):
    store.publish_policy("hubspot-main", "v1", PAGE, NOON)
    store.publish_models("hubspot-main", FITTED, NOON)
    assert store.live("hubspot-main").models == FITTED


def test_an_earlier_policy_may_be_published_again(store):
    for version, page in (("v1", PAGE), ("v2", {"name": "other"}), ("v1", PAGE)):
        store.publish_policy("hubspot-main", version, page, NOON)
    assert store.live("hubspot-main").policy == PAGE


def test_a_version_never_changes_its_content(store):
    store.publish_policy("hubspot-main", "v1", PAGE, NOON)
    store.publish_models("hubspot-main", FITTED, NOON)
    with pytest.raises(ConfigurationError, match="v1"):
        store.publish_policy("hubspot-main", "v1", {"name": "forged"}, NOON)
    with pytest.raises(ConfigurationError, match=FITTED.version):
        store.publish_models("hubspot-main", replace(FITTED, parameters={}), NOON)
    live = store.live("hubspot-main")
    assert (live.policy, live.models) == (PAGE, FITTED)


def test_a_connection_that_is_put_again_keeps_its_policy(store):
    store.publish_policy("hubspot-main", "v1", PAGE, NOON)
    store.put_connection(replace(MAIN, currency="USD"))
    live = store.live("hubspot-main")
    assert (live.connection.currency, live.policy) == ("USD", PAGE)


def test_a_connection_keeps_its_details(store):
    store.publish_policy("hubspot-main", "v1", PAGE, NOON)
    named = replace(MAIN, details={"field.contact.score": "Emtiaz_score", "user": ""})
    store.put_connection(named)
    assert store.connections() == (named,)
    assert store.live("hubspot-main").connection.details == named.details


def test_connections_do_not_share_policies(store):
    store.put_connection(SECOND)
    store.publish_policy("hubspot-main", "v1", PAGE, NOON)
    with pytest.raises(ConfigurationError):
        store.live("zoho-second")


def paused(store):
    live = store.live("hubspot-main")
    return live.paused_until, live.pause_reason


@pytest.fixture
def live(store):
    store.publish_policy("hubspot-main", "v1", PAGE, NOON)
    store.put_connection(SECOND)
    store.publish_policy("zoho-second", "v1", PAGE, NOON)
    return store


def test_a_connection_is_paused_until_it_is_resumed(live):
    assert paused(live) == (None, "")
    live.pause("hubspot-main", NOON + MINUTE, "the day's calls are spent")
    assert paused(live) == (NOON + MINUTE, "the day's calls are spent")
    assert live.live("zoho-second").paused_until is None
    live.resume("hubspot-main")
    live.resume("hubspot-main")
    assert paused(live) == (None, "")


def test_a_pause_is_prolonged_and_never_shortened(live):
    live.pause("hubspot-main", NOON + 2 * MINUTE, "spent")
    live.pause("hubspot-main", NOON + MINUTE, "down")
    assert paused(live) == (NOON + 2 * MINUTE, "spent")
    live.pause("hubspot-main", NOON + 3 * MINUTE, "moved")
    assert paused(live) == (NOON + 3 * MINUTE, "moved")


def test_of_all_who_would_try_again_one_may(live):
    live.pause("hubspot-main", NOON, "down")
    assert live.claim_probe("hubspot-main", NOON, NOON + MINUTE)
    assert not live.claim_probe("hubspot-main", NOON, NOON + MINUTE)
    assert paused(live) == (NOON + MINUTE, "down")
    assert live.claim_probe("hubspot-main", NOON + MINUTE, NOON + 2 * MINUTE)


def test_nobody_needs_to_try_what_is_not_paused(live):
    assert not live.claim_probe("hubspot-main", NOON, NOON + MINUTE)
    live.pause("hubspot-main", NOON, "down")
    live.resume("hubspot-main")
    assert not live.claim_probe("hubspot-main", NOON, NOON + MINUTE)
    assert paused(live) == (None, "")


def test_a_connection_that_is_put_or_given_a_policy_stays_paused(live):
    live.pause("hubspot-main", NOON, "down")
    live.put_connection(replace(MAIN, currency="USD"))
    live.publish_policy("hubspot-main", "v2", {"name": "two"}, NOON)
    assert paused(live) == (NOON, "down")


def test_who_was_never_put_is_neither_paused_nor_made(live):
    live.pause("hubspot-other", NOON, "down")
    live.resume("hubspot-other")
    assert not live.claim_probe("hubspot-other", NOON, NOON + MINUTE)
    assert live.connections() == (MAIN, SECOND)


def test_parked_items_are_listed_oldest_first_until_they_are_taken_away(store):
    for number in (2, 1, 3):
        store.park(item(number))
    store.park(item(1, "zoho-second"))
    assert store.parked("hubspot-main") == (item(1), item(2), item(3))
    store.unpark(item(2))
    store.unpark(item(2))
    assert store.parked("hubspot-main") == (item(1), item(3))
    assert store.parked("zoho-second") == (item(1, "zoho-second"),)


def test_a_checkpoint_is_there_until_it_is_cleared(store):
    assert store.checkpoint("hubspot-main", "backfill") is None
    store.set_checkpoint("hubspot-main", "backfill", {"cursor": "512", "done": 3})
    store.set_checkpoint("hubspot-main", "backfill", {"cursor": "612"})
    assert store.checkpoint("hubspot-main", "backfill") == {"cursor": "612"}
    assert store.checkpoint("hubspot-main", "train") is None
    store.set_checkpoint("hubspot-main", "backfill", None)
    store.set_checkpoint("hubspot-main", "backfill", None)
    assert store.checkpoint("hubspot-main", "backfill") is None


def test_a_checkpoint_is_moved_only_from_where_it_is(store):
    place, state = ("hubspot-main", "rescore"), {"shard": 3, "after": "", "rests_until": None}
    assert not store.move_checkpoint(*place, {"shard": 1}, state)
    assert store.move_checkpoint(*place, None, state)
    assert not store.move_checkpoint(*place, None, {"shard": 4})
    assert store.checkpoint(*place) == state
    assert store.move_checkpoint(*place, store.checkpoint(*place), {"shard": 4})
    assert store.checkpoint(*place) == {"shard": 4}


OTHER = {"name": "other"}


def history(store):
    return [
        (entry.number, entry.what, entry.version, entry.replaced)
        for entry in store.publications("hubspot-main")
    ]


def test_the_history_tells_newest_first_who_published_what_when_and_why(store):
    store.publish_policy("hubspot-main", "v1", PAGE, NOON, by="ada", note="the first")
    store.publish_models("hubspot-main", FITTED, NOON)
    told = store.publish_policy("hubspot-main", "v2", OTHER, NOON + MINUTE, by="ebru", note="نسخه")
    assert store.publications("hubspot-main")[0] == told
    assert (told.at, told.by, told.note) == (NOON + MINUTE, "ebru", "نسخه")
    assert history(store) == [
        (3, "policy", "v2", "v1"),
        (2, "models", FITTED.version, None),
        (1, "policy", "v1", None),
    ]
    assert store.live("hubspot-main").revision == 3


def test_a_version_that_comes_back_is_told_again(store):
    for version, page in (("v1", PAGE), ("v2", OTHER), ("v1", PAGE)):
        store.publish_policy("hubspot-main", version, page, NOON)
    assert history(store)[0] == (3, "policy", "v1", "v2")


def test_every_version_that_was_in_force_can_be_read(store):
    store.publish_policy("hubspot-main", "v1", PAGE, NOON)
    store.publish_policy("hubspot-main", "v2", OTHER, NOON)
    assert store.policy("hubspot-main", "v1") == PAGE
    with pytest.raises(ConfigurationError, match="v3"):
        store.policy("hubspot-main", "v3")


def test_who_publishes_over_what_is_not_in_force_any_more_is_told(store):
    store.publish_policy("hubspot-main", "v1", PAGE, NOON)
    store.publish_policy("hubspot-main", "v2", OTHER, NOON, over="v1")
    with pytest.raises(Conflict, match="v2"):
        store.publish_policy("hubspot-main", "v3", {"name": "late"}, NOON, over="v1")
    assert store.live("hubspot-main").policy == OTHER
    assert len(history(store)) == 2


def test_models_are_published_over_what_was_learned_before(store):
    store.publish_policy("hubspot-main", "v1", PAGE, NOON)
    store.publish_models("hubspot-main", FITTED, NOON, over=NOTHING_FITTED.version)
    with pytest.raises(Conflict):
        store.publish_models("hubspot-main", replace(FITTED, version="2"), NOON, over="none")
    assert store.live("hubspot-main").models == FITTED


def test_of_publishers_at_once_each_keeps_its_entry(store):
    def publish(number):
        version = f"v{number}"
        store.publish_policy("hubspot-main", version, {"name": version}, NOON, by=version)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(publish, range(8)))
    entries = store.publications("hubspot-main")
    assert [entry.number for entry in entries] == list(range(8, 0, -1))
    assert {entry.by for entry in entries} == {f"v{number}" for number in range(8)}
    assert all(one.replaced == older.version for one, older in pairwise(entries))


def api_key(number, **more):
    return ApiKey(f"key{number}", "shop", "0f", SCOPES, NOON + number * MINUTE, **more)


def test_api_keys_are_listed_oldest_first_and_found_by_their_connection_and_id(store):
    store.put_connection(SECOND)
    for key in (api_key(2), api_key(1)):
        store.put_api_key("hubspot-main", key)
    assert store.api_keys("hubspot-main") == (api_key(1), api_key(2))
    assert store.api_key("hubspot-main", "key1") == api_key(1)
    assert store.api_key("zoho-second", "key1") is None
    assert store.api_keys("zoho-second") == ()


def test_an_api_key_that_is_taken_back_is_kept_as_such(store):
    store.put_api_key("hubspot-main", api_key(1))
    store.put_api_key("hubspot-main", api_key(1, revoked_at=NOON + MINUTE))
    assert store.api_key("hubspot-main", "key1").revoked_at == NOON + MINUTE
    assert len(store.api_keys("hubspot-main")) == 1


def test_no_key_is_made_for_a_connection_that_was_never_put(store):
    with pytest.raises(ConfigurationError, match="hubspot-other"):
        store.put_api_key("hubspot-other", api_key(1))
