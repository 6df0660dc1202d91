"""What the client must be allowed to do: no more than the policy makes it do."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from chalicelib.core.model import Kind

BASE = (
    "ZohoCRM.modules.contacts.READ",
    "ZohoCRM.modules.contacts.UPDATE",
    "ZohoCRM.modules.leads.READ",
    "ZohoCRM.modules.leads.UPDATE",
    "ZohoCRM.modules.accounts.READ",
    "ZohoCRM.modules.deals.READ",
    "ZohoCRM.coql.READ",
    "ZohoCRM.bulk.READ",
    "ZohoCRM.bulk.CREATE",
    "ZohoCRM.notifications.ALL",
    "ZohoCRM.settings.modules.READ",
    "ZohoCRM.settings.fields.READ",
    "ZohoCRM.settings.fields.CREATE",
    "ZohoCRM.settings.fields.UPDATE",
    "ZohoCRM.settings.currencies.READ",
    "ZohoCRM.org.READ",
    "ZohoCRM.users.READ",
)

OF_KIND: Mapping[Kind, tuple[str, ...]] = {
    "ticket": ("ZohoCRM.modules.cases.READ",),
    "line_item": ("ZohoCRM.modules.products.READ",),
}
"""For kinds of record that only some policies look at."""

OF_MODULE: Mapping[str, str] = {
    "Calls": "ZohoCRM.modules.calls.READ",
    "Events": "ZohoCRM.modules.events.READ",
    "Tasks": "ZohoCRM.modules.tasks.READ",
    "Campaigns": "ZohoCRM.modules.campaigns.READ",
    "Visits_Zoho_Livedesk": "ZohoCRM.modules.visits.READ",
}
"""For what was done with people, where an attribute names it as in ``Calls.Call_Start_Time``."""

OPTIONAL = (
    "ZohoCRM.modules.accounts.UPDATE",
    "ZohoCRM.modules.tasks.CREATE",
    "ZohoCRM.modules.notes.CREATE",
)
"""For scores of companies, and for what is announced as a task or a note."""

_WIDER: Mapping[str, frozenset[str]] = {
    "CREATE": frozenset({"WRITE"}),
    "UPDATE": frozenset({"WRITE"}),
}


def is_granted(scope: str, granted: Collection[str]) -> bool:
    """By itself or by a wider one, as an admin may have typed it. Case does not count.

    >>> is_granted("ZohoCRM.modules.leads.UPDATE", ["ZohoCRM.modules.ALL"])
    True
    >>> is_granted("ZohoCRM.modules.leads.UPDATE", ["ZohoCRM.modules.leads.write"])
    True
    >>> is_granted("ZohoCRM.modules.leads.UPDATE", ["ZohoCRM.modules.leads.READ"])
    False
    """
    place, _, operation = scope.lower().rpartition(".")
    enough = {operation, "all", *(one.lower() for one in _WIDER.get(operation.upper(), ()))}
    return any(_covers(one.lower(), place, enough) for one in granted)


def _covers(granted: str, place: str, enough: Collection[str]) -> bool:
    above, _, operation = granted.rpartition(".")
    return operation in enough and f"{place}.".startswith(f"{above}.")
