"""HubSpot: contacts scored from their own fields, their companies and their deals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from chalicelib.core.connector import Access, Connection, Connector, CrmClient, Secret
from connectors.hubspot.webhook import check_shape, parse, verify

# Receive imports this module, and starts faster without what only the checker needs.
if TYPE_CHECKING:
    from chalicelib.core.policy import Attribute


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
    verify=verify,
    check_shape=check_shape,
    parse=parse,
    connect=_connect,
)
