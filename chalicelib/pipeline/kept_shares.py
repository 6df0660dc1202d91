"""Shares of a population that wait for the others, among a connection's checkpoints.

A share of tens of thousands of customers is larger than an item may be: it is compressed and cut.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

from chalicelib.core.facts import canonical
from chalicelib.core.model import Json
from chalicelib.core.ports import SHARDS, SettingsStore
from chalicelib.pipeline.shares import Share

LARGEST_SLICE = 300_000
"""In characters; DynamoDB takes items of 400 KB."""


def keep(connection: str, shard: int, share: Share, run: str, settings: SettingsStore) -> None:
    """The first slice comes last: with it the share is whole. Of an earlier one nothing stays."""
    text = base64.b64encode(zlib.compress(canonical(share.to_json()).encode())).decode()
    slices = [text[at : at + LARGEST_SLICE] for at in range(0, len(text), LARGEST_SLICE)]
    earlier = len(list(_slices(connection, shard, settings)))
    for number in range(len(slices), earlier):
        settings.set_checkpoint(connection, _name(shard, number), None)
    for number, part in reversed(list(enumerate(slices))):
        state: dict[str, Json] = {"run": run, "of": len(slices), "text": part}
        settings.set_checkpoint(connection, _name(shard, number), state)


def kept(connection: str, run: str, settings: SettingsStore) -> list[Share]:
    """Those shares of a run that are there and whole."""
    slices = (_slices(connection, shard, settings) for shard in range(SHARDS))
    return [_share(held) for held in map(list, slices) if _is_whole(held, run)]


def forget(connection: str, settings: SettingsStore) -> None:
    for shard in range(SHARDS):
        for number, _ in enumerate(list(_slices(connection, shard, settings))):
            settings.set_checkpoint(connection, _name(shard, number), None)


def _slices(connection: str, shard: int, settings: SettingsStore) -> Iterator[Mapping[str, Any]]:
    first = settings.checkpoint(connection, _name(shard, 0))
    if first is None:
        return
    yield first
    for number in range(1, int(str(first["of"]))):
        yield settings.checkpoint(connection, _name(shard, number)) or {}


def _is_whole(slices: list[Mapping[str, Any]], run: str) -> bool:
    return bool(slices) and all(one.get("run") == run for one in slices)


def _share(slices: list[Mapping[str, Any]]) -> Share:
    packed = base64.b64decode("".join(str(one["text"]) for one in slices))
    return Share.from_json(json.loads(zlib.decompress(packed)))


def _name(shard: int, number: int) -> str:
    return f"refresh#{shard:02}#{number}"
