# Every target sets up what it needs: a virtual environment in .venv with all dependencies.

SHELL := /bin/bash
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
BIN := .venv/bin
READY := .venv/.ready
PAGE := runtime/proflow_runtime/service/static/index.html
PINNED := --constraint constraints.txt
PROCESSES ?= auto
SINCE ?= HEAD
TESTS ?= tests
CODE := compiler runtime schemas tests benchmarks examples

export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Tests start hundreds of processes: without files of bytecode each compiles all modules anew.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help demo demo-web web pictures wheel quick test test-web test-long fuzz check fix golden docs migrations bench lock new-node new-rule

help: ## Show this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

$(READY): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade $(PINNED) pip
	$(BIN)/python -m pip install --quiet $(PINNED) --build-constraint constraints.txt --editable ".[all]" --group dev
	@touch $@

demo: $(READY) ## Check a design, compile it, and run it three ways
	@PATH="$(CURDIR)/$(BIN):$$PATH" bash examples/demo.sh

# Without Node.js there may be a page that was built elsewhere, and there is always the API.
demo-web: $(READY) $(if $(shell command -v npm),$(PAGE)) ## Open a small company in a browser: workflows, runs, approvals
	@test -f $(PAGE) || echo "the page is missing: it is built where Node.js is; the API is there" >&2
	$(BIN)/proflow serve --local --demo --database sqlite://.venv/demo.db

quick: check ## While editing: lint, types, and the tests of what differs from SINCE, in a minute
	$(BIN)/python -m pytest --numprocesses=$(PROCESSES) --touched=$(SINCE) $(PYTEST)

test: check $(if $(shell command -v npm),test-web) ## Everything that must hold before a change lands
	$(BIN)/python -m pytest --numprocesses=$(PROCESSES) -m "not alone" $(PYTEST)
	$(BIN)/python -m pytest --quiet -m alone tests/local

test-web: $(PAGE) ## Types and unit tests of the page, and its parts for other applications
	cd web && npm run --silent test && npm run --silent build:library

web: $(PAGE) ## Build the web page; needs Node.js 18 or later

pictures: $(PAGE) ## Take the pictures of the documents anew
	cd tests && ../$(BIN)/python -m web.pictures

wheel: $(PAGE) ## Build the wheel, with the page inside
	$(BIN)/python -m hatchling build --target wheel

PAGE_SOURCES := $(shell git ls-files web runtime/proflow_runtime/service/routes 2>/dev/null)
$(PAGE): $(READY) web/node_modules/.ready $(PAGE_SOURCES)
	$(BIN)/python -m proflow_runtime.service.openapi > web/openapi.json
	cd web && npm run --silent types && npm run --silent build

web/node_modules/.ready: web/package-lock.json
	cd web && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

test-long: $(READY) ## Run 2,000 random designs as reference, interpreter and generated code
	PROFLOW_EXAMPLES=$${PROFLOW_EXAMPLES:-2000} $(BIN)/python -m pytest --numprocesses=$(PROCESSES) tests/parity tests/reference $(PYTEST)

# FUZZ="--out /tmp/differing" writes each design about which they differ, as small as it gets.
fuzz: $(READY) ## Compare the checks with a brute-force judge on 20,000 random designs
	cd tests && ../$(BIN)/python -m soundness.fuzz --count 20000 $(FUZZ)

check: $(READY) ## Lint, formatting, types, and who imports whom
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: $(READY) ## Format, apply safe fixes, rewrite the published schemas
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)
	$(BIN)/python -m proflow_schemas.published

golden: $(READY) ## Update snapshots and derived pages (of TESTS), and show what changed
	$(BIN)/python -m pytest --quiet --snapshot-update $(TESTS) || true
	git --no-pager diff

docs: $(READY) ## Build the API reference, as HTML below site/
	$(BIN)/mkdocs build --quiet --strict --config-file docs/api/mkdocs.yml

migrations: $(READY) ## Write the tables' first migration anew, from the models
	$(BIN)/python -m proflow_runtime.store.migrations

bench: $(READY) ## Measure: compiling, stepping, starting, the local engine
	$(BIN)/python -m benchmarks

# In the oldest Python: what is newest there is to be had for the others too. `editables` is what an
# editable install is built with.
lock: ## Add new Python dependencies to constraints.txt; with UPGRADE=1, take the newest of all
	folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && pip="$$folder/bin/python -m pip" \
	&& python3.11 -m venv "$$folder" \
	&& $$pip install --quiet --upgrade $(if $(UPGRADE),,$(PINNED)) pip \
	&& $$pip install --quiet $(if $(UPGRADE),,$(PINNED)) --editable ".[all]" --group dev editables \
	&& echo "# What \`make\` installs, on each Python; written by \`make lock\`." > "$$folder/constraints.txt" \
	&& $$pip freeze --all --exclude-editable --exclude setuptools >> "$$folder/constraints.txt" \
	&& cp "$$folder/constraints.txt" constraints.txt

new-node: ## Show how to add a node type
	@sed -n '/^## Add a node type/,/^## Add a rule/p' CONTRIBUTING.md | sed '$$d'

new-rule: $(READY) ## Show how to add a rule, and the next free codes
	@sed -n '/^## Add a rule/,/^## Add an op/p' CONTRIBUTING.md | sed '$$d'
	@$(BIN)/python -c 'from proflow_compiler.rules import RULES; \
	  last = [max(one.code for one in RULES if one.code[:3] == family) for family in ("PF2", "PF3", "PF4")]; \
	  print("The next free codes:", *(f"PF{int(code[2:]) + 1}" for code in last))'
