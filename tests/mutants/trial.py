"""A mutant on a copy of the project: apply its patch, run its test, judge by what pytest says."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from xml.etree import ElementTree as ET

from tests.mutants.patches import PROJECT, PatchOutdated, apply

LONGEST_SECONDS = 300
FAILED = 1
"""Pytest's exit code for tests that ran and failed; and for those whose fixtures did."""

JUDGEMENTS = ("assert", "AssertionError", "Failed: ")
"""How the message of a test begins that has judged, and not just tripped."""


class Verdict(StrEnum):
    CAUGHT = "caught"
    SURVIVED = "survived"  # the test passes on the defect
    BROKEN = "broken"  # neither can be told


class NotGreen(Exception):
    """A test that is to fail on a mutant does not pass without one."""


@dataclass(frozen=True, slots=True)
class Run:
    """What pytest said: its exit code, one message per failed test, and two counts."""

    code: int
    failures: tuple[str, ...]
    errors: int
    skipped: int
    output: str


@dataclass(frozen=True, slots=True)
class Trial:
    name: str
    verdict: Verdict
    why: str
    seconds: float


def check_unpatched(mutants, project=PROJECT):
    """All tests that the mutants name, at once. Raises NotGreen."""
    with copied(project) as tree:
        run = run_pytest(tree, dict.fromkeys(mutant.caught_by for mutant in mutants))
    if run.code or run.skipped:
        raise NotGreen(run.output)


def try_out(mutant, project=PROJECT):
    started = time.monotonic()
    verdict, why = _verdict(mutant, project)
    return Trial(mutant.name, verdict, why, round(time.monotonic() - started, 2))


def _verdict(mutant, project):
    with copied(project) as tree:
        try:
            apply(mutant, tree)
        except PatchOutdated as error:
            return Verdict.BROKEN, f"does not apply: {error}"
        return judged(run_pytest(tree, [mutant.caught_by]))


def judged(run):
    """The verdict and what speaks for it."""
    if run.code == 0:
        return Verdict.SURVIVED, "its test passes"
    if run.code != FAILED or run.errors or not run.failures:
        return Verdict.BROKEN, f"pytest ended with {run.code}:\n{run.output}"
    tripped = [message for message in run.failures if not message.startswith(JUDGEMENTS)]
    if tripped:
        return Verdict.BROKEN, f"its test trips over it instead of failing: {tripped[0]}"
    return Verdict.CAUGHT, run.failures[0]


@contextmanager
def copied(project):
    """The project as it is now, with what is not committed yet and without what git ignores."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as place:
        tree = Path(place, "project")
        for name in _files(project):
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(project / name, tree / name, follow_symlinks=False)
        yield tree


def _files(project):
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=project, check=True, capture_output=True).stdout
    names = [os.fsdecode(name) for name in listed.split(b"\0") if name]
    return [name for name in names if os.path.lexists(project / name)]


def run_pytest(tree, tests):
    """In the tree and on its code, to the first failure."""
    report = tree.parent / "report.xml"
    options = ["-x", "-p", "no:cacheprovider", f"--junitxml={report}"]
    try:
        pytest = subprocess.run(
            [sys.executable, "-m", "pytest", *options, *tests],
            cwd=tree,
            env=_environment(tree),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=LONGEST_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return Run(-1, (), 0, 0, f"nothing came of it in {LONGEST_SECONDS} s")
    return _run(pytest.returncode, pytest.stdout, report)


def _environment(tree):
    """Of the developer, but for what would lead pytest to other code or other options."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return kept | {"PYTHONPATH": str(tree)}


def _run(code, output, report):
    cases = [*ET.parse(report).iter("testcase")] if report.exists() else []
    failures = [failure for case in cases for failure in case.findall("failure")]
    return Run(
        code=code,
        failures=tuple(failure.get("message", "").partition("\n")[0] for failure in failures),
        errors=sum(len(case.findall("error")) for case in cases),
        skipped=sum(len(case.findall("skipped")) for case in cases),
        output=output,
    )
