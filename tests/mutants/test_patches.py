"""What can be said of the mutants without trying them, which ``make mutants`` does."""

import subprocess
import sys

import pytest

from tests.mutants.patches import PROJECT, PatchUnreadable, apply, mutants, read

DEFECTS = {
    "no-timestamp-check",
    "plain-comparison",
    "no-version-lock",
    "values-in-messages",
    "deduplication-by-content",
    "no-second-ring",
    "no-connection-in-the-index",
    "echoes-ring",
    "links-ignored",
    "deletion-erases",
    "claims-without-looking",
    "redemptions-without-a-lock",
    "stock-without-looking",
    "any-request-of-a-key",
    "tasks-without-a-claim",
    "one-good-address",
    "a-secret-is-a-signature",
    "no-heirs",
    "plain-token",
    "tags-of-reps",
    "workflows-run",
    "shortened-channels",
    "one-status-for-all",
    "address-of-anybody",
    "entities-of-strangers",
    "acknowledged-and-lost",
    "results-by-order-of-ids",
    "silence-is-no-sign",
    "chances-not-set-right",
    "any-model-is-used",
    "published-twice",
    "leaks-are-kept",
    "one-holds-up-all",
}

every_mutant = pytest.mark.parametrize(
    "mutant", [pytest.param(mutant, id=mutant.name) for mutant in mutants()]
)


def test_these_defects_are_among_the_mutants_and_all_are_numbered():
    numbers, _, names = zip(*(mutant.name.partition("-") for mutant in mutants()), strict=True)
    assert list(numbers) == [f"{number:02}" for number in range(1, len(numbers) + 1)]
    assert set(names) >= DEFECTS


@every_mutant
def test_a_mutant_still_applies(mutant):
    apply(mutant, PROJECT, dry_run=True)


@every_mutant
def test_a_mutant_changes_the_product_and_not_its_tests(mutant):
    assert mutant.changes
    assert not [name for name in mutant.changes if name.startswith("tests/")]


def test_the_tests_that_catch_them_exist():
    tests = [mutant.caught_by for mutant in mutants()]
    command = [sys.executable, "-m", "pytest", "--collect-only", "-p", "no:cacheprovider", *tests]
    pytest_ = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert pytest_.returncode == 0, pytest_.stdout + pytest_.stderr


@pytest.mark.parametrize(
    "text",
    [
        "diff --git a/a b/a\n",
        "Caught-by: tests/test_a.py::test_b\n\ndiff --git a/a b/a\n",
        "Something.\n\ndiff --git a/a b/a\n",
        "Something.\n\nCaught-by: \n\ndiff --git a/a b/a\n",
        "Something.\n\nCaught-by: tests/test_a.py::test_b\n\n",
        "Something.\n\nCaught-by: tests/test_a.py -k b\n\ndiff --git a/a b/a\n",
    ],
)
def test_a_patch_that_does_not_say_what_and_by_which_test_is_refused(tmp_path, text):
    patch = tmp_path / "01-something.patch"
    patch.write_text(text)
    with pytest.raises(PatchUnreadable, match="01-something"):
        read(patch)
