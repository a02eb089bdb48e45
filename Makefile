# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later

PYTHON ?= python3
HOSTS  ?= 50
JOBS   ?= 3
VCENTERS  ?= 0
DIRECTORY ?= .venv/simulator
KEEP   ?= 0
JSON   ?= 0

DEV := .venv/dev/bin
ENVIRONMENT := $(PYTHON) tools/environment.py
export PYTHONDONTWRITEBYTECODE = 1
# The quick loop keeps bytecode. Without it, each process compiles all tests again.
KEPT_BYTECODE := env -u PYTHONDONTWRITEBYTECODE PYTHONPYCACHEPREFIX=.venv/bytecode
PYTEST := $(DEV)/python -m pytest

.DEFAULT_GOAL := help
.PHONY: help demo test matrix unit lint faults bench mutants simulator docs build release pins clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## audit eight simulated hosts (four are wrong, one is down), converge them, audit again (KEEP=1: leave them up)
	@$(ENVIRONMENT) run
	@.venv/run/bin/python tools/demo.py $(if $(filter 1,$(KEEP)),--keep)

unit: ## the quick loop: unit and module tests, style, types
	@$(ENVIRONMENT) dev
	@$(KEPT_BYTECODE) $(PYTEST) -q -n auto -p no:schemathesis -m "not other_way and not not_quick" --hypothesis-profile=quick \
	    $(wildcard tests/unit tests/module)
	@$(MAKE) --no-print-directory lint

lint: ## style, format and types only
	@$(ENVIRONMENT) dev
	@$(DEV)/ruff check -q --output-format concise .
	@$(DEV)/ruff format -q --check --diff .
	@$(DEV)/mypy --no-error-summary -p ansible_collections.esx.trust.plugins
	@$(DEV)/mypy --no-error-summary tests tools

test: ## everything, on the oldest, a middle and the newest ansible-core that this machine can run
	@$(ENVIRONMENT) all
	@$(PYTEST) -q -n $(JOBS) --dist loadgroup --no-loadscope-reorder --share 1/2 --hypothesis-profile=repeatable \
	    $(wildcard $(addprefix tests/,gates browser bench guides awx playbook leaks faults wire module contract unit))

matrix: ## the tests of each ansible-core, also on the versions between those of `make test`
	@$(ENVIRONMENT) every
	@$(PYTEST) -q -n $(JOBS) --dist loadgroup --no-loadscope-reorder --cores all tests/gates/test_cores.py tests/playbook

faults: ## break every request of every module in every way; a table of what came of it (minutes)
	@$(ENVIRONMENT) dev
	@$(DEV)/python tools/fault_table.py --jobs $(JOBS)

bench: ## what a run over a fleet costs, against what people use today; minutes on a quiet machine (HOSTS=200,1000)
	@$(ENVIRONMENT) run
	@.venv/run/bin/python tools/bench.py --hosts $(if $(filter file,$(origin HOSTS)),200,$(HOSTS))

mutants: ## break the plan and the client in small ways; which of them does no test notice (an hour)
	@$(ENVIRONMENT) audit
	@$(DEV)/python tools/mutants.py --jobs $(JOBS)

simulator: ## simulated ESX hosts, until Ctrl-C (HOSTS=50 VCENTERS=0 JSON=0 DIRECTORY=.venv/simulator; more: docs/simulator.md)
	@$(PYTHON) tools/simulate.py --hosts $(HOSTS) --vcenters $(VCENTERS) --directory "$(DIRECTORY)" \
	    $(if $(filter 1,$(KEEP)),--keep) $(if $(STATE),--state "$(STATE)") $(if $(NAMES),--names "$(NAMES)") \
	    $(if $(PROFILE),--profile "$(PROFILE)") $(if $(filter 1,$(JSON)),--json)

docs: ## the documentation site, in build/docs
	@$(ENVIRONMENT) docs
	@.venv/docs/bin/python tools/docs.py

build: ## the collection's tarball, in build/
	@$(ENVIRONMENT) install
	@$(PYTHON) tools/checkout.py build build

release: ## build the tarball of a committed version, have it judged, and say how it is signed and published
	@$(ENVIRONMENT) every
	@$(DEV)/python tools/release.py

pins: ## pin the requirements of all environments again
	@$(ENVIRONMENT) --compile

clean: ## remove everything that was made here
	rm -rf .venv build .ansible .hypothesis .mypy_cache .pytest_cache .ruff_cache .coverage tests/output
