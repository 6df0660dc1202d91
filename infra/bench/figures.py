"""A figure, what it is held against, and how it is shown."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table

PACKAGES = ("botocore", "pynamodb", "chalice", "requests", "ministack", "rule-engine")


@dataclass(frozen=True, slots=True)
class Figure:
    """``value`` in ``unit``; ``goal`` is the most it may be, None where there is none.

    ``beside`` says what it was measured against in the same run: a floor, a rival, a split.
    """

    name: str
    value: float
    unit: str
    goal: float | None = None
    beside: str = ""

    @property
    def holds(self) -> bool:
        return self.goal is None or self.value <= self.goal

    def to_json(self) -> dict[str, object]:
        return {
            "name": self.name,
            "value": round(self.value, 4),
            "unit": self.unit,
            "goal": self.goal,
            "holds": self.holds,
            "beside": self.beside,
        }


def circumstances(seed: int) -> dict[str, object]:
    versions: Mapping[str, str] = {name: version(name) for name in PACKAGES}
    return {"seed": seed, "python": platform.python_version(), "versions": dict(versions)}


def write(figures: Sequence[Figure], seed: int, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    report = circumstances(seed) | {"figures": [figure.to_json() for figure in figures]}
    target.write_text(json.dumps(report, indent=2) + "\n", "utf-8")


def show(figures: Sequence[Figure], seed: int, console: Console) -> None:
    table = Table("what", "measured", "goal", "", "beside it", title="Figures")
    for figure in figures:
        goal = "" if figure.goal is None else f"≤ {figure.goal:g}"
        mark = "" if figure.goal is None else ("holds" if figure.holds else "[red]misses[/]")
        table.add_row(figure.name, f"{figure.value:.4g} {figure.unit}", goal, mark, figure.beside)
    console.print(table)
    facts = circumstances(seed)
    console.print(f"seed {facts['seed']}, Python {facts['python']}, {facts['versions']}")
