# What continuous integration runs, and nothing that needs more than Python 3.11+, git and make.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
ORACLE := .cache/oracle/.ready

.PHONY: demo test mutants e2e check bench package docs clean

demo: $(READY)
	@$(BIN)/python -m infra.sandbox.demo

test: $(READY) $(ORACLE)
	@$(BIN)/pytest -n 2 --dist loadfile -m "not e2e"

mutants: $(READY)
	@$(BIN)/python -m tests.mutants

e2e: $(READY)
	@$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder -m e2e

check: $(READY)
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/pytest tests/test_architecture.py
	@$(BIN)/python -m infra.package  # ends with cfn-lint

bench: $(READY) $(ORACLE)
	@$(BIN)/python -m infra.bench

package: $(READY)
	@$(BIN)/python -m infra.package

docs: $(READY)
	@$(BIN)/python -m infra.cli.reference

clean:
	rm -rf .venv *.egg-info build .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage

$(READY): requirements.txt requirements-dev.txt infra/constraints.txt pyproject.toml
	@echo "preparing .venv (once, about a minute)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed")'
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		-r requirements-dev.txt -c infra/constraints.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

# Where it cannot be had, tests that need it say so and are skipped, unless REQUIRE_ORACLE is 1.
$(ORACLE): requirements-oracle.txt
	@echo "preparing .cache/oracle, which models are held against (once, about a minute)"
	@rm -rf .cache/oracle
	@$(PYTHON) -m venv .cache/oracle
	@if .cache/oracle/bin/python -m pip install --quiet --disable-pip-version-check \
		--only-binary :all: -r requirements-oracle.txt; \
	then touch $@; else echo "not to be had here: done without"; fi
