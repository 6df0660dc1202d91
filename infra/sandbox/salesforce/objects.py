"""Kinds of record, and how describe tells them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from infra.sandbox._serving.errors import Wire
from infra.sandbox.salesforce.fields import Field, flag, instant, lookup, text

SYSTEM_FIELDS = (
    Field(name="Id", type="id", length=18, writes=""),
    flag("IsDeleted", writes=""),
    instant("CreatedDate", writes=""),
    lookup("CreatedById", "User", writes=""),
    instant("LastModifiedDate", writes=""),
    lookup("LastModifiedById", "User", writes=""),
    instant("SystemModstamp", writes=""),
)
CURRENCY = text("CurrencyIsoCode", 3, feature="multicurrency")


@dataclass(frozen=True, slots=True)
class SObject:
    """``children`` are by the name of the relationship: an object, and its field that refers here.

    Those with ``read_only`` are set-up: the API writes none. An org without the ``feature`` of an
    object does not know it.
    """

    name: str
    prefix: str
    fields: tuple[Field, ...]
    children: Mapping[str, tuple[str, str]]
    read_only: bool = False
    plural: str = ""
    feature: str = ""

    def summary(self, root: str) -> Wire:
        """As the list of all objects has it; ``root`` is the address of the API's version."""
        address, writable = f"{root}/sobjects/{self.name}", not self.read_only
        return {
            "name": self.name,
            "label": self.name,
            "labelPlural": self.plural or f"{self.name}s",
            "keyPrefix": self.prefix,
            "custom": self.name.endswith("__c"),
            "createable": writable,
            "updateable": writable,
            "deletable": writable,
            "undeletable": writable,
            "mergeable": self.name in {"Account", "Contact", "Lead"},
            "queryable": True,
            "retrieveable": True,
            "urls": {
                "sobject": address,
                "describe": f"{address}/describe",
                "rowTemplate": f"{address}/{{ID}}",
            },
        }


def _children(**relationships: str) -> Mapping[str, tuple[str, str]]:
    """``Contacts="Contact.AccountId"``."""
    pairs = {name: where.split(".") for name, where in relationships.items()}
    return {name: (found[0], found[1]) for name, found in pairs.items()}


def sobject(
    name: str,
    prefix: str,
    *fields: Field,
    read_only: bool = False,
    plural: str = "",
    feature: str = "",
    **children: str,
) -> SObject:
    everything = (SYSTEM_FIELDS[0], *fields, *SYSTEM_FIELDS[1:])
    return SObject(name, prefix, everything, _children(**children), read_only, plural, feature)
