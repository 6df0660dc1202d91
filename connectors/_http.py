"""JSON over HTTPS to a CRM: patience, retries, and every outcome as an error of core.

Reads and writes travel in sessions of their own. A read may be sent again whatever happened
to it. A write may be sent again only if the CRM certainly did not take it: one whose answer
was lost may still be applied, after a newer value even, so it is reported as ``in_doubt``
instead.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import (
    ConnectTimeoutError,
    InvalidHeader,
    MaxRetryError,
    ResponseError,
)
from urllib3.response import BaseHTTPResponse
from urllib3.util import Retry

from chalicelib.core.errors import (
    CredentialsInvalid,
    CrmUnavailable,
    Parked,
    RateLimited,
    Retryable,
)

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 10.0
RETRIES = 3

SUCCESS = range(200, 300)
UNAUTHORIZED = frozenset({401, 403})
TOO_MANY_REQUESTS = 429
CLIENT_ERRORS = frozenset(range(400, 500))
LONGEST_WAIT_S = 10
"""A CRM that asks for more is left alone: the queue can wait, a Lambda's waiting is paid."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one CRM says no.

    ``busy`` are the statuses worth sending again. After those that are also ``in_doubt`` a
    write may still be applied: a gateway lost the answer. ``write_timeout_s`` is longer than
    the CRM itself works on a request. ``message`` makes a line for people of an error body,
    ``pause_s`` the seconds to wait after a 429 that carries no Retry-After.
    """

    busy: frozenset[int]
    in_doubt: frozenset[int]
    write_timeout_s: float
    message: Callable[[Any], str]
    pause_s: Callable[[Any], float | None]


class Refused(Parked):
    """The CRM understood the request and will not do it: any 4xx without a meaning above.

    ``body`` is the CRM's error as parsed JSON, None if it was not JSON.
    """

    def __init__(self, message: str, status: int, body: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body = body


class Http:
    """One CRM account. ``authorization`` is the value of that header.

    Both methods return the parsed body of a 2xx answer (None if empty), and raise
    CredentialsInvalid, RateLimited, CrmUnavailable or Refused.
    """

    def __init__(self, base_url: str, authorization: str, dialect: Dialect) -> None:
        self._base_url = base_url.rstrip("/")
        self._reading = _Channel(
            session=_session(authorization, _patience(dialect.busy, read=1)),
            timeout_s=READ_TIMEOUT_S,
            writes=False,
            dialect=dialect,
        )
        # read and other: what broke after the request had left is not sent again.
        certain = dialect.busy - dialect.in_doubt
        self._writing = _Channel(
            session=_session(authorization, _patience(certain, read=False, other=0), _FreshAdapter),
            timeout_s=dialect.write_timeout_s,
            writes=True,
            dialect=dialect,
        )
        # A connection that went stale while a Lambda was frozen looks, when it breaks, like
        # a lost answer, and puts a whole batch in doubt. A fresh one per write cannot.
        self._writing.session.headers["Connection"] = "close"

    def read(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: Any = None
    ) -> Any:
        """For any request that changes nothing, a batch read by POST included."""
        return self._reading.send(method, self._base_url + path, query, body)

    def write(self, method: str, path: str, *, body: Any) -> Any:
        """For a change that ends the same when it is made twice."""
        return self._writing.send(method, self._base_url + path, None, body)


@dataclass(frozen=True, slots=True)
class _Channel:
    session: requests.Session
    timeout_s: float
    writes: bool
    dialect: Dialect

    def send(self, method: str, url: str, query: Mapping[str, str] | None, body: Any) -> Any:
        try:
            response = self.session.request(
                method,
                url,
                params=query,
                json=body,
                timeout=(CONNECT_TIMEOUT_S, self.timeout_s),
                allow_redirects=False,
            )
        except requests.RequestException as failure:
            text = f"{method} {url}: {type(failure).__name__}"
            raise self._silence(text, None, self.writes and _was_sent(failure)) from failure
        parsed = _json(response)
        if response.status_code in SUCCESS and (parsed is not None or not response.content):
            return parsed
        raise self._failure(response, parsed)

    def _failure(self, response: requests.Response, body: Any) -> Parked | Retryable:
        status, wait = response.status_code, _seconds(response.headers.get("Retry-After"))
        text = f"answered {status}: {self.dialect.message(body)}"
        if status in UNAUTHORIZED:
            return CredentialsInvalid(text)
        if status == TOO_MANY_REQUESTS:
            pause = self.dialect.pause_s(body) if wait is None else wait
            return RateLimited(text, retry_after=pause)
        if status in CLIENT_ERRORS - self.dialect.busy:
            return Refused(text, status, body)
        return self._silence(text, wait, self.writes and status in self.dialect.in_doubt)

    def _silence(self, text: str, wait: float | None, in_doubt: bool) -> CrmUnavailable:
        # A write that may still be applied must not be overtaken by its own repetition: nothing
        # is sent to the record until the CRM has certainly stopped working on it.
        hold = max(wait or 0.0, self.dialect.write_timeout_s) if in_doubt else wait
        return CrmUnavailable(text, retry_after=hold, in_doubt=in_doubt)


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


class _FreshAdapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        pools = {"http": _FreshHttpPool, "https": _FreshHttpsPool}
        self.poolmanager.pool_classes_by_scheme = pools


class _Patience(Retry):
    """Mends three habits of urllib3: the first retry is sent at once, a Retry-After of hours is
    slept through, and nonsense in it raises.
    """

    def get_backoff_time(self) -> float:
        jitter = random.uniform(0, self.backoff_jitter)  # noqa: S311 (spreads load, guards nothing)
        return super().get_backoff_time() or jitter

    def get_retry_after(self, response: BaseHTTPResponse) -> float | None:
        return _seconds(response.headers.get("Retry-After"))

    def increment(self, *args: Any, **kwargs: Any) -> Self:
        response = kwargs.get("response")
        if response is not None and (self.get_retry_after(response) or 0) > LONGEST_WAIT_S:
            pool: Any = kwargs.get("_pool")
            raise MaxRetryError(pool, None, ResponseError("asks for a long wait"))
        return super().increment(*args, **kwargs)


def _patience(busy: frozenset[int], **limits: Any) -> Retry:
    return _Patience(
        total=RETRIES,
        allowed_methods=None,  # all: CRMs read by POST, and our writes set values
        status_forcelist=busy,
        raise_on_status=False,
        backoff_factor=1.0,
        backoff_jitter=1.0,
        **limits,
    )


def _session(
    authorization: str, retries: Retry, adapter: type[HTTPAdapter] = HTTPAdapter
) -> requests.Session:
    session = requests.Session()
    session.auth = _Authorization(authorization)
    session.headers["User-Agent"] = "emtiaz"
    for scheme in ("https://", "http://"):  # http: the stand-ins, on loopback
        session.mount(scheme, adapter(max_retries=retries))
    return session


@dataclass(frozen=True, slots=True)
class _Authorization(requests.auth.AuthBase):
    # As session.auth rather than as a header: a header gives way to a .netrc file.
    value: str

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self.value
        return request


def _was_sent(failure: requests.RequestException) -> bool:
    """False only if no connection was ever made."""
    cause = failure.args[0] if failure.args else None
    return not (isinstance(cause, MaxRetryError) and isinstance(cause.reason, ConnectTimeoutError))


def _json(response: requests.Response) -> Any:
    try:
        return response.json()
    except requests.JSONDecodeError:
        return None


def _seconds(retry_after: str | None) -> float | None:
    """From either form of the header, at most six hours; None without one or for nonsense."""
    try:
        return Retry().parse_retry_after(retry_after) if retry_after else None
    except InvalidHeader:
        return None
