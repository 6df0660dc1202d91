"""Seeded defects: a patch each, under a text that says what is wrong then and which test tells."""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[2]
FOLDER = Path(__file__).parent

_PARTS = re.compile(
    r"(?P<defect>.+?)\n\nCaught-by: (?P<test>\S+)\n\n(?P<diff>diff --git .+)", re.DOTALL
)
_CHANGED = re.compile(r"^(?:---|\+\+\+) [ab]/(\S+)$", re.MULTILINE)


class PatchUnreadable(Exception):
    """The file is no text, ``Caught-by: TEST`` and diff, with empty lines between."""


class PatchOutdated(Exception):
    """The code has moved on: the patch does not apply to it any more."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """``caught_by`` is what pytest calls one test or one case of it; ``changes`` are files."""

    patch: Path
    defect: str
    caught_by: str
    changes: frozenset[str]

    @property
    def name(self):
        return self.patch.stem


def mutants(folder=FOLDER):
    """By number. Raises PatchUnreadable."""
    return tuple(read(patch) for patch in sorted(folder.glob("*.patch")))


def read(patch):
    parts = _PARTS.fullmatch(patch.read_text("utf-8"))
    if parts is None:
        raise PatchUnreadable(f"{patch.name} is not a text, a Caught-by line and a diff")
    changes = frozenset(_CHANGED.findall(parts["diff"]))
    return Mutant(patch, " ".join(parts["defect"].split()), parts["test"], changes)


def apply(mutant, tree, *, dry_run=False):
    """Raises PatchOutdated."""
    command = ["git", "apply", *(["--check"] if dry_run else []), str(mutant.patch)]
    # Below another repository, git would pass over all that lies outside of its own folder.
    environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(tree.parent)}
    git = subprocess.run(
        command, cwd=tree, env=environment, capture_output=True, text=True, check=False
    )
    if git.returncode:
        raise PatchOutdated(git.stderr.strip())
