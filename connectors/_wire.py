"""What goes over the wire to a CRM and comes back: connections, tokens, answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError

LONGEST_RETRY_AFTER_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Answer:
    """``headers`` are found in any case; ``body`` is parsed JSON, None if it is none."""

    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def retry_after(self) -> float | None:
        """In seconds; None without one or for nonsense."""
        return _seconds(self.headers.get("Retry-After", ""))


class _FreshHttp(HTTPConnection):
    """Never reused: a pool takes it for dropped, also where the far end has yet to close it."""

    @property
    def is_connected(self) -> bool:
        return False


class _FreshHttps(HTTPSConnection):
    @property
    def is_connected(self) -> bool:
        return False


class _FreshHttpPool(HTTPConnectionPool):
    ConnectionCls = _FreshHttp


class _FreshHttpsPool(HTTPSConnectionPool):
    ConnectionCls = _FreshHttps


class FreshAdapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        pools = {"http": _FreshHttpPool, "https": _FreshHttpsPool}
        self.poolmanager.pool_classes_by_scheme = pools


def session(adapter: type[HTTPAdapter]) -> requests.Session:
    made = requests.Session()
    made.headers["User-Agent"] = "emtiaz"
    for scheme in ("https://", "http://"):  # http: the stand-ins, on loopback
        made.mount(scheme, adapter())
    return made


@dataclass(frozen=True, slots=True)
class Token(requests.auth.AuthBase):
    # As auth rather than as a header: a header gives way to a .netrc file, and so does none.
    value: str
    scheme: str = "Bearer"

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self.value:
            request.headers["Authorization"] = f"{self.scheme} {self.value}"
        return request


def answer_of(response: requests.Response) -> Answer:
    try:
        body = response.json()
    except requests.JSONDecodeError:
        body = None
    return Answer(response.status_code, response.headers, body)


def was_sent(failure: requests.RequestException) -> bool:
    """False only if no connection was ever made."""
    cause = failure.args[0] if failure.args else None
    return not (isinstance(cause, MaxRetryError) and isinstance(cause.reason, ConnectTimeoutError))


def _seconds(retry_after: str) -> float | None:
    """From either form of the header, a number of seconds or a date; at most a day.

    >>> _seconds("120"), _seconds("soon"), _seconds("Wed, 21 Oct 2015 07:28:00 GMT")
    (120.0, None, 0.0)
    """
    if retry_after.isascii() and retry_after.isdigit():
        return min(float(retry_after), LONGEST_RETRY_AFTER_S)
    try:
        at = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    left = (at.astimezone(UTC) - datetime.now(UTC)).total_seconds()
    return min(max(0.0, left), LONGEST_RETRY_AFTER_S)
