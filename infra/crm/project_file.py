"""Files that an admin uploads to a CRM: ours to write, though the admin may change them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class ForeignFile(Exception):
    """Somebody else's file is where ours should be; the message says what to do."""


@dataclass(frozen=True, slots=True)
class ProjectFile:
    """What ``path`` should hold."""

    path: Path
    text: str

    @classmethod
    def of(cls, path: Path, content: Mapping[str, Any]) -> ProjectFile:
        return cls(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")

    @property
    def is_current(self) -> bool:
        return self.path.exists() and self.path.read_text("utf-8") == self.text

    def write(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(self.text, "utf-8")


def held_json(path: Path) -> dict[str, Any] | None:
    """What a file holds now, None where there is none. Raises ForeignFile for all but an object."""
    if not path.exists():
        return None
    try:
        held = json.loads(path.read_text("utf-8"))
    except ValueError:
        held = None
    if not isinstance(held, dict):
        raise ForeignFile(f"{path} is not JSON of ours: move it away, or name another place")
    return held
