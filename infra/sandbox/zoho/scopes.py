"""Which granted scope opens what."""

from __future__ import annotations

from collections.abc import Iterable

EVERYTHING = (
    "ZohoCRM.modules.ALL", "ZohoCRM.settings.ALL", "ZohoCRM.notifications.ALL",
    "ZohoCRM.coql.READ", "ZohoCRM.bulk.ALL", "ZohoCRM.org.READ", "ZohoCRM.users.READ",
    "ZohoSearch.securesearch.READ",
)  # fmt: skip
_WIDER = {"CREATE": ("WRITE",), "UPDATE": ("WRITE",)}


def opens(granted: Iterable[str], needed: str) -> bool:
    """A wider one opens the narrower.

    >>> opens(["ZohoCRM.modules.ALL"], "ZohoCRM.modules.contacts.READ")
    True
    >>> opens(["ZohoCRM.modules.leads.READ"], "ZohoCRM.modules.contacts.READ")
    False
    >>> opens(["ZohoCRM.modules.contacts.WRITE"], "ZohoCRM.modules.contacts.UPDATE")
    True
    """
    *path, operation = needed.split(".")
    operations = ("ALL", operation, *_WIDER.get(operation, ()))
    return any(_covers(one.split("."), path, operations) for one in granted)


def _covers(granted: list[str], path: list[str], operations: tuple[str, ...]) -> bool:
    *start, operation = granted
    wanted = [part.lower() for part in path[: len(start)]]
    return operation in operations and [part.lower() for part in start] == wanted
