"""Records by the ids that people and other systems tell, who may spell them as they like."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from chalicelib.core.facts import ORDER
from chalicelib.core.model import Json, Ref

RecordId = Callable[[str], str]
"""``Connector.record_id``"""

_RECORDS = ("deal:", ORDER)
"""How the purchases begin that are records of the CRM's."""


def told_ref(text: str, connection: str, record_id: RecordId) -> Ref:
    """A record of the connection by its ref, or a contact by its id. Raises ValueError.

    >>> told_ref("0512", "toy-main", lambda identity: identity.lstrip("0"))
    Ref(connection='toy-main', kind='contact', id='512')
    """
    ref = Ref.parse(text if ":" in text else f"{connection}:contact:{text}")
    if ref.connection != connection:
        raise ValueError("it is of another connection")
    if ":" in ref.id:
        raise ValueError("it has more parts than a ref")
    return replace(ref, id=record_id(ref.id))


def told_data(data: Mapping[str, Json], record_id: RecordId) -> dict[str, Json]:
    """Of a purchase or a refund, which may name a deal or an order of the CRM's.

    >>> told_data({"deal": "0512"}, lambda identity: identity.lstrip("0"))
    {'deal': '512'}
    >>> told_data({"purchase": "deal:0512"}, lambda identity: identity.lstrip("0"))
    {'purchase': 'deal:512'}
    """
    found = dict(data)
    if isinstance(deal := data.get("deal"), str):
        found["deal"] = record_id(deal)
    if isinstance(purchase := data.get("purchase"), str):
        found["purchase"] = told_id(purchase, record_id)
    return found


def told_id(text: str, record_id: RecordId) -> str:
    """Of a purchase or a refund.

    >>> told_id("deal:0512", lambda identity: identity.lstrip("0"))
    'deal:512'
    >>> told_id("0512", lambda identity: identity.lstrip("0"))
    '0512'
    """
    kind, colon, identity = text.partition(":")
    return f"{kind}:{record_id(identity)}" if kind + colon in _RECORDS else text
