"""How mutants are judged, on a project of one function."""

import json
import subprocess
import sys
from textwrap import dedent

import pytest
import typer

from tests.mutants import __main__ as command_line
from tests.mutants.patches import PROJECT, read
from tests.mutants.trial import (
    NotGreen,
    Run,
    Trial,
    Verdict,
    check_unpatched,
    copied,
    judged,
    try_out,
)

PRODUCT = "def double(number):\n    return number + number\n"
TESTS = """
    import pytest

    from product import double

    @pytest.fixture
    def four():
        assert double(2) == 4
        return 4

    def test_two(): assert double(2) == 4
    def test_anything(): double(2)
    def test_none(): assert double(0) == 0
    def test_text(): assert double("a")[1] == "a"
    def test_with_a_fixture(four): assert four == 4
    def test_wrong(): assert double(2) == 5
    @pytest.mark.skip
    def test_skipped(): assert double(2) == 4
    """


@pytest.fixture
def project(tmp_path):
    root = tmp_path / "project"
    root.mkdir()
    (root / "product.py").write_text(PRODUCT)
    (root / "test_product.py").write_text(dedent(TESTS))
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    return root


@pytest.fixture
def mutant(tmp_path):
    def made(test, line="    return number * 3", was="    return number + number"):
        patch = tmp_path / "01-triple.patch"
        patch.write_text(
            f"It triples.\n\nCaught-by: test_product.py::{test}\n\n"
            "diff --git a/product.py b/product.py\n--- a/product.py\n+++ b/product.py\n"
            f"@@ -1,2 +1,2 @@\n def double(number):\n-{was}\n+{line}\n"
        )
        return read(patch)

    return made


def test_a_mutant_on_which_its_test_fails_is_caught_and_the_project_stays_as_it_was(
    project, mutant
):
    trial = try_out(mutant("test_two"), project)
    assert (trial.name, trial.verdict) == ("01-triple", Verdict.CAUGHT)
    assert trial.why.startswith("assert 6 == 4")
    assert (project / "product.py").read_text() == PRODUCT


def test_a_mutant_on_which_its_test_passes_has_survived(project, mutant):
    assert try_out(mutant("test_none"), project).verdict is Verdict.SURVIVED


@pytest.mark.parametrize(
    ("test", "change", "why"),
    [
        ("test_two", {"was": "    return 2 * number"}, "does not apply"),
        ("test_two", {"line": "    return ("}, "pytest ended with"),
        ("test_that_is_not_there", {}, "pytest ended with 4"),
        ("test_with_a_fixture", {}, "pytest ended with 1"),
        ("test_text", {"line": "    return [number]"}, "trips over it instead of failing: Index"),
    ],
)
def test_what_tells_nothing_of_a_test_is_no_catch(project, mutant, test, change, why):
    trial = try_out(mutant(test, **change), project)
    assert trial.verdict is Verdict.BROKEN
    assert why in trial.why


def test_a_run_that_does_not_end_is_no_catch():
    assert judged(Run(-1, (), 0, 0, "")) == (Verdict.BROKEN, "pytest ended with -1:\n")


@pytest.mark.parametrize("test", ["test_wrong", "test_skipped", "test_that_is_not_there"])
def test_a_test_that_does_not_pass_without_a_mutant_is_told(project, mutant, test):
    check_unpatched([mutant("test_two")], project)
    with pytest.raises(NotGreen):
        check_unpatched([mutant("test_two"), mutant(test)], project)


def test_a_copy_has_what_is_not_committed_and_not_what_git_ignores(project):
    (project / ".gitignore").write_text("ignored\n")
    (project / "ignored").write_text("")
    (project / "link").symlink_to("product.py")
    subprocess.run(["git", "add", "."], cwd=project, check=True)
    (project / "test_product.py").unlink()
    with copied(project) as tree:
        assert {path.name for path in tree.iterdir()} == {".gitignore", "link", "product.py"}
        assert (tree / "link").is_symlink()


def test_a_mutant_that_nobody_has_made_cannot_be_chosen():
    command = [sys.executable, "-m", "tests.mutants", "--only", "no-such-mutant"]
    run = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert "no-such-mutant" in run.stderr


@pytest.mark.parametrize("verdict", [Verdict.SURVIVED, Verdict.BROKEN])
def test_one_mutant_that_is_not_caught_is_a_failure_of_all(verdict, monkeypatch):
    def tried(mutant):
        is_last = mutant.name.startswith("10")
        return Trial(mutant.name, verdict if is_last else Verdict.CAUGHT, "for a test", 0.1)

    monkeypatch.setattr(command_line, "check_unpatched", lambda _chosen: None)
    monkeypatch.setattr(command_line, "try_out", tried)
    with pytest.raises(typer.Exit) as ended:
        command_line.main()
    assert ended.value.exit_code == 1


def test_the_command_tries_the_chosen_and_prints_json_alone():
    command = [sys.executable, "-m", "tests.mutants", "--only", "9", "--json"]
    run = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    (trial,) = json.loads(run.stdout)["mutants"]
    assert (trial["name"], trial["verdict"]) == ("09-links-ignored", "caught")
