"""Salesforce: contacts and leads scored from their fields, accounts, deals and activities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from chalicelib.core.connector import (
    BUS,
    Access,
    Connection,
    Connector,
    CrmClient,
    Event,
    Request,
    Secret,
)
from connectors.salesforce import callout, change_data, ids, outbound, signature

# Receive imports this module, and starts faster without what only the checker needs.
if TYPE_CHECKING:
    from chalicelib.core.policy import Attribute


def _check_shape(request: Request) -> None:
    check = callout.check_shape if request.channel == signature.FLOW else outbound.check_shape
    check(request.body)


def _parse(request: Request, connection: Connection) -> tuple[Event, ...]:
    """By the body: an address that was good is not kept, as it may be a secret."""
    if request.channel == BUS:
        return change_data.parse(request, connection)
    is_callout = request.body.lstrip().startswith(b"{")
    parse = callout.parse if is_callout else outbound.parse
    return parse(request, connection)


def _acknowledge(request: Request) -> tuple[str, str] | None:
    return None if request.channel == signature.FLOW else outbound.ACKNOWLEDGEMENT


def _connect(
    connection: Connection, secret: Secret, attributes: Sequence[Attribute], access: Access
) -> CrmClient:
    from connectors.salesforce.client import SalesforceClient

    return SalesforceClient(connection, secret, attributes, access)


CONNECTOR = Connector(
    name="salesforce",
    base_url="https://login.salesforce.com",
    api_version="v66.0",
    content_types=("text/xml", "application/json"),
    verify=signature.verify,
    check_shape=_check_shape,
    parse=_parse,
    connect=_connect,
    # Flow's callouts are signed; but an Outbound Message proves nothing beyond its address.
    signs=False,
    acknowledge=_acknowledge,
    takes_topics=True,
    record_id=ids.spelled,
)
