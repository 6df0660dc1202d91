"""A delivery arrives: check it as strictly as it can be checked without reading, and queue it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from chalicelib.core.connector import BUS, Connector, Request, Secret
from chalicelib.core.errors import (
    BodyTooLarge,
    SignatureInvalid,
    UnknownConnection,
    UnsupportedMedia,
)
from chalicelib.core.model import CONNECTION_ID, crm_of
from chalicelib.pipeline.messages import delivery_message
from chalicelib.pipeline.services import Edge

BODY_LIMIT = 512 * 1024


def receive(
    delivery: str, connection: str, request: Request, edge: Edge, now: datetime
) -> tuple[str, str] | None:
    """Queue a delivery or raise ``Rejected``, with nothing stored.

    Returns media type and body of the answer that its CRM waits for, None where any will do.
    Raises ``Retryable`` if the queue would not take it: answer 503, the sender tries again.
    """
    check_size(request)
    connector = _connector(connection, edge)
    if request.channel == BUS:
        raise UnknownConnection("no address leads to the bus")
    check_media_type(request, connector.content_types)
    check_signature(connection, edge, partial(_verify, connector, request, now))
    connector.check_shape(request)
    kept = request if connector.signs else replace(request, channel="")  # a secret, which served
    edge.intake.send([delivery_message(delivery, connection, kept, now)])
    return connector.acknowledge(request)


def check_size(request: Request) -> None:
    if len(request.body) > BODY_LIMIT:
        raise BodyTooLarge(f"the body has {len(request.body)} bytes, the limit is {BODY_LIMIT}")


def _connector(connection: str, edge: Edge) -> Connector:
    if not CONNECTION_ID.match(connection):
        raise UnknownConnection("no such connection")
    return edge.load_connector(crm_of(connection))


def check_media_type(request: Request, known: Sequence[str]) -> None:
    media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if media_type not in known:
        raise UnsupportedMedia(f"send {' or '.join(known)}")


def check_signature(connection: str, edge: Edge, verify: Callable[[Secret], None]) -> None:
    secret = edge.secrets.get(connection)
    try:
        verify(secret)
    except SignatureInvalid:
        # The secret may have been rotated since it was cached.
        fresh = edge.secrets.get(connection, fresh=True)
        if fresh == secret:
            raise
        verify(fresh)


def _verify(connector: Connector, request: Request, now: datetime, secret: Secret) -> None:
    connector.verify(request, secret, now)
    if secret.certificates and request.certificate not in secret.certificates:
        shown = request.certificate[:200] or "none"
        raise SignatureInvalid(f"it needs another client certificate; it came with {shown}")
