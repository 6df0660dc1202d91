"""A worker in a process of its own that calls an account as fast as it may.

Run with the stand-in's address, its token, DynamoDB's endpoint and how many seconds to go on.
Prints how many calls it made, and how many requests of the table that took.
"""

import json
import sys
import time
from contextlib import suppress

from chalicelib.adapters.access_store import DynamoAccessStore
from chalicelib.adapters.clock import SystemClock
from chalicelib.adapters.settings_store import DynamoSettingsStore
from chalicelib.core.connector import Connection, Secret
from chalicelib.core.errors import RateLimited
from chalicelib.pipeline.access import SharedAccess
from chalicelib.pipeline.local_access import LocalGrants
from connectors.hubspot.client import HubSpotClient
from tests.adapters.wire import operations_of


def main(url, token, endpoint, seconds):
    settings = DynamoSettingsStore("emtiaz-test-settings", endpoint=endpoint)
    secret = Secret("", (), token)
    access = SharedAccess(
        "hubspot-main",
        grants=LocalGrants(secret),
        state=DynamoAccessStore(settings.item),
        clock=SystemClock(),
        revoked=print,
    )
    account = Connection("hubspot-main", "hubspot", "62515", url, "2026-03", "USD", "UTC")
    client = HubSpotClient(account, secret, (), access)
    end, calls = time.monotonic() + float(seconds), 0
    with operations_of(settings) as operations:
        while time.monotonic() < end:
            with suppress(RateLimited):
                client.account()
                calls += 1
    json.dump({"calls": calls, "requests": len(operations)}, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
