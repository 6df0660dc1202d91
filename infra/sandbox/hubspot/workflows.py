"""The workflow action "send a webhook": a record as the object API gives it, signed the v2 way."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from threading import Event, Lock

import requests

from infra.sandbox._serving.errors import Wire
from infra.sandbox._serving.posting import post
from infra.sandbox.hubspot.objects_api import to_json
from infra.sandbox.hubspot.portal import Portal
from infra.sandbox.hubspot.records import ObjectType, Record
from infra.sandbox.hubspot.signature import signed_headers

CONNECT_TIMEOUT_S = 3.0
TOO_MANY_REQUESTS = 429
_OK = range(200, 300)
_CLIENT_ERRORS = range(400, 500)
_WORKERS = 8


@dataclass(frozen=True, slots=True)
class WebhookAction:
    """Where a workflow sends its records.

    HubSpot retries for three days, first after a minute, then at growing gaps of up to eight
    hours; here the first waits ``retry_ms``, each further one twice as long, up to
    ``retry_limit_ms``. A 4xx ends it, except 429, whose Retry-After counts milliseconds.
    """

    target_url: str
    secret: str
    timeout_seconds: float = 30.0
    retries: int = 10
    retry_ms: int = 100
    retry_limit_ms: int = 2_000


@dataclass(frozen=True, slots=True)
class ActionAttempt:
    """``status`` is None if there was no answer."""

    kind: str
    record_id: str
    attempt: int
    status: int | None

    def to_json(self) -> Wire:
        return asdict(self)


class Workflows:
    def __init__(self, portal: Portal, clock_ms: Callable[[], int]) -> None:
        self._portal = portal
        self._clock_ms = clock_ms
        self._stopped = Event()
        self._lock = Lock()
        self._attempts: list[ActionAttempt] = []
        self._running: set[Future[None]] = set()
        self._pool = ThreadPoolExecutor(_WORKERS, "workflow")

    def enrol(self, action: WebhookAction, kind: ObjectType, record_id: str) -> None:
        """Send the record as it is now. Raises the 404."""
        with self._portal.lock:
            record = self._portal.get(kind, record_id)
            body = json.dumps(_everything(self._portal, record)).encode()
        future = self._pool.submit(self._deliver, action, record, body)
        with self._lock:
            self._running.add(future)

    def flush(self, timeout: float) -> bool:
        """Wait until no action is under way; False if that took too long."""
        with self._lock:
            running = set(self._running)
        done, late = wait(running, timeout)
        with self._lock:
            self._running -= done
        return not late

    def attempts(self) -> tuple[ActionAttempt, ...]:
        with self._lock:
            return tuple(self._attempts)

    def stop(self) -> None:
        """Waits for what is in flight; what is still to be retried is given up."""
        self._stopped.set()
        self._pool.shutdown(cancel_futures=True)

    def _deliver(self, action: WebhookAction, record: Record, body: bytes) -> None:
        for attempt in range(action.retries + 1):
            answer = self._post(action, body)
            status = answer.status_code if answer is not None else None
            self._note(ActionAttempt(record.kind.name, record.id, attempt, status))
            if status in _OK or (status in _CLIENT_ERRORS and status != TOO_MANY_REQUESTS):
                return
            if self._stopped.wait(_gap_s(action, attempt, answer)):
                return

    def _note(self, attempt: ActionAttempt) -> None:
        with self._lock:
            self._attempts.append(attempt)

    def _post(self, action: WebhookAction, body: bytes) -> requests.Response | None:
        url = action.target_url
        headers = signed_headers(action.secret, url, body, self._clock_ms(), "v2")
        timeout = CONNECT_TIMEOUT_S, action.timeout_seconds
        return post(url, body, headers, timeout)


def _gap_s(action: WebhookAction, attempt: int, answer: requests.Response | None) -> float:
    asked = "" if answer is None else answer.headers.get("Retry-After", "")
    if asked.isdecimal():
        return int(asked) / 1000
    return min(action.retry_ms * 2.0**attempt, action.retry_limit_ms) / 1000


def _everything(portal: Portal, record: Record) -> Wire:
    """With every property that has a value."""
    names = [one.name for one in portal.schema.definitions(record.kind)]
    return to_json(portal, record, [name for name in names if portal.value(record, name)])
