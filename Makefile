# Each target makes the environment first; a second call of `make setup` does nothing.
VENV := .venv
PYTHON ?= python3
STAMP := $(VENV)/.monopose-stamp
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.DEFAULT_GOAL := help
.PHONY: help setup sweep serve test test-slow check bench

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(STAMP)  ## make .venv with the pinned versions

$(STAMP): pyproject.toml constraints.txt
	test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet -c constraints.txt -e ".[ray,data,report,local,dev]"
	touch $@

sweep: setup  ## start the embedded parts and run the default sweep
	monopose up
	ray job submit jobs/sweep.py

serve: setup  ## start the embedded parts and serve the champion
	monopose up
	monopose serve

test: setup  ## the tests that need minutes at most
	pytest -q -m "not slow"

test-slow: setup  ## the long tests
	pytest -q -m slow

check: setup  ## format, lint, types
	ruff format --check .
	ruff check .
	mypy platform
	mypy tests

bench: setup  ## measure and record
	python tests/benchmarks/run.py
