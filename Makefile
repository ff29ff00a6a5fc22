# The house's front door. `make` alone says what there is.

SHELL := /bin/bash
.DEFAULT_GOAL := help

# Debian 12's own Python does; any from 3.11 on.
PYTHON ?= $(shell for python in python3.11 python3 python3.12 python3.13 python3.14; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
VENV := .venv
BIN := $(VENV)/bin
# A copy of the lock that the environment was made from.
MADE := $(VENV)/made-from.lock
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input

JOBS ?= $(shell n=$$(nproc 2>/dev/null || echo 2); echo $$((n < 2 ? 2 : n > 4 ? 4 : n)))
ARGS ?=

export HALL_MODE ?=

.PHONY: help setup run test check bench lock

help: ## Say what there is
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

setup: $(MADE) ## Make the virtual environment .venv from requirements.lock

run: $(MADE) ## Run everything on 127.0.0.1:$HALL_PORT (8000), sandbox mode; Ctrl-C ends it
	@HALL_MODE=$${HALL_MODE:-sandbox} exec $(BIN)/hall run

test: $(MADE) ## Run all tests; ARGS="-k lounge" for some
	@$(BIN)/pytest -n $(JOBS) $(ARGS)

check: $(MADE) ## Format, lint, types, and the rules of the house
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest tests/architecture

bench: $(MADE) ## Measure this hall; ARGS are for `hall bench`
	@$(BIN)/hall bench $(ARGS)

# Installed by hash, from whatever index pip is told to use; nothing is built but the project itself.
$(MADE): requirements.lock pyproject.toml
	@if [ -z "$(PYTHON)" ]; then echo "Python 3.11 or newer is needed (Debian: apt install python3)." >&2; exit 1; fi
	@if ! cmp -s requirements.lock $@ || [ ! -x $(BIN)/hall ]; then \
		set -e; \
		echo "Setting up $(VENV) from requirements.lock (a minute or two, once)."; \
		$(PYTHON) -m venv $(VENV) \
			|| { echo "The module venv is needed (Debian: apt install python3-venv)." >&2; exit 1; }; \
		$(PIP) install --quiet --require-hashes --only-binary :all: -r requirements.lock; \
		$(PIP) install --quiet --no-deps --no-build-isolation -e .; \
	fi
	@cp requirements.lock $@

lock: ## Make requirements.lock anew from pyproject.toml (needs the network, brings its own uv)
	@$(PYTHON) -m venv build/lock
	@build/lock/bin/python -m pip --disable-pip-version-check install --quiet uv
	@build/lock/bin/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
		--extra embedded --extra dev --generate-hashes --upgrade \
		--no-header --no-annotate --no-emit-index-url --no-emit-find-links --output-file requirements.lock
	@grep -c '^[a-z]' requirements.lock | xargs echo "packages locked:"
