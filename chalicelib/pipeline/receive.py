"""A delivery arrives: check it as strictly as it can be checked without reading, and queue it."""

from __future__ import annotations

from datetime import datetime

from chalicelib.core.connector import Connector, Request
from chalicelib.core.errors import (
    BodyTooLarge,
    SignatureInvalid,
    UnknownConnection,
    UnsupportedMedia,
)
from chalicelib.core.model import CONNECTION_ID
from chalicelib.pipeline.messages import delivery_message
from chalicelib.pipeline.services import Edge

BODY_LIMIT = 512 * 1024


def receive(delivery: str, connection: str, request: Request, edge: Edge, now: datetime) -> None:
    """Queue a delivery or raise ``Rejected``, with nothing stored.

    Raises ``Retryable`` if the queue would not take it: answer 503, the sender tries again.
    """
    _check_size(request)
    connector = _connector(connection, edge)
    _check_media_type(request, connector)
    _check_signature(connection, request, connector, edge, now)
    connector.check_shape(request)
    edge.intake.send([delivery_message(delivery, connection, request, now)])


def _check_size(request: Request) -> None:
    if len(request.body) > BODY_LIMIT:
        raise BodyTooLarge(f"the body has {len(request.body)} bytes, the limit is {BODY_LIMIT}")


def _connector(connection: str, edge: Edge) -> Connector:
    if not CONNECTION_ID.match(connection):
        raise UnknownConnection("no such connection")
    return edge.load_connector(connection.split("-", 1)[0])


def _check_media_type(request: Request, connector: Connector) -> None:
    media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if media_type not in connector.content_types:
        raise UnsupportedMedia(f"send {' or '.join(connector.content_types)}")


def _check_signature(
    connection: str, request: Request, connector: Connector, edge: Edge, now: datetime
) -> None:
    secret = edge.secrets.get(connection)
    try:
        connector.verify(request, secret, now)
    except SignatureInvalid:
        # The secret may have been rotated since it was cached.
        fresh = edge.secrets.get(connection, fresh=True)
        if fresh == secret:
            raise
        connector.verify(request, fresh, now)
