"""The fields that are ours, in a module of its own: receive needs no more than this.

Zoho makes the API name of a field itself, so it is kept among the connection's details.
"""

from __future__ import annotations

from chalicelib.core.connector import Connection
from chalicelib.core.model import Kind

_FIELD = "field."

BOOKKEEPING = frozenset({"Modified_Time", "Modified_By", "Tag"})
"""Changed by any write of ours, and an input of nothing."""


def detail(kind: Kind, output: str) -> str:
    """Under which the details keep the API name of an output's field."""
    return f"{_FIELD}{kind}.{output}"


def owned_fields(connection: Connection, kind: Kind) -> frozenset[str]:
    """API names of our fields on records of a kind."""
    begins = detail(kind, "")
    return frozenset(name for key, name in connection.details.items() if key.startswith(begins))
