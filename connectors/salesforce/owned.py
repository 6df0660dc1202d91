"""The fields that are ours, in a module of its own: receive needs no more than this."""

from __future__ import annotations

from collections.abc import Iterable

PREFIX = "Emtiaz_"
"""Of every field that is ours. None of them may ever be an input of a score."""

SUFFIX = "__c"

_FOLLOWING = frozenset({"LastModifiedDate", "LastModifiedById", "SystemModstamp"})
"""What changes along with any field."""


def field_name(output: str) -> str:
    """The API name of an output's field, the same on every object.

    >>> field_name("rfm_segment")
    'Emtiaz_Rfm_Segment__c'
    """
    return PREFIX + "_".join(word.capitalize() for word in output.split("_")) + SUFFIX


def output_name(field: str) -> str:
    """The output of a field of ours.

    >>> output_name("Emtiaz_Rfm_Segment__c")
    'rfm_segment'
    """
    return field.removeprefix(PREFIX).removesuffix(SUFFIX).lower()


def is_ours(changed: Iterable[str]) -> bool:
    """Whether nothing changed but fields of ours. Of nothing it cannot be told.

    By the names alone, and not by who changed them: the integration user may do other work too,
    which matters; and what Salesforce tells of the origin names the same client for people.
    """
    others = set(changed) - _FOLLOWING
    return bool(others) and all(name.startswith(PREFIX) for name in others)
