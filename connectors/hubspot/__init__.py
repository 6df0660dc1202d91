"""HubSpot: contacts scored from their own fields, their companies and their deals."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from chalicelib.core.connector import (
    Access,
    Connection,
    Connector,
    CrmClient,
    Event,
    Request,
    Secret,
)
from chalicelib.core.errors import UnknownConnection
from connectors.hubspot import signature, webhook, workflow

# Receive imports this module, and starts faster without what only the checker needs.
if TYPE_CHECKING:
    from chalicelib.core.policy import Attribute


def _verify(request: Request, secret: Secret, now: datetime) -> None:
    if request.channel and request.channel not in workflow.CHANNELS:
        raise UnknownConnection("HubSpot has no such channel")
    signature.verify(request, secret, now)


def _check_shape(request: Request) -> None:
    check = workflow.check_shape if request.channel else webhook.check_shape
    check(request.body)


def _parse(request: Request, connection: Connection) -> tuple[Event, ...]:
    parse = workflow.parse if request.channel else webhook.parse
    return parse(request, connection)


def _connect(
    connection: Connection, secret: Secret, attributes: Sequence[Attribute], access: Access
) -> CrmClient:
    from connectors.hubspot.client import HubSpotClient

    return HubSpotClient(connection, secret, attributes, access)


CONNECTOR = Connector(
    name="hubspot",
    base_url="https://api.hubapi.com",
    api_version="2026-03",
    content_types=("application/json",),
    verify=_verify,
    check_shape=_check_shape,
    parse=_parse,
    connect=_connect,
    rings_both_ends=True,
)
