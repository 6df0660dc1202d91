"""A policy as an admin writes it: a page of YAML, with what is wrong in it told by its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.cells import cell_len

import chalicelib.policy
from chalicelib.core.model import Json
from chalicelib.policy import PolicyInvalid, Problem, validate
from infra.cli.exits import Finding
from infra.cli.yaml_source import Place, Unreadable, YamlSource, hint

Page = dict[str, Json]

_FOLDER = Path(chalicelib.policy.__file__).parent / "shipped"
SHIPPED = _FOLDER / "starter.yaml"


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing to put right; ``used_at`` is the alias that brought it where it is wrong."""

    file: str
    place: Place
    message: str
    pointer: str = ""
    used_at: Place | None = None

    def to_json(self) -> dict[str, Json]:
        return {
            "file": self.file,
            "line": self.place.line,
            "column": self.place.column,
            "pointer": self.pointer,
            "message": self.message,
        }


class PolicyBroken(Finding):
    """A page that is no policy; the message shows every mistake below its line."""

    def __init__(self, mistakes: Sequence[Mistake], text: str = "") -> None:
        self.mistakes = mistakes
        lines = text.splitlines()
        super().__init__("\n".join(part for one in mistakes for part in _drawn(one, lines)))


def _drawn(mistake: Mistake, lines: Sequence[str]) -> Iterator[str]:
    line, column = mistake.place.line, mistake.place.column
    yield f"{mistake.file}:{line}:{column}: {mistake.message}"
    if line <= len(lines):
        number, shown = str(line), lines[line - 1].replace("\t", " ")
        indent = " " * cell_len(shown[: column - 1])
        under = "^" * max(cell_len(shown[column - 1 :][: mistake.place.length]), 1)
        yield f"  {number} | {shown}"
        yield f"  {' ' * len(number)} | {indent}{under}"
    if mistake.used_at:
        used = mistake.used_at
        yield f"  used by an alias at {mistake.file}:{used.line}:{used.column}"


def shipped_names() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.yaml")))


def shipped_page(name: str) -> Path:
    return _FOLDER / f"{name}.yaml"


def file_of(path: Path) -> Path:
    """A shipped policy may be named instead of its file; a file of that name comes first."""
    is_name = not path.exists() and str(path) in shipped_names()
    return shipped_page(str(path)) if is_name else path


def read_page(path: Path) -> Page:
    """The canonical page, checked. Raises PolicyBroken with places and what to write there.

    Instead of a file, the name of a shipped policy.
    """
    path = file_of(path)
    text = _text(path)
    try:
        source = YamlSource.of(text)
    except Unreadable as error:
        mistakes = [Mistake(str(path), place, message) for place, message in error.problems]
        raise PolicyBroken(mistakes, text) from error
    if not isinstance(source.value, dict):
        message = "a policy is a mapping with name, attributes, lead …"
        raise PolicyBroken([Mistake(str(path), Place(1, 1), message)], text)
    try:
        validate(source.value)
    except PolicyInvalid as error:
        raise PolicyBroken(_placed(path, source, error.problems), text) from error
    return source.value


def _placed(path: Path, source: YamlSource, problems: Iterable[Problem]) -> list[Mistake]:
    """In the order of the page; what several aliases bring is told once."""
    found: dict[tuple[Place, str], Mistake] = {}
    for problem in problems:
        spot = source.spot(problem.pointer, problem.key)
        odd = "" if problem.key else hint(spot.node)
        message = f"{problem.message} ({odd})" if odd else problem.message
        one = Mistake(str(path), spot.place, message, problem.pointer, spot.used_at)
        before = found.get((spot.place, message))
        # Told where it is defined if it is wrong there as well.
        if before is None or (before.used_at and not one.used_at):
            found[spot.place, message] = one
    return sorted(found.values(), key=lambda one: (one.place, one.message))


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        shipped = f"; the shipped ones are {', '.join(shipped_names())}" if not path.suffix else ""
        raise Finding(f"{path}: {error.strerror}{shipped}") from error
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        place = Place(before.count(b"\n") + 1, error.start - before.rfind(b"\n"))
        message = "this is no UTF-8: save the file with that encoding"
        raise PolicyBroken([Mistake(str(path), place, message)]) from error
