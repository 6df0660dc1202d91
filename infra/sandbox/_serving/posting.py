"""One request to a receiver on loopback."""

from __future__ import annotations

from collections.abc import Mapping

import requests

Timeout = float | tuple[float, float]
"""Seconds; of a pair the first are those for connecting."""


def post(
    url: str, body: bytes, headers: Mapping[str, str], timeout: Timeout
) -> requests.Response | None:
    """None if there was no answer. Redirects are not followed."""
    with requests.Session() as session:
        session.trust_env = False  # the target is on loopback: no proxy may step in
        try:
            return session.post(
                url, data=body, headers=headers, timeout=timeout, allow_redirects=False
            )
        except requests.RequestException:
            return None
