# Everything a newcomer types. `make demo` needs Python 3.11 to 3.13 and nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo test check soak mutants bench up

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

$(VENV)/demo.stamp: pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; (3, 11) <= v < (3, 14) or sys.exit("dunwell needs Python 3.11 to 3.13, this is %d.%d; try make PYTHON=python3.12 ..." % v)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing dunwell into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/demo.stamp
	@echo "installing the development tools ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --group dev
	@touch $@

demo: $(VENV)/demo.stamp  ## load a sample book, decide it, post a run and read what came out
	@$(BIN)/dunwell demo

check: $(VENV)/dev.stamp  ## lint, types, walls, tidy
	$(BIN)/ruff check src tests bench
	$(BIN)/ruff format --check src tests bench
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest tests/tidy

test: check  ## every check and every test
	$(BIN)/pytest -n 2 --dist worksteal

soak: check  ## kill working processes at each of their steps, and look at more random examples; takes an hour
	DUNWELL_SOAK=100000 $(BIN)/pytest -n 2 --dist worksteal tests/flows/runs/test_killed.py tests/worker/test_killed_workers.py tests/sources/test_large.py tests/engine tests/insight tests/letters

mutants: $(VENV)/dev.stamp  ## put small faults into a copy of the engine, and list those that no test sees; takes hours
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --group mutants
	PATH="$(CURDIR)/$(BIN):$$PATH" nice $(BIN)/python -m tests.mutants $(MUTANTS)

bench: $(VENV)/dev.stamp  ## measure each speed beside its floor
	$(BIN)/python -m bench

up: $(VENV)/demo.stamp  ## make a book in ./book, where there is none, and keep a worker running for it
	@$(BIN)/dunwell init book
	@$(BIN)/dunwell --home book up
