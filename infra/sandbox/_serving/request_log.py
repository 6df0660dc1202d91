"""What the app asked of the API: the figures of benchmarks and of "nothing was written"."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from threading import Lock

from infra.sandbox._serving.errors import Wire


@dataclass(frozen=True, slots=True)
class Entry:
    """One request. ``route`` is ``METHOD /path/{template}``; sizes are bytes.

    ``status`` 0 stands for no answer at all. ``mishap`` is the kind of fault that a plan had
    for this request, or ``outage``.
    """

    route: str
    path: str
    status: int
    request_size: int
    request_sha256: str
    response_size: int
    at: str
    mishap: str = ""


class RequestLog:
    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._lock = Lock()

    def add(self, entry: Entry) -> None:
        with self._lock:
            self._entries.append(entry)

    def entries(self) -> tuple[Entry, ...]:
        with self._lock:
            return tuple(self._entries)

    def counts(self) -> Mapping[str, int]:
        return Counter(entry.route for entry in self.entries())

    def reset(self) -> None:
        with self._lock:
            self._entries.clear()

    def to_json(self, *, entries: bool = True) -> Wire:
        found = self.entries()
        summary = {"total": len(found), "counts": dict(Counter(entry.route for entry in found))}
        return summary | ({"entries": [asdict(entry) for entry in found]} if entries else {})
