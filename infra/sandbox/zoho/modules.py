"""The standard modules, and which lists of others hang on a record of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from infra.sandbox.zoho.errors import unknown_module


@dataclass(frozen=True, slots=True, eq=False)
class Module:
    """``number`` is the end of its id. ``required`` are the fields without which none is made.

    ``display`` names a record. Nothing rings for one that is not ``watched``.
    """

    name: str
    singular: str
    number: int
    display: str
    required: tuple[str, ...]
    watched: bool = True

    @property
    def id(self) -> str:
        return f"572576700000{self.number:07}"

    @property
    def scope(self) -> str:
        return self.name.lower()


LEADS = Module("Leads", "Lead", 2175, "Last_Name", ("Last_Name",))
ACCOUNTS = Module("Accounts", "Account", 2177, "Account_Name", ("Account_Name",))
CONTACTS = Module("Contacts", "Contact", 2179, "Last_Name", ("Last_Name",))
DEALS = Module("Deals", "Deal", 2181, "Deal_Name", ("Deal_Name", "Stage"))
CAMPAIGNS = Module("Campaigns", "Campaign", 2183, "Campaign_Name", ("Campaign_Name",))
TASKS = Module("Tasks", "Task", 2185, "Subject", ("Subject",))
CASES = Module("Cases", "Case", 2187, "Subject", ("Subject", "Status", "Case_Origin"))
EVENTS = Module(
    "Events", "Meeting", 2189, "Event_Title", ("Event_Title", "Start_DateTime", "End_DateTime")
)
CALLS = Module("Calls", "Call", 2191, "Subject", ("Subject", "Call_Type", "Call_Start_Time"))
PRODUCTS = Module("Products", "Product", 2193, "Product_Name", ("Product_Name",))
NOTES = Module("Notes", "Note", 2195, "Note_Title", ("Note_Content", "Parent_Id"), watched=False)

MODULES: Mapping[str, Module] = {
    one.name: one
    for one in (
        LEADS, ACCOUNTS, CONTACTS, DEALS, CAMPAIGNS, TASKS, CASES, EVENTS, CALLS, PRODUCTS, NOTES,
    )
}  # fmt: skip

RELATED: Mapping[Module, Mapping[str, tuple[Module, str]]] = {
    CONTACTS: {
        "Deals": (DEALS, "Contact_Name"),
        "Cases": (CASES, "Related_To"),
        "Tasks": (TASKS, "Who_Id"),
        "Events": (EVENTS, "Who_Id"),
        "Calls": (CALLS, "Who_Id"),
        "Notes": (NOTES, "Parent_Id"),
    },
    LEADS: {
        "Tasks": (TASKS, "What_Id"),
        "Events": (EVENTS, "What_Id"),
        "Calls": (CALLS, "What_Id"),
        "Notes": (NOTES, "Parent_Id"),
    },
    ACCOUNTS: {
        "Contacts": (CONTACTS, "Account_Name"),
        "Deals": (DEALS, "Account_Name"),
        "Cases": (CASES, "Account_Name"),
        "Notes": (NOTES, "Parent_Id"),
    },
    DEALS: {
        "Tasks": (TASKS, "What_Id"),
        "Events": (EVENTS, "What_Id"),
        "Calls": (CALLS, "What_Id"),
        "Notes": (NOTES, "Parent_Id"),
    },
}
"""By the name of the list: which records, and the lookup of theirs that leads here."""


def module_named(name: str) -> Module:
    """Raises ``ApiError``."""
    if name not in MODULES:
        raise unknown_module(name)
    return MODULES[name]
