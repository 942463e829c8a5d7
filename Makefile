# The commands of this project; `make help` lists them.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
RUNTIME := .venv/.installed
DEVELOPMENT := .venv/.installed-dev

.DEFAULT_GOAL := help
.PHONY: help setup run test lint bench demo stop-demo

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' $(MAKEFILE_LIST) | expand -t 20

setup: $(RUNTIME) ## make the environment (.venv) and install what the dashboard needs

run: $(RUNTIME) ## start the dashboard; Ctrl-C stops it
	@$(BIN)/python -m hubcore up

test: $(DEVELOPMENT) ## all tests: unit, pages, integration, faults, browser
	@$(BIN)/python -m pytest

lint: $(DEVELOPMENT) ## ruff and mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: $(DEVELOPMENT) ## measure how fast it is
	@$(BIN)/python -m benchmarks

demo: $(RUNTIME) ## start a small stack with Docker, and the dashboard on it
	@demo/demo.sh run

stop-demo: ## remove that stack, with its data
	@demo/demo.sh down

$(RUNTIME): requirements.txt | $(BIN)/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(DEVELOPMENT): requirements-dev.txt requirements.txt | $(BIN)/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@ $(RUNTIME)

$(BIN)/python:
	@if [ -z "$(PYTHON)" ]; then \
		echo "The dashboard needs Python 3.11 or newer, and none was found. Install one, or name it: make setup PYTHON=/path/to/python3" >&2; exit 1; fi
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$(PYTHON) is $$($(PYTHON) --version 2>&1); the dashboard needs Python 3.11 or newer." >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
		echo "$(PYTHON) has no venv module. Install it (Debian and Ubuntu: apt install python3-venv), then try again." >&2; exit 1; }
	@echo "Making the environment in .venv; the first time this takes a minute or two …"
	@$(PYTHON) -m venv .venv
