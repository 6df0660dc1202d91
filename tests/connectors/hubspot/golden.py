"""Calls to HubSpot as files: what asks, what is sent, what comes back, and what we make of it.

``endpoint`` is a method of ``HubSpotApi``, or one of ``oauth``. ``stand_in`` says what must be
in the stand-in for the same call to be answered alike, and which members of the answer it
lacks; without it the stand-in has no such case.
"""

import json
from dataclasses import asdict, is_dataclass, replace
from inspect import getmembers, isfunction
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from chalicelib.core.connector import OAuthGrant, Secret
from chalicelib.core.errors import EmtiazError
from connectors.hubspot import oauth
from connectors.hubspot.api import HubSpotApi
from tests.connectors import cases
from tests.fakes.access import FakeAccess
from tests.fakes.clock import NOON

FOLDER = Path(__file__).parent / "calls"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))
TOKEN = "hubspot-token"
CONNECTION = cases.connection_of("hubspot")
FORM = "application/x-www-form-urlencoded"

GRANT = OAuthGrant("a-client", "a-client-secret", "a-refresh-token")
APP = oauth.App("a-client", "a-client-secret", "http://localhost:8976/callback")

# What the HTTP library sends by itself.
_LIBRARYS = {"Accept", "Accept-Encoding", "Content-Length"}
_OAUTH = {
    "oauth.exchange": lambda at, code: oauth.exchange(at, APP, code, NOON),
    "oauth.refresh": lambda at, refresh_token: _refresher(at)(refresh_token),
    "oauth.introspect": lambda at, access_token: oauth._scopes(
        at, APP, {"access_token": access_token}
    ),
}


def golden(name):
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def endpoints():
    """All that HubSpot can be asked."""
    methods = {name for name, _ in getmembers(HubSpotApi, isfunction) if not name.startswith("_")}
    return methods | set(_OAUTH)


def outcome_of(endpoint, arguments, version, base_url=CONNECTION.base_url):
    """What a call returns or raises, as JSON."""
    at = replace(CONNECTION, api_version=version, base_url=base_url)
    try:
        if endpoint in _OAUTH:
            return {"returns": _plain(_OAUTH[endpoint](at, **arguments))}
        api = HubSpotApi(at, Secret("https://hooks.example.com/", (), TOKEN), FakeAccess(TOKEN))
        return {"returns": _plain(getattr(api, endpoint)(**arguments))}
    except EmtiazError as error:
        doubt = {"in_doubt": True} if getattr(error, "in_doubt", False) else {}
        return {"raises": _public_name(type(error)), **doubt}


def spelled(request):
    """A request as it left, without what the HTTP library adds to every one."""
    url = urlsplit(request.url)
    headers = {name: value for name, value in request.headers.items() if name not in _LIBRARYS}
    for name, default in (("Connection", "keep-alive"), ("User-Agent", "python-requests")):
        if headers.get(name, "").startswith(default):
            del headers[name]
    return {
        "method": request.method,
        "path": url.path,
        "query": _singles(url.query),
        "headers": dict(sorted(headers.items())),
        "body": _body(request, headers.get("Content-Type")),
    }


def _body(request, content_type):
    if not request.body:
        return None
    text = request.body if isinstance(request.body, str) else request.body.decode()
    return _singles(text) if content_type == FORM else json.loads(text)


def _singles(text):
    return {name: value for name, [value] in parse_qs(text, keep_blank_values=True).items()}


def _plain(value):
    """As JSON would give it back."""
    plain = asdict(value) if is_dataclass(value) else value
    return json.loads(
        json.dumps(
            plain, default=lambda one: sorted(one) if isinstance(one, frozenset) else str(one)
        )
    )


def _public_name(kind):
    return next(one.__name__ for one in kind.__mro__ if not one.__name__.startswith("_"))


def _refresher(at):
    secret = Secret("https://hooks.example.com/", (), "", oauth=GRANT)
    return oauth.refresher(at, secret, lambda: NOON)
