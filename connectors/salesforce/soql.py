"""SOQL: what we ask Salesforce for, one object at a time with the parents that it names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from chalicelib.core.facts import iso


@dataclass(frozen=True, slots=True)
class Query:
    """``everything`` asks also for what lies in the recycle bin or was archived."""

    text: str
    everything: bool = False


def select(fields: Iterable[str], table: str, where: str, *, everything: bool = False) -> Query:
    # Names come from descriptions of the organisation, and values through ``literal``.
    text = f"SELECT {', '.join(sorted(set(fields)))} FROM {table} WHERE {where}"  # noqa: S608
    return Query(text, everything)


def ids(table: str) -> str:
    return f"SELECT Id FROM {table}"  # noqa: S608 - a name of ours


def count(table: str, where: str = "") -> Query:
    condition = f" WHERE {where}" if where else ""
    return Query(f"SELECT COUNT() FROM {table}{condition}")  # noqa: S608 - a name of ours


def among(field: str, ids: Sequence[str]) -> str:
    """A condition of a query.

    >>> among("Id", ["003Ws00000A1b2CIAR"])
    "Id IN ('003Ws00000A1b2CIAR')"
    """
    return f"{field} IN ({', '.join(map(literal, ids))})"


def of_persons(contacts: Sequence[str]) -> str:
    """A condition on records of accounts that are persons: the contacts of these ids.

    It goes by the accounts' ids, which have an index, and leaves to a field of theirs no more than
    to tell persons from companies.

    >>> print(of_persons(["003Ws00000A1b2CIAR"]))  # doctest: +NORMALIZE_WHITESPACE
    AccountId IN (SELECT AccountId FROM Contact WHERE Id IN ('003Ws00000A1b2CIAR'))
    AND Account.PersonContactId != null
    """
    # A condition of ours, of names of ours and ids through ``literal``.
    accounts = f"SELECT AccountId FROM Contact WHERE {among('Id', contacts)}"  # noqa: S608
    return f"AccountId IN ({accounts}) AND Account.PersonContactId != null"


def in_nobodys_role(*, persons: bool) -> str:
    """A condition on won opportunities that no contact has a role in.

    ``persons`` leaves out those of accounts that are persons.
    """
    roles = "Id NOT IN (SELECT OpportunityId FROM OpportunityContactRole)"
    return f"IsWon = true AND {roles}" + (" AND Account.PersonContactId = null" if persons else "")


def literal(text: str) -> str:
    r"""A text as SOQL quotes it.

    >>> literal("O'Neil")
    "'O\\'Neil'"
    """
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def moment(at: datetime) -> str:
    """Without quotes, as SOQL wants it."""
    return iso(at)
