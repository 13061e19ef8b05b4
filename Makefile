# Everything a fresh machine needs is Python 3.11+ and make.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.installed

.PHONY: help venv demo test quick lint bench evaluate soak schemas clean

help: ## Show what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(READY): pyproject.toml constraints.txt
	@test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	@echo "installing (the first time takes a minute or two)"
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $@

venv: $(READY) ## Install into .venv, for `source .venv/bin/activate`

demo: $(READY) ## Run the main job on real data: 24 digit-reading cameras
	@$(BIN)/homeostat demo

test: $(READY) ## Run every test but the long ones
	@$(BIN)/python -m pytest -q -m "not soak"

quick: $(READY) ## Test what differs from BASE (default HEAD), nothing slow: the loop of work
	@$(BIN)/python -m tests.quick $(or $(BASE),HEAD)

lint: $(READY) ## Style, types, imports
	@$(BIN)/ruff check shared services tests examples
	@$(BIN)/ruff format --check shared services tests examples
	@$(BIN)/mypy shared tests
	@$(BIN)/lint-imports

bench: $(READY) ## Measure: make bench NAME=pipeline
	@$(BIN)/homeostat bench $(or $(NAME),pipeline)

evaluate: $(READY) ## Learning claims: make evaluate [SEEDS=5] [TASK=all DATA=folder]
	@$(BIN)/homeostat evaluate $(or $(TASK),demo) $(if $(SEEDS),--seeds $(SEEDS)) $(if $(DATA),--data $(DATA))

soak: $(READY) ## The long forms: many kills, zombies, broker kills
	@$(BIN)/python -m pytest -q -m soak

schemas: $(READY) ## Write schemas/ from the code
	@$(BIN)/homeostat schemas

clean: ## Remove what was made here: data, caches, environment
	rm -rf $(VENV) .homeostat .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
