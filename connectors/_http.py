"""JSON over HTTPS to a CRM: pace, patience, and every outcome as an error of core.

Reads and writes travel in sessions of their own. A read may be sent again whatever happened
to it. A write may be sent again only if the CRM certainly did not take it: one whose answer
was lost may still be applied, after a newer value even, so it is reported as ``in_doubt``
instead.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from operator import attrgetter
from time import sleep
from typing import Any, NamedTuple, Protocol

import requests
from requests.adapters import HTTPAdapter

from chalicelib.core.connector import Access, AccessToken, Rate
from chalicelib.core.errors import (
    CredentialsInvalid,
    CrmStumbled,
    CrmUnavailable,
    EmtiazError,
    OutOfService,
    RateLimited,
    RequestRefused,
    Retryable,
)
from connectors._wire import Answer, FreshAdapter, Token, answer_of, session, was_sent

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 10.0
RETRIES = 3
BROKEN_READS = 1
"""A read that broke has cost its timeout, and is sent again less often than one that was busy."""

REPLACEMENTS = 1
"""Of a token that was refused, during one call."""

LONGEST_WAIT_S = 12.0
"""All waiting for one answer together; the queue can wait longer, a Lambda's waiting is paid."""

SUCCESS = range(200, 300)
UNAUTHORIZED = 401
FORBIDDEN = 403
TOO_MANY_REQUESTS = 429
CLIENT_ERRORS = range(400, 500)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one CRM says no.

    ``busy`` are the statuses worth sending again. After those that are also ``in_doubt`` a
    write may still be applied: a gateway lost the answer. ``write_timeout_s`` is longer than
    the CRM itself works on a request. ``message`` makes a line for people of an error body.
    ``scheme`` is what the CRM calls a token. ``status`` tells what an answer amounts to, of a CRM
    that says no with 200, or with the status of something else.
    """

    busy: frozenset[int]
    in_doubt: frozenset[int]
    write_timeout_s: float
    message: Callable[[Any], str]
    scheme: str = "Bearer"
    status: Callable[[Answer], int] = attrgetter("status")


@dataclass(frozen=True, slots=True)
class Closure:
    """Nobody may call the account before ``until``."""

    until: datetime
    why: str


class Limits(Protocol):
    """What one account may be asked, as its answers tell."""

    def rate(self, path: str) -> Rate:
        """Which limit a call of ``path`` counts against."""
        ...

    def heed(self, answer: Answer) -> None:
        """Learn from any answer, good or bad."""
        ...

    def closure(self) -> Closure | None:
        """None while the account is open."""
        ...

    def least_wait_s(self, answer: Answer) -> float:
        """Before a busy answer that names no time is worth another try."""
        ...


class Refused(RequestRefused):
    """The CRM understood the request and will not do it: any 4xx without a meaning above.

    ``body`` is the CRM's error as parsed JSON, None if it was not JSON.
    """

    def __init__(self, message: str, status: int, body: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body = body


class Forbidden(CredentialsInvalid):
    """The token is good, and does not reach as far as this: a scope was not granted."""


class File(NamedTuple):
    """``headers`` are found in any case."""

    content: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Line:
    """What reads and writes of one account have in common."""

    base_url: str
    access: Access
    refresh: Callable[[str], AccessToken]
    dialect: Dialect
    limits: Limits


class Http:
    """One CRM account.

    Both methods return the parsed body of a 2xx answer (None if empty), and raise
    CredentialsInvalid, RateLimited, OutOfService, CrmUnavailable or Refused.
    """

    def __init__(self, line: Line) -> None:
        self._reading = _Channel(line, session(HTTPAdapter), READ_TIMEOUT_S, writes=False)
        write_timeout = line.dialect.write_timeout_s
        self._writing = _Channel(line, session(FreshAdapter), write_timeout, writes=True)
        # A connection that went stale while a Lambda was frozen looks, when it breaks, like
        # a lost answer, and puts a whole batch in doubt. A fresh one per write cannot.
        self._writing.session.headers["Connection"] = "close"

    def read(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """For any request that changes nothing, a batch read by POST included."""
        return self._reading.send(_Call(method, path, query, body, headers))

    def download(self, path: str, *, query: Mapping[str, str] | None = None) -> File:
        """A file as it comes, which is not JSON."""
        file: File = self._reading.send(_Call("GET", path, query, is_file=True))
        return file

    def write(
        self, method: str, path: str, *, body: Any, headers: Mapping[str, str] | None = None
    ) -> Any:
        """For a change that ends the same when it is made twice."""
        return self._writing.send(_Call(method, path, body=body, headers=headers))


def submit_form(
    url: str,
    form: Mapping[str, str],
    busy: frozenset[int],
    status: Callable[[Answer], int] = attrgetter("status"),
) -> Any:
    """POST a form once, without a token. Its texts are secrets, and stand in no error.

    ``busy`` and ``status`` are as in ``Dialect``. Raises Refused, whose message is only the
    status, RateLimited or CrmUnavailable.
    """
    timeout = (CONNECT_TIMEOUT_S, READ_TIMEOUT_S)
    try:
        response = requests.post(
            url, data=form, timeout=timeout, allow_redirects=False, auth=Token("")
        )
    except requests.RequestException as failure:
        raise CrmUnavailable(f"POST {url}: {type(failure).__name__}") from None
    answer = _understood(response, status)
    text = f"POST {url} answered {response.status_code}"
    if answer.status in SUCCESS and answer.body is not None:
        return answer.body
    if answer.status == TOO_MANY_REQUESTS:
        raise RateLimited(text, retry_after=answer.retry_after)
    if answer.status in CLIENT_ERRORS and answer.status not in busy:
        raise Refused(text, answer.status, answer.body)
    raise CrmUnavailable(text, retry_after=answer.retry_after)


def _understood(response: requests.Response, status: Callable[[Answer], int]) -> Answer:
    answer = answer_of(response)
    return replace(answer, status=status(answer))


@dataclass(frozen=True, slots=True)
class _Call:
    method: str
    path: str
    query: Mapping[str, str] | None = None
    body: Any = None
    headers: Mapping[str, str] | None = None
    is_file: bool = False


class _Unauthorized(CredentialsInvalid):
    """The token was refused, so that the call was not taken."""


class _Passing(Exception):
    """What may be over at the next try. ``error`` is what it means if that is given up.

    ``wait`` is in seconds, None if the CRM leaves it to us. ``broken`` is true of a read that
    was sent and has no answer.
    """

    def __init__(
        self, error: Retryable, *, wait: float | None = None, broken: bool = False
    ) -> None:
        super().__init__(str(error))
        self.error = error
        self.wait = wait
        self.broken = broken


class _Patience:
    """How much may go wrong with one call before it is given up."""

    def __init__(self) -> None:
        self._tries = 0
        self._broken = 0
        self._seconds = LONGEST_WAIT_S

    def wait(self, failure: _Passing) -> None:
        """Until the next try. Raises what the failure means where there is none left."""
        wait = self._back_off() if failure.wait is None else failure.wait
        self._tries += 1
        self._broken += failure.broken
        self._seconds -= wait
        if self._tries > RETRIES or self._broken > BROKEN_READS or self._seconds < 0:
            raise failure.error from failure.__cause__
        sleep(wait)

    def _back_off(self) -> float:
        """Up to 1 s, then 2 to 3 s, then 4 to 5 s."""
        return 2.0 * self._tries + _jitter()


@dataclass(frozen=True, slots=True)
class _Channel:
    line: Line
    session: requests.Session
    timeout_s: float
    writes: bool

    def send(self, call: _Call) -> Any:
        return self._send(call, self.line.access.token(self.line.refresh), REPLACEMENTS)

    def _send(self, call: _Call, token: str, replacements: int) -> Any:
        try:
            return self._persist(call, token)
        except _Unauthorized:
            # Asked for also where it will not be used: then it says how long none is made.
            newer = self.line.access.token(self.line.refresh, refused=token)
            if newer == token:
                raise
        if not replacements:  # the grant lives: nothing that a person would have to mend
            raise Retryable("tokens end before their time", retry_after=1)
        return self._send(call, newer, replacements - 1)

    def _persist(self, call: _Call, token: str) -> Any:
        patience = _Patience()
        while True:
            self._enter(call)
            try:
                return self._attempt(call, token)
            except _Passing as failure:
                patience.wait(failure)

    def _enter(self, call: _Call) -> None:
        if closure := self.line.limits.closure():
            raise self._closed(closure.why, closure.until)
        self.line.access.enter(self.line.limits.rate(call.path))

    def _attempt(self, call: _Call, token: str) -> Any:
        try:
            response = self.session.request(
                call.method,
                self.line.base_url.rstrip("/") + call.path,
                params=call.query,
                json=call.body,
                headers=call.headers,
                timeout=(CONNECT_TIMEOUT_S, self.timeout_s),
                allow_redirects=False,
                auth=Token(token, self.line.dialect.scheme),
            )
        except requests.RequestException as failure:
            text = f"{call.method} {call.path}: {type(failure).__name__}"
            raise self._silence(text, sent=was_sent(failure)) from failure
        answer = _understood(response, self.line.dialect.status)
        self.line.limits.heed(answer)
        if answer.status not in SUCCESS:
            raise self._failure(answer, token)
        if call.is_file:
            return File(response.content, response.headers)
        if answer.body is None and response.content:
            raise self._silence(f"answered {answer.status} with what is no JSON", sent=True)
        return answer.body

    def _failure(self, answer: Answer, token: str) -> EmtiazError | _Passing:
        message = self.line.dialect.message(answer.body)
        text = f"answered {answer.status}: {message}"
        text = text.replace(token, "…") if token else text
        if answer.status in (UNAUTHORIZED, FORBIDDEN):
            return (_Unauthorized if answer.status == UNAUTHORIZED else Forbidden)(text)
        if closure := self.line.limits.closure():
            return self._closed(f"{closure.why}: {text}", closure.until)
        if answer.status in self.line.dialect.busy:
            return self._busy(text, answer)
        if answer.status in CLIENT_ERRORS:
            return Refused(text, answer.status, answer.body)
        # An internal error, or a redirect. Neither is worth sending again at once: what the
        # CRM stumbles over, it stumbles over again.
        return CrmStumbled(text, retry_after=answer.retry_after)

    def _busy(self, text: str, answer: Answer) -> CrmUnavailable | _Passing:
        if self.writes and answer.status in self.line.dialect.in_doubt:
            return self._doubt(text, answer.retry_after or 0)
        wait = answer.retry_after
        least = self.line.limits.least_wait_s(answer)
        if wait is None and least:
            wait = least + _jitter()
        if answer.status == TOO_MANY_REQUESTS:
            return _Passing(RateLimited(text, retry_after=wait), wait=wait)
        return _Passing(CrmUnavailable(text, retry_after=wait), wait=wait)

    def _silence(self, text: str, *, sent: bool) -> CrmUnavailable | _Passing:
        if sent and self.writes:
            return self._doubt(text)
        return _Passing(CrmUnavailable(text), broken=sent)

    def _doubt(self, text: str, wait: float = 0) -> CrmUnavailable:
        # A write that may still be applied must not be overtaken by its own repetition: nothing
        # is sent to the record until the CRM has certainly stopped working on it.
        hold = max(wait, self.line.dialect.write_timeout_s)
        return CrmUnavailable(text, retry_after=hold, in_doubt=True)

    def _closed(self, text: str, until: datetime) -> OutOfService:
        left = (until - self.line.access.now()).total_seconds()
        return OutOfService(text, until=until, retry_after=max(0.0, left))


def _jitter() -> float:
    return random.uniform(0, 1)  # noqa: S311 - spreads load, guards nothing
