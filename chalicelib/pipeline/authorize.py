"""Who may ask for points: whoever has a live key of the connection, with the scope."""

from __future__ import annotations

from chalicelib.core.api_keys import ApiKey, Scope
from chalicelib.core.model import CONNECTION_ID
from chalicelib.core.ports import SettingsStore
from chalicelib.points.keys import KeyRefused, ScopeMissing, is_right, parse


def authorize(connection: str, authorization: str, scope: Scope, settings: SettingsStore) -> ApiKey:
    """Raises ``KeyRefused``, the same for every reason, also where there is no such connection.

    Raises ``ScopeMissing``. What has not the form of a key costs no read.
    """
    presented = parse(authorization)
    if presented is None or not CONNECTION_ID.match(connection):
        raise KeyRefused
    key = settings.api_key(connection, presented.id)
    if not is_right(presented, key) or key is None:
        raise KeyRefused
    if not key.may(scope):
        raise ScopeMissing(scope)
    return key
