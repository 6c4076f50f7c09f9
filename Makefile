# The verbs of this project; `make help` lists them. Each one sets up what it needs first (tools/setup.py), once.
# ARGS="..." passes arguments on to the program behind demo, bench, fuzz and test.

PYTHON ?= python3
ARGS ?=
VENV = .venv/bin/python
export PATH := $(HOME)/.cargo/bin:$(PATH)
export PYTHONDONTWRITEBYTECODE = 1

.DEFAULT_GOAL := help
.PHONY: help demo test test-matrix bench fuzz lint docs build python

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: python ## 336,776 flights into PostgreSQL and out again, beside asyncpg, psycopg and SQLAlchemy
	@$(PYTHON) tools/setup.py demo
	@$(VENV) demo/demo.py $(ARGS)

test: python ## All tests on one server version, the smoke set on the others; ARGS="..." goes to pytest
	@$(PYTHON) tools/setup.py test
	@$(VENV) tools/test.py $(ARGS)

test-matrix: python ## All tests on PostgreSQL 13 to 18
	@$(PYTHON) tools/setup.py test
	@$(VENV) tools/test.py --matrix $(ARGS)

bench: python ## Measure against asyncpg and others; QUICK=1 for the run under 5 minutes, ARGS="..." for more
	@$(PYTHON) tools/setup.py bench
	@$(VENV) benches/run.py $(if $(QUICK),--quick) $(ARGS)

fuzz: python ## Fuzz the protocol core; SECONDS=n per target (default 60)
	@$(PYTHON) tools/fuzz.py $(or $(SECONDS),60) $(ARGS)

lint: python ## rustfmt, clippy, cargo-deny, ruff, pyright, mypy, stubs, house rules
	@$(PYTHON) tools/setup.py --no-extension lint
	@$(VENV) tools/lint.py $(ARGS)

docs: python ## The site of the documentation in site/, the Rust documentation, and all links checked
	@$(PYTHON) tools/setup.py docs
	@$(VENV) tools/docs.py

build: python ## The extension in release, installed in .venv
	@$(PYTHON) tools/setup.py

python:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing: install Python 3.12 or newer"; exit 1; }
