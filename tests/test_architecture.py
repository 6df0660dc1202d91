"""Imports go one way. Who may import whom stands in ``MAY_IMPORT``; nothing else may."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]

ANYTHING = frozenset({"*"})
MAY_IMPORT = {
    "chalicelib.core": set(),
    "chalicelib.localization": {"chalicelib.core"},
    "chalicelib.prediction": {"chalicelib.core", "chalicelib.localization"},
    "chalicelib.training": {
        "chalicelib.core",
        "chalicelib.localization",
        "chalicelib.prediction",
    },
    "chalicelib.scoring": {
        "chalicelib.core",
        "chalicelib.localization",
        "chalicelib.prediction",
    },
    "chalicelib.loyalty": {"chalicelib.core", "chalicelib.localization"},
    "chalicelib.announcing": {
        "chalicelib.core",
        "chalicelib.localization",
        "chalicelib.loyalty",
    },
    "chalicelib.policy": {"chalicelib.core", "chalicelib.localization", "chalicelib.scoring"},
    "chalicelib.events": {"chalicelib.core"},
    "chalicelib.points": {"chalicelib.core", "chalicelib.loyalty"},
    "chalicelib.advice": {
        "chalicelib.core",
        "chalicelib.policy",
        "chalicelib.scoring",
        "chalicelib.training",
    },
    "chalicelib.adapters": {"chalicelib.core"},
    "chalicelib.logs": {"chalicelib.core"},
    "chalicelib.settings": {"chalicelib.core"},
    "chalicelib.pipeline": {
        "chalicelib.announcing",
        "chalicelib.core",
        "chalicelib.events",
        "chalicelib.localization",
        "chalicelib.logs",
        "chalicelib.loyalty",
        "chalicelib.points",
        "chalicelib.policy",
        "chalicelib.prediction",
        "chalicelib.scoring",
        "chalicelib.training",
    },
    "chalicelib.wiring": {
        "chalicelib.adapters",
        "chalicelib.core",
        "chalicelib.pipeline",
        "chalicelib.settings",
    },
    "connectors": {"chalicelib.core"},
    "app": {"chalicelib", "connectors"},
    "infra": ANYTHING,
}
OURS = ("app", "chalicelib", "connectors", "infra", "tests")

# Every import costs each cold start, so what may be used where is a choice of its own.
MAY_USE = {
    "chalicelib.core": set(),
    "chalicelib.localization": {"persiantools", "phonenumbers"},
    "chalicelib.prediction": set(),
    "chalicelib.training": set(),
    "chalicelib.scoring": set(),
    "chalicelib.loyalty": set(),
    "chalicelib.announcing": set(),
    "chalicelib.policy": {"jsonschema"},
    "chalicelib.events": {"jsonschema", "standardwebhooks"},
    "chalicelib.points": {"jsonschema"},
    "chalicelib.advice": set(),
    "chalicelib.pipeline": {"ulid"},
}


def imports(source, package):
    """The absolute names that a module imports, each to its last part."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1]
            start = ".".join([*base, node.module or ""]) if node.level else node.module
            yield from (f"{start.rstrip('.')}.{alias.name}" for alias in node.names)


def within(name, package):
    return name == package or name.startswith(package + ".")


def layer_of(module):
    """The most special entry of the table; None for a module that nobody has thought of."""
    fitting = [layer for layer in MAY_IMPORT if within(module, layer)]
    return max(fitting, key=len, default=None)


def violations(module, source):
    """What ``module`` imports and may not, as sentences."""
    layer = layer_of(module)
    if layer is None:
        return [f"{module} is in no layer; give it one in MAY_IMPORT"]
    package = module.rpartition(".")[0]
    found = [name for name in imports(source, package) if not is_allowed(name, layer)]
    return [f"{module} ({layer}) imports {name}" for name in found]


def is_allowed(name, layer):
    root = name.partition(".")[0]
    if root in sys.stdlib_module_names:
        return True
    if root not in OURS:
        return layer not in MAY_USE or root in MAY_USE[layer]
    allowed = MAY_IMPORT[layer] | {layer}
    return "*" in allowed or name == "chalicelib" or any(within(name, one) for one in allowed)


def modules():
    for top in ("chalicelib", "connectors", "infra"):
        for path in sorted((PROJECT / top).rglob("*.py")):
            parts = path.relative_to(PROJECT).with_suffix("").parts
            yield ".".join(part for part in parts if part != "__init__"), path
    yield "app", PROJECT / "app.py"


@pytest.mark.parametrize(
    ("module", "path"), [pytest.param(*pair, id=pair[0]) for pair in modules()]
)
def test_a_module_imports_only_what_its_layer_may(module, path):
    if module == "chalicelib":
        assert not list(imports(path.read_text("utf-8"), module))
        return
    assert violations(module, path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("chalicelib.core.facts", "import requests"),
        ("chalicelib.core.facts", "from chalicelib.policy import load"),
        ("chalicelib.scoring.card", "from chalicelib.policy import load"),
        ("chalicelib.scoring.models.fit", "import numpy"),
        ("chalicelib.scoring.models.fit", "import boto3"),
        ("chalicelib.scoring.models.fit", "from chalicelib.adapters import subject_store"),
        ("chalicelib.scoring.models.fit", "from connectors.hubspot import api"),
        ("chalicelib.pipeline.process", "from connectors import load"),
        ("chalicelib.pipeline.process", "from chalicelib.adapters.queue import SqsQueue"),
        ("chalicelib.pipeline.process", "from ..adapters import queue"),
        ("chalicelib.pipeline.process", "from chalicelib import adapters"),
        ("chalicelib.pipeline.process", "if True:\n    import boto3"),
        ("chalicelib.adapters.queue", "from chalicelib.pipeline.services import Services"),
        ("chalicelib.adapters.queue", "import infra.deploy"),
        ("connectors.hubspot.client", "from chalicelib.settings import Settings"),
        ("connectors.hubspot.client", "import chalicelib.scoring"),
        ("app", "from infra.package import build"),
        ("chalicelib.guesses", "import json"),
    ],
)
def test_the_check_catches_an_import_against_the_grain(module, line):
    assert violations(module, line) != []


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("chalicelib.core.facts", "from chalicelib.core.model import Ref"),
        ("chalicelib.core.facts", "import zoneinfo"),
        ("chalicelib.pipeline.process", "from chalicelib import logs"),
        ("connectors.hubspot.client", "import requests"),
        ("connectors.hubspot.client", "from connectors._http import Http"),
        ("infra.cli.score", "from chalicelib.scoring import score_card"),
    ],
)
def test_the_check_lets_an_import_with_the_grain_pass(module, line):
    assert violations(module, line) == []


# Scoring is a function of its arguments: nothing that tells the time, rolls dice or looks outside.
OUTSIDE = {
    "asyncio", "concurrent", "ctypes", "fileinput", "ftplib", "getpass", "glob", "http", "io",
    "multiprocessing", "os", "pathlib", "platform", "random", "secrets", "select", "shutil",
    "signal", "smtplib", "socket", "sqlite3", "ssl", "subprocess", "tempfile", "threading", "time",
    "urllib", "uuid",
}  # fmt: skip
TELLS_THE_TIME = {"now", "today", "utcnow"}
LOOKS_OUTSIDE = {"eval", "exec", "input", "open", "print"}
CLOCKS = {"date", "datetime"}
PURE = (
    "chalicelib.core",
    "chalicelib.scoring",
    "chalicelib.loyalty",
    "chalicelib.announcing",
    "chalicelib.prediction",
    "chalicelib.training",
    "chalicelib.advice",
)
# What is drawn of a seed that was passed in is a function of it.
SEEDED = {"random.Random"}


def impurities(module, source):
    """Imports of what is outside, and calls that read a clock."""
    names = imports(source, module.rpartition(".")[0])
    outside = (name for name in names if name.partition(".")[0] in OUTSIDE)
    yield from (name for name in outside if name not in SEEDED)
    nodes = list(ast.walk(ast.parse(source)))
    calls = [node.func for node in nodes if isinstance(node, ast.Call)]
    asked = (one for one in calls if isinstance(one, ast.Attribute) and one.attr in TELLS_THE_TIME)
    yield from (f"{ast.unparse(one)}()" for one in asked)
    yield from (ast.unparse(one) for one in nodes if is_unseeded(one))
    yield from (
        node.id for node in nodes if isinstance(node, ast.Name) and node.id in LOOKS_OUTSIDE
    )
    named = (node for node in nodes if isinstance(node, ast.Attribute) and is_clock(node))
    yield from (ast.unparse(node) for node in named)


def is_unseeded(node):
    """``Random()`` takes its seed from the machine."""
    return isinstance(node, ast.Call) and ast.unparse(node) == "Random()"


def is_clock(node):
    """Also where it is only handed on: ``key=datetime.now``."""
    whose = node.value.attr if isinstance(node.value, ast.Attribute) else ast.unparse(node.value)
    return node.attr in TELLS_THE_TIME and whose in CLOCKS


@pytest.mark.parametrize(
    ("module", "path"),
    [pytest.param(*pair, id=pair[0]) for pair in modules() if layer_of(pair[0]) in PURE],
)
def test_whoever_scores_knows_no_clock_no_chance_and_no_outside(module, path):
    assert list(impurities(module, path.read_text("utf-8"))) == []


@pytest.mark.parametrize(
    "line",
    ["import random", "from random import random", "chance = Random()", "from time import monotonic", "import os.path", "datetime.now(UTC)",
     "date.today()", "clock = datetime.now", "clock = dt.datetime.now", "open('x')"],
)  # fmt: skip
def test_the_check_catches_a_clock_and_chance(line):
    assert list(impurities("chalicelib.scoring.models.fit", line))


LOADED = """
import sys
from chalicelib.policy import compile_policy
from chalicelib.scoring import models, score_card
for name in models.names():
    models.load(name)
print(*{name.partition(".")[0] for name in sys.modules})
"""


def test_scoring_loads_no_aws_no_crm_and_nothing_that_talks_to_either():
    """Not even by way of what it imports."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert "chalicelib" in loaded
    assert loaded & {"boto3", "botocore", "pynamodb", "chalice", "requests", "connectors"} == set()
