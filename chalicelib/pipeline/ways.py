"""How an announcement leaves the house. Webhooks and events are sent at least once, with a stable
id; tasks, notes and mails, which nobody could tell from a repetition, are claimed before.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from chalicelib import logs
from chalicelib.core.announcements import AT_MOST_ONCE, Announcement, Way
from chalicelib.core.connector import Errand, TakesErrands, WebhookEndpoint
from chalicelib.core.errors import CrmStumbled, CrmUnavailable, InDoubt, Parked, Retryable
from chalicelib.core.facts import iso
from chalicelib.core.model import Json
from chalicelib.core.outgoing import (
    Answer,
    EventBus,
    Mailer,
    Outbox,
    Outgoing,
    Unreachable,
    Webhooks,
)
from chalicelib.localization.sms import parts
from chalicelib.pipeline.bells import Bell
from chalicelib.pipeline.pause import Guard
from chalicelib.pipeline.services import Services

_DELIVERED = range(200, 300)


@dataclass(frozen=True, slots=True)
class Ways:
    """``mailer`` is None where an installation sends no mail.

    ``wall`` tells the time of the world, by which receivers judge signatures; the clock of a
    rehearsal may be elsewhere.
    """

    outbox: Outbox
    webhooks: Webhooks
    bus: EventBus
    mailer: Mailer | None
    wall: Callable[[], datetime]


def deliver(bell: Bell, outgoing: Outgoing, services: Services, ways: Ways) -> None:
    """By the way of the bell, and mark it. Raises ``Retryable`` or ``Parked``."""
    announcement = outgoing.announcement
    if bell.way in AT_MOST_ONCE:
        _at_most_once(bell, announcement, services, ways)
    elif bell.way == "webhook":
        _webhooks(bell, outgoing, services, ways)
    else:
        ways.bus.put(announcement.kind, content(announcement))
    ways.outbox.mark_done(bell.subject, bell.id, bell.way)


def content(announcement: Announcement) -> dict[str, Json]:
    """What receivers read of it."""
    customer, rep = announcement.customer, announcement.rep
    return {
        "id": announcement.id,
        "connection": announcement.subject.connection,
        "subject": str(announcement.subject),
        "rule": announcement.rule,
        "kind": announcement.kind,
        "at": iso(announcement.at),
        "data": dict(announcement.data),
        "text": {
            "rep": {"en": rep.en, "fa": rep.fa},
            "customer": {"en": customer.en, "fa": customer.fa},
        },
        "sms_parts": {"en": parts(customer.en), "fa": parts(customer.fa)},
    }


def webhook_body(announcement: Announcement) -> bytes:
    """The form that the Standard Webhooks specification advises; the same in every attempt."""
    told = content(announcement)
    body = {"type": announcement.kind, "timestamp": told["at"], "data": told}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _webhooks(bell: Bell, outgoing: Outgoing, services: Services, ways: Ways) -> None:
    """To all receivers that have not had it; one that fails keeps none of the others waiting."""
    endpoints = services.secrets.get(bell.subject.connection).outgoing
    if not endpoints:
        logs.warning("nobody to send webhooks to", connection=bell.subject.connection)
    body, failures = webhook_body(outgoing.announcement), []
    for endpoint in endpoints:
        mark = f"webhook:{endpoint.id}"
        if mark in outgoing.done:
            continue
        if failure := _posted(endpoint, bell.id, body, ways):
            failures.append(failure)
        else:
            ways.outbox.mark_done(bell.subject, bell.id, mark)
    if failures:
        raise _worst(failures)


def _posted(
    endpoint: WebhookEndpoint, id_: str, body: bytes, ways: Ways
) -> Retryable | Parked | None:
    """None if the receiver has it."""
    try:
        answer = ways.webhooks.send(endpoint, id_, body, ways.wall())
    except Unreachable as error:
        return (Parked if error.hopeless else Retryable)(f"{endpoint.id}: {error}")
    if answer.status in _DELIVERED:
        return None
    return _refusal(endpoint, answer)


def _refusal(endpoint: WebhookEndpoint, answer: Answer) -> Retryable | Parked:
    """Any refusal may be over tomorrow, but for one that says that it never will."""
    text = f"{endpoint.id} answered {answer.status}"
    if answer.status == HTTPStatus.GONE:
        return Parked(text)
    return Retryable(text, retry_after=answer.retry_after)


def _worst(failures: Sequence[Retryable | Parked]) -> Retryable | Parked:
    """While one may still take it, it is tried again."""
    text = "; ".join(map(str, failures))
    passing = [one for one in failures if isinstance(one, Retryable)]
    if not passing:
        return Parked(text)
    waits = [one.retry_after for one in passing if one.retry_after is not None]
    return Retryable(text, retry_after=min(waits, default=None))


def _at_most_once(bell: Bell, announcement: Announcement, services: Services, ways: Ways) -> None:
    """Claimed, then made. What may have been made is parked, for a person to look."""
    if bell.again:
        ways.outbox.release(bell.subject, bell.id, bell.way)
    if not ways.outbox.claim(bell.subject, bell.id, bell.way):
        raise InDoubt("in doubt: it was begun before, and may have been made")
    try:
        _MAKERS[bell.way](announcement, services, ways)
    except CrmUnavailable as error:
        if error.in_doubt or isinstance(error, CrmStumbled):
            raise InDoubt(f"in doubt: {error}") from error
        ways.outbox.release(bell.subject, bell.id, bell.way)
        raise
    except InDoubt:
        raise
    except (Retryable, Parked):
        ways.outbox.release(bell.subject, bell.id, bell.way)
        raise


def _task(announcement: Announcement, services: Services, _ways: Ways) -> None:
    client, guard = _errands(announcement, services)
    with guard:
        client.create_task(announcement.subject, _errand(announcement))


def _note(announcement: Announcement, services: Services, _ways: Ways) -> None:
    client, guard = _errands(announcement, services)
    with guard:
        client.create_note(announcement.subject, _errand(announcement))


def _errands(announcement: Announcement, services: Services) -> tuple[TakesErrands, Guard]:
    live = services.settings.live(announcement.subject.connection)
    client = services.client(live)
    if not isinstance(client, TakesErrands):
        raise Parked(f"{live.connection.crm} takes no tasks or notes from us")
    return client, Guard(live, services.settings, services.clock)


def _errand(announcement: Announcement) -> Errand:
    """The customer's text comes along, so that the rep can send it."""
    rep = announcement.rep.in_language(announcement.language)
    customer = announcement.customer.in_language(announcement.language)
    return Errand(rep, f"{rep}\n\n{customer}", announcement.at)


def _mail(announcement: Announcement, services: Services, ways: Ways) -> None:
    """Nothing goes to who has no address, or has said that they want none."""
    address = _address(announcement, services)
    if ways.mailer is None or not address:
        logs.info("no mail", announcement=announcement.id, is_on=ways.mailer is not None)
        return
    text = announcement.customer.in_language(announcement.language)
    ways.mailer.send(address, text, text)


def _address(announcement: Announcement, services: Services) -> str:
    record = services.store.load(announcement.subject).facts.record()
    told: Mapping[str, Json] = record.data if record else {}
    mailing = announcement.mailing
    if mailing is None or told.get(mailing.opted_out):
        return ""
    address = str(told.get(mailing.address) or "")
    return address if "@" in address else ""


_MAKERS: Mapping[Way, Callable[[Announcement, Services, Ways], None]] = {
    "crm_task": _task,
    "crm_note": _note,
    "email": _mail,
}
