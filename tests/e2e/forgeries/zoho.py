"""What somebody may send who is not Zoho, or Zoho in error.

Zoho signs nothing: a delivery shows one secret in its address and another in its body.
"""

import json
import time

from chalicelib.pipeline.receive import BODY_LIMIT
from tests.e2e.forgeries.parcel import Parcel, deep

JSON = {"Content-Type": "application/json;charset=UTF-8"}
HEADER = "X-Emtiaz-Token"

TAKEN = 202


def good(stand_in, url, person="5725767000000524157"):
    """A change of somebody, as the channel of contacts tells it, to this address."""
    channel, token = secrets_of(stand_in)
    return parcel(f"{url}/{channel}", told(token, person))


def foreign(stand_in, url):
    """Zoho never tells which organisation it is; of a module that is not read it may."""
    channel, token = secrets_of(stand_in)
    return parcel(f"{url}/{channel}", told(token, "1", module="Vendors"))


def secrets_of(stand_in):
    """The end of the address, and the token, that the channel of contacts was given."""
    channel = next(one for one in stand_in.channels.live() if "Contacts.edit" in one.events)
    return channel.url.rpartition("/")[2], channel.token


def told(token, person, module="Contacts", **more):
    return {
        "server_time": int(time.time() * 1000),
        "query_params": {},
        "module": module,
        "resource_uri": f"https://www.zohoapis.com/crm/v2/{module}",
        "ids": [person],
        "affected_fields": [{person: ["Title"]}],
        "operation": "update",
        "channel_id": "1105420521999070702",
        "token": token,
        **more,
    }


def parcel(url, body, **headers):
    raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return Parcel(url, raw, {**JSON, **headers})


def refused(stand_in, url):
    """Parcels by name, with the status that each has to get."""
    channel, token = secrets_of(stand_in)
    address, right = f"{url}/{channel}", {HEADER: token}
    body = told(token, "5725767000000524157")
    return {
        "a wrong token": (401, parcel(address, body | {"token": "x" * len(token)})),
        "a token that is none": (401, parcel(address, body | {"token": 7})),
        "no token": (401, parcel(address, {"module": "Contacts", "ids": ["1"]})),
        "a wrong address": (401, parcel(f"{url}/{'0' * len(channel)}", body)),
        "the token for an address": (401, parcel(f"{url}/{token}", body)),
        "no secret in the address": (401, parcel(url, body)),
        "a wrong header, with a right body": (401, parcel(address, body, **{HEADER: "x"})),
        "oversized": (413, parcel(address, b"{" + b" " * BODY_LIMIT + b"}", **right)),
        "wrong type": (415, parcel(address, body, **{"Content-Type": "text/csv"})),
        "too deep": (400, parcel(address, deep(40), **right)),
        "very deep": (400, parcel(address, deep(100_000), **right)),
        "not an object": (400, parcel(address, b"[1]", **right)),
        "of no record": (400, parcel(address, {"module": "Contacts"}, **right)),
        "not JSON": (400, parcel(address, b"{[", **right)),
        "not a number": (400, parcel(address, b'{"ids": [NaN]}', **right)),
        "unreadable, and without a token": (401, parcel(address, b"{[")),
    }
