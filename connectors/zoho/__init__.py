"""Zoho CRM: contacts and leads scored from their own fields, their accounts and their deals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from chalicelib.core.connector import Access, Connection, Connector, CrmClient, Secret
from connectors.zoho import signature, webhook

# Receive imports this module, and starts faster without what only the checker needs.
if TYPE_CHECKING:
    from chalicelib.core.policy import Attribute


def _connect(
    connection: Connection, secret: Secret, attributes: Sequence[Attribute], access: Access
) -> CrmClient:
    from connectors.zoho.client import ZohoClient

    return ZohoClient(connection, secret, attributes, access)


CONNECTOR = Connector(
    name="zoho",
    base_url="https://www.zohoapis.com",
    api_version="v8",
    content_types=(
        "application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
    ),
    verify=signature.verify,
    check_shape=webhook.check_shape,
    parse=webhook.parse,
    connect=_connect,
    signs=False,
)
