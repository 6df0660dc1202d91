"""Ends a worker at a named input or output, or notes all those that it passes.

All that ``process`` and ``write_back`` do to the world goes through the ports they are handed, so
every call of a port's method is one step, with a point before and one after it: ``before
store.save``, ``after crm.write``. What the queue is told at the end is ``queue.delete``.
"""

import inspect
import os
from dataclasses import replace
from pathlib import Path

EXIT = 9
PORTS = ("store", "settings", "intake", "write_back")


class Points:
    """``crash_at`` names one point, or ``record:FILE`` a file to write the names of all to."""

    def __init__(self, crash_at):
        kind, _, file = crash_at.partition(":")
        self.file = Path(file) if kind == "record" else None
        self.crash_at = crash_at

    def passed(self, name):
        if self.file:
            with self.file.open("a") as names:
                names.write(f"{name}\n")
        elif name == self.crash_at:
            os._exit(EXIT)

    def around(self, name, operation):
        def step(*args, **kwargs):
            self.passed(f"before {name}")
            answer = operation(*args, **kwargs)
            self.passed(f"after {name}")
            return answer

        return step


class Watched:
    """A port whose methods are steps."""

    def __init__(self, port, name, points):
        self._port, self._name, self._points = port, name, points

    def __getattr__(self, name):
        found = getattr(self._port, name)
        if not inspect.ismethod(found) or name.startswith("_"):
            return found
        return self._points.around(f"{self._name}.{name}", found)


def watch(services, points):
    """Put the points around everything that a worker's services reach."""
    load = services.load_connector

    def load_watched(name):
        connector = load(name)
        return replace(
            connector, connect=lambda *terms: Watched(connector.connect(*terms), "crm", points)
        )

    for name in PORTS:
        object.__setattr__(services, name, Watched(getattr(services, name), name, points))
    object.__setattr__(services, "load_connector", load_watched)
