"""Facts or events as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import NoReturn

from chalicelib.core.model import Json
from chalicelib.events.validation import Fault
from chalicelib.pipeline.import_events import Row


def rows(lines: Iterable[str]) -> Iterator[Row]:
    """One per line that is not empty; ``subject`` of a fact says who an event is about."""
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield Row(number, _item(line))


def _item(line: str) -> Json | Fault:
    try:
        told: Json = json.loads(line, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return Fault("", "is not JSON: write one fact or one event a line")
    if isinstance(told, dict) and "subject" in told and "who" not in told:
        others = {name: value for name, value in told.items() if name != "subject"}
        return {"who": {"id": told["subject"]}, **others}
    return told


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
