"""The commands of ``docs/how-to/predict.md`` run, and say what the page shows."""

import json
import re
import shlex
from pathlib import Path
from random import Random

import pytest
import yaml
from matplotlib.image import imread

from chalicelib.policy import compile_policy
from infra.cli.installation import Installation
from tests.infra.cli.conftest import emtiaz  # noqa: F401  a fixture
from tests.infra.cli.test_predict_facts import buyers, leads, page, subscribers

HERE = Path.cwd()
PAGE = Path("docs/how-to/predict.md").read_text("utf-8")
PICTURE = Path("docs/images/calibration.png").resolve()


def blocks():
    return re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def commands():
    """Each with what is shown of its output, in pieces between which something is left out."""
    for language, block in blocks():
        for part in re.split(r"^\$ ", "" if language else block, flags=re.MULTILINE)[1:]:
            line, _, shown = part.partition("\n")
            yield line, [piece for one in shown.split("…") if (piece := plain(one))]


def plain(text):
    return " ".join(text.split())


def section():
    return yaml.safe_load(dict(blocks())["yaml"])["prediction"]


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A folder with the sample, somebody's facts and their policy, as a reader would have them."""
    monkeypatch.setattr(Installation, "find", lambda _: pytest.fail("asked for an installation"))
    (tmp_path / "tests").symlink_to(HERE / "tests")
    chance = Random(11)
    rows = [*buyers(chance), *leads(chance), *subscribers(chance)]
    (tmp_path / "facts.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(page(section())), "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_command_says_what_the_page_shows(clone, emtiaz):  # noqa: F811
    ran = 0
    for line, pieces in commands():
        name, *arguments = shlex.split(line)
        assert name == "emtiaz"
        outcome = emtiaz(*arguments)
        assert outcome.code == ("--at" in arguments), line
        said = plain(outcome.out)
        for piece in pieces:
            assert piece in said, line
        ran += 1
    assert ran == 7
    assert_alike(clone / "plots" / "calibration.png", PICTURE)


def assert_alike(drawn, shown):
    """To the eye: other machines compress otherwise."""
    one, other = imread(drawn), imread(shown)
    assert one.shape == other.shape
    assert abs(one - other).mean() < 0.005


def test_the_picture_is_small():
    assert PICTURE.stat().st_size <= 80_000


def test_the_section_of_the_page_is_one():
    asked = compile_policy(page(section())).prediction
    assert asked.purchases
    assert asked.subscriptions
    assert asked.leads
    assert asked.clusters
