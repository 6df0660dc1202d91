"""What the workers of a connection share, in the settings table: marks, tokens and leases."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from pynamodb.exceptions import UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from chalicelib.adapters.refusals import CONDITION_FAILED, codes, translating
from chalicelib.adapters.tables import SettingsItem
from chalicelib.core.facts import iso, parse_instant
from chalicelib.core.model import Json
from chalicelib.core.shared import KeptToken

PACE = "PACE#"
TOKEN = "TOKEN"  # noqa: S105 - the sort key of one

LAPSED_FOR = timedelta(days=1)
"""How long a token that nobody can use any more stays in the table at the least."""


class DynamoAccessStore:
    """Every method is one request. ``item`` is bound to the settings table, see ``in_table``."""

    def __init__(self, item: type[SettingsItem]) -> None:
        self.item = item

    def push(self, connection: str, rate: str, step: int, bounds: tuple[int, int]) -> int | None:
        row, mark = self.item(connection, PACE + rate), self.item.mark
        if not _updated(row, [mark.set(mark + step)], mark.between(*bounds)):
            return None
        return cast(int, row.mark) - step

    def restart(self, connection: str, rate: str, step: int, bounds: tuple[int, int]) -> int | None:
        row, mark = self.item(connection, PACE + rate), self.item.mark
        earliest, latest = bounds
        is_out = mark.does_not_exist() | (mark < earliest) | (mark > latest)
        return earliest if _updated(row, [mark.set(earliest + step)], is_out) else None

    def token(self, connection: str) -> KeptToken | None:
        with translating():
            try:
                row = self.item.get(connection, TOKEN, consistent_read=True)
            except self.item.DoesNotExist:
                return None
        return _kept(row.data) if row.data else None

    def lease(self, connection: str, holder: str, now: datetime, until: datetime) -> bool:
        held_until = self.item.held_until
        lease = [self.item.holder.set(holder), held_until.set(until)]
        is_free = held_until.does_not_exist() | (held_until <= now)
        return _updated(self.item(connection, TOKEN), lease, is_free)

    def release(self, connection: str, holder: str, at: datetime) -> None:
        row, is_mine = self.item(connection, TOKEN), self.item.holder == holder
        _updated(row, [self.item.held_until.set(at)], is_mine)

    def keep(self, connection: str, holder: str, kept: KeptToken) -> None:
        row, is_mine = self.item(connection, TOKEN), self.item.holder == holder
        gone_at = kept.expires_at + LAPSED_FOR
        token = [self.item.data.set(_json(kept)), self.item.expires_at.set(gone_at)]
        _updated(row, token, is_mine)


def _updated(row: SettingsItem, actions: Sequence[Action], condition: Condition) -> bool:
    """Whether the condition held. ``row`` is then as it is in the table."""
    with translating():
        try:
            row.update(list(actions), condition=condition)
        except UpdateError as error:
            if codes(error) & CONDITION_FAILED:
                return False
            raise
    return True


def _json(kept: KeptToken) -> dict[str, Json]:
    return {
        "grant": kept.grant,
        "token": kept.token,
        "made_at": iso(kept.made_at),
        "expires_at": iso(kept.expires_at),
        "forced": kept.forced,
    }


def _kept(row: dict[str, Any]) -> KeptToken:
    times = parse_instant(row["made_at"]), parse_instant(row["expires_at"])
    return KeptToken(row["grant"], row["token"], *times, forced=row["forced"])
