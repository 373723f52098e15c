# Everything that is done with Cuereel from a checkout. `make help` lists it.
.DEFAULT_GOAL := help
.PHONY: help setup demo test lint format bench clean lock

VENV := .venv
BIN := $(VENV)/bin
# the first of these that is there; wheels of all that we need exist for 3.11 and 3.12
PYTHON ?= $(shell for p in python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null \
	&& echo $$p && break; done)
BENCHMARKS := hooks render road hubspot salesforce beacons open
APPS := connector/crm/hubspot/app connector/crm/salesforce/package
STAMP := $(VENV)/.installed
PLACED := $(VENV)/.placed

help: ## show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: $(STAMP) $(PLACED) ## install everything into .venv, fonts and page assets included

$(STAMP): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Cuereel needs Python 3.11 or 3.12; install one, or run make PYTHON=/path/to/python"; exit 1; }
	@test -x $(BIN)/python || { echo "making $(VENV) with $(PYTHON)"; $(PYTHON) -m venv $(VENV); }
	@echo "installing Python packages (some minutes the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

$(PLACED): package-lock.json $(APPS:%=%/package-lock.json) tools/place_assets.py $(wildcard tools/player/*) $(STAMP)
	@command -v npm >/dev/null || { echo "Cuereel needs npm to fetch fonts; install Node.js"; exit 1; }
	@echo "fetching fonts and page assets"
	@npm ci --silent --no-audit --no-fund --ignore-scripts
	@for app in $(APPS); do npm ci --silent --no-audit --no-fund --ignore-scripts --prefix $$app || exit 1; done
	@$(BIN)/python tools/place_assets.py
	@touch $@

demo: setup ## see the main job done: triggers, videos, links and metrics on records
	@$(BIN)/cuereel demo

test: setup ## run the tests
	@$(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

lint: setup ## check style, types and the direction of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: setup ## put the code into its usual form
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: setup ## compare with what one would pick instead
	@for name in $(BENCHMARKS); do echo "$$name"; $(BIN)/python -m benchmarks.$$name --json || exit 1; done

lock: ## resolve the dependencies again
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip compile pyproject.toml --all-extras --group dev --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --no-annotate --output-file requirements.lock --quiet
	@npm install --package-lock-only --omit-lockfile-registry-resolved --silent
	@for app in $(APPS); do npm install --package-lock-only --omit-lockfile-registry-resolved --silent --prefix $$app; done

clean: ## remove everything that can be made again
	@rm -rf $(VENV) node_modules .cuereel renderers/fonts connector/web/static/vendor
	@rm -rf $(APPS:%=%/node_modules)
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
