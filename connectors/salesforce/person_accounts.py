"""Writing onto people without a company: an account and a contact that are one.

Where Salesforce does not let such a contact be changed, its account is, on which each field of our
own on contacts stands as well, by another name: ``Emtiaz_Score__pc``. Who is of that kind is known
by the refusal alone, so that organisations without them are asked for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chalicelib.core.model import Json
from connectors.salesforce.api import SalesforceApi
from connectors.salesforce.batch_write import PersonAccountRefused, Refusals, Values
from connectors.salesforce.batch_write import write as write_records
from connectors.salesforce.ids import full
from connectors.salesforce.owned import SUFFIX
from connectors.salesforce.records import ACCOUNT, ID, PERSON_CONTACT
from connectors.salesforce.schema import Schema
from connectors.salesforce.soql import among, select

ON_ACCOUNT = "__pc"


def write(
    api: SalesforceApi, name: str, values: Values, order: Sequence[str], ends: float
) -> Refusals:
    """As ``batch_write.write``, and once more by their accounts for whom that takes."""
    refusals = write_records(api, name, values, ends, order)
    persons = [one for one, why in refusals.items() if isinstance(why, PersonAccountRefused)]
    accounts = _accounts(api, persons) if persons else {}
    of_accounts = {accounts[one]: _renamed(values[one]) for one in persons if one in accounts}
    contacts = {account: contact for contact, account in accounts.items()}
    refused = write_records(api, "Account", of_accounts, ends)
    kept = {one: why for one, why in refusals.items() if one not in accounts}
    return kept | {contacts[account]: why for account, why in refused.items()}


def _accounts(api: SalesforceApi, contacts: Sequence[str]) -> Mapping[str, str]:
    """By contact, for those that can be seen."""
    (rows,) = api.queries([select([ID, ACCOUNT], "Contact", among(ID, contacts))])
    found = {full(row[ID]): full(row.get(ACCOUNT)) for row in rows}
    return {contact: account for contact, account in found.items() if account}


def accounts_of(api: SalesforceApi, schema: Schema, contacts: Sequence[str]) -> Mapping[str, str]:
    """By contact, for those who are one with their account; people look at that alone.

    ``schema`` has looked at accounts.
    """
    if not contacts or not schema.has("Account", PERSON_CONTACT):
        return {}
    query = select([ID, PERSON_CONTACT], "Account", among(PERSON_CONTACT, contacts))
    (rows,) = api.queries([query])
    return {full(row[PERSON_CONTACT]): full(row[ID]) for row in rows}


def _renamed(values: Mapping[str, Json]) -> dict[str, Json]:
    return {
        name.removesuffix(SUFFIX) + ON_ACCOUNT if name.endswith(SUFFIX) else name: value
        for name, value in values.items()
    }
