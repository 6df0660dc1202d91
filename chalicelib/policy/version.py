"""The name of a policy's content."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

from chalicelib.core.facts import canonical
from chalicelib.core.model import Json

_LENGTH = 12


def version_of(page: Mapping[str, Json]) -> str:
    """The first hex digits of the SHA-256 of the canonical page: same words, same version.

    >>> version_of({"a": 1, "b": 2}) == version_of({"b": 2, "a": 1})
    True
    """
    return sha256(canonical(page).encode()).hexdigest()[:_LENGTH]
