"""What chances are told by: a subject's attributes and what it did lately, as one row.

Of every kind of activity a count that halves every fortnight, of the last 90 days; what is older
counts no more, so that a row that nothing new is added to stays as it is after 90 days.

No row has a name, a gender, an address or an owner: a chance shall not hang on these. Nor has it
what this project wrote into the CRM, which would tell a score by itself.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache

from chalicelib.core.model import SENT, Text
from chalicelib.core.policy import Attribute, Policy, Profile
from chalicelib.localization import predictions
from chalicelib.prediction.propensity import Value, is_missing

LATELY = timedelta(days=90)
HALF_LIFE_DAYS = 14

MOST_COUNTED = 1_000_000
"""Times that one activity counts at most, as often as an event may."""

KINDS, QUIET, DID = "kinds", "quiet_days", "did:"

BOUGHT = "bought"
"""How often they bought so far, whatever is hoped for."""

RENEWAL = "renewal:"
"""Before what is known of subscribers alone."""

_TYPES = frozenset({"choice", "boolean", "number", "text"})
_NEVER = frozenset({
    "address", "assigned", "email", "emtiaz", "fax", "gender", "mail", "mobile", "name", "owner",
    "phone", "postal", "postcode", "salutation", "sex", "street", "zip",
})  # fmt: skip
_ENDINGS = ("address", "email", "name", "owner", "ownerid", "phone", "street")
"""Of words that a CRM writes as one: firstname, homephone."""

_BORDERS = re.compile(r"[\W_]|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Za-z])(?=[0-9])")
_DAY = timedelta(days=1)


def row_of(profile: Profile, policy: Policy, at: datetime) -> dict[str, Value]:
    """As of ``at``, which is not before anything in the profile; what is not known is left out."""
    row: dict[str, Value] = {}
    for name in names_of(policy):
        value = profile.value(name)
        if isinstance(value, str | int | float):
            row[name] = value
    return row | _doings(profile, at)


def lead_row(profile: Profile, policy: Policy, at: datetime) -> dict[str, Value]:
    """Of whoever is to reach a target."""
    return row_of(profile, policy, at) | {BOUGHT: float(len(profile.purchases))}


def is_dated(name: str) -> bool:
    """Whether a field tells of what happened, which is known as of any time."""
    return name in (KINDS, QUIET, BOUGHT) or name.startswith((DID, RENEWAL))


def known_of(row: Mapping[str, Value], names: Collection[str]) -> dict[str, Value]:
    """Of the attributes only those that are known from the start."""
    return {name: value for name, value in row.items() if name in names or is_dated(name)}


def _doings(profile: Profile, at: datetime) -> dict[str, Value]:
    row: dict[str, Value] = {}
    since, latest = at - LATELY, at - LATELY
    for kind, activities in profile.activities.items():
        if kind == SENT:
            continue
        recent = [one for one in activities if since < one.occurred_at <= at]
        if recent:
            row[DID + kind] = math.fsum(
                min(one.count, MOST_COUNTED)
                * 2.0 ** (-((at - one.occurred_at) / _DAY) / HALF_LIFE_DAYS)
                for one in recent
            )
            latest = max(latest, recent[-1].occurred_at)
    row[KINDS], row[QUIET] = float(len(row)), (at - latest) // _DAY
    return row


def names_of(policy: Policy) -> tuple[str, ...]:
    """The attributes that rows have, as conditions call them."""
    leads = policy.foretells.leads
    left_out = set(leads.exclude) if leads else set()
    left_out |= {policy.lead.override, policy.priority.owner or "" if policy.priority else ""}
    return tuple(name for name, one in _known(policy) if name not in left_out and _is_fair(one))


def _known(policy: Policy) -> Iterator[tuple[str, Attribute]]:
    for one in policy.attributes:
        if one.of in ("contact", "lead"):
            yield one.name, one
        elif one.of == "account":
            yield f"account.{one.name}", one


def _is_fair(one: Attribute) -> bool:
    return one.type in _TYPES and are_fair((one.name, *one.fields.values()))


@lru_cache(maxsize=4096)  # of each attribute once, and not for every week of every card
def are_fair(names: tuple[str, ...]) -> bool:
    """Whether none of the names of an attribute says that a chance shall not hang on it."""
    words = {part for name in names for part in _words(name)}
    return words.isdisjoint(_NEVER) and not any(one.endswith(_ENDINGS) for one in words)


def _words(name: str) -> list[str]:
    """Of a name in any of the ways that CRMs write theirs.

    >>> _words("firstName__c"), _words("First_Name"), _words("UF_CRM_EMAIL2")
    (['first', 'name', 'c'], ['first', 'name'], ['uf', 'crm', 'email', '2'])
    """
    return [part.lower() for part in _BORDERS.split(name) if part]


def labels(policy: Policy) -> Mapping[str, Text]:
    """What the attributes are called that have a label."""
    return {name: one.label for name, one in _known(policy) if one.label}


def without_data(names: Iterable[str], labels: Mapping[str, Text]) -> list[Text]:
    """Of fields that a row lacks those that could be known: what was not done lately is no gap."""
    return [
        labels.get(name, Text(name, name)) for name in names if not name.startswith((DID, RENEWAL))
    ]


_TOLD = {
    KINDS: predictions.KINDS_LATELY,
    QUIET: predictions.DAYS_QUIET,
    BOUGHT: predictions.PURCHASES,
}


def told(name: str, row: Mapping[str, Value], labels: Mapping[str, Text]) -> Text:
    """A field of a row in words."""
    if name in _TOLD:
        return _TOLD[name]
    if name.startswith(DID):
        kind = name.removeprefix(DID)
        return predictions.how_often(Text(kind, kind))
    if name.startswith(RENEWAL):
        return predictions.renewal_input(name.removeprefix(RENEWAL))
    label, value = labels.get(name, Text(name, name)), row.get(name)
    if value is None or is_missing(value):
        return predictions.field_missing(label)
    return predictions.field_known(label, value)
