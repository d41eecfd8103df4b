# Everything a person does here is one of these targets; `make` alone lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= $(shell command -v python3.11 || command -v python3)
RUN_DATE ?= $(shell date -u +%F)
PORT ?= 8080
SAMPLE := data/feature_frame_sample.csv
DATASET ?= data/feature_frame_sample.csv

BIN := $(CURDIR)/.venv/bin
# One more worker than cores: some tests wait more than they compute.
SIDE_BY_SIDE = --numprocesses=$$($(BIN)/python -c 'import os; print(min(os.cpu_count(), 4) + 1)') --no-loadscope-reorder
# Their folders alone: to import all others costs as much as to run these.
QUICK = $$($(BIN)/python -c 'from tests.tiers import CHECK; print(*(f"tests/{folder}" for folder in CHECK))')
INSTALLED := .venv/.installed
# Their docstrings have sections: shapes, units, errors, sources.
IMPORTED_BY_OTHERS = push_model/testing.py push_model/errors.py push_model/serving/prediction.py push_model/serving/health.py \
  push_model/training/gate/policy.py push_model/evaluation/metrics.py
MIGRATED := .airflow/retrain/.migrated
LOGIN := .airflow/passwords.json

# Airflow's settings reach the recipes that run Airflow and no others: tests set their own.
AIRFLOW := source ./airflow.env;
# A database of its own: the scheduler of a running `make up` would take up the same tasks.
RETRAIN := airflow_home=.airflow/retrain; $(AIRFLOW)

.PHONY: help
help: ## List these targets
	@awk -F ':.*## ' '/^##@ / {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' \
	  $(firstword $(MAKEFILE_LIST))

##@ The two commands of the README

# `value` keeps a $ in the path as it is.
retrain up: export PUSH_DATASET = $(value DATASET)

.PHONY: retrain
retrain: $(MIGRATED) $(filter $(SAMPLE),$(DATASET)) ## Train, evaluate and promote for one day [DATASET=path RUN_DATE=yyyy-mm-dd]
	@echo "Retraining on $$PUSH_DATASET as of $(RUN_DATE)"
# With a time of day: a second run of a day would otherwise replace the first.
	@$(RETRAIN) conf="$$(python -c 'import json, os; print(json.dumps({"dataset": os.environ["PUSH_DATASET"]}))')"; \
	  airflow dags test push_retraining "$(RUN_DATE)T$$(date -u +%TZ)" --conf "$$conf"
	@$(AIRFLOW) push-model verdict
# Without a champion the verdict has said what to do.
	@$(AIRFLOW) if [ -e "$$PUSH_MODELS_DIR/champion.json" ]; then push-model predict examples/users.json; fi

.PHONY: test
test: $(INSTALLED) ## Run every law and contract, with coverage
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) --ignore=tests/system --cov --cov-report=term:skip-covered --durations=10

##@ Checks

.PHONY: check
check: lint ## Run lint and the quick tests, in under a minute
	$(BIN)/python -m pytest -q $(SIDE_BY_SIDE) -m check $(QUICK)

.PHONY: test-system
test-system: $(INSTALLED) ## Run what takes a real cluster, a database, or many rounds
	PUSH_TESTS_THOROUGH=1 $(BIN)/python -m pytest $(SIDE_BY_SIDE) -m system --durations=10

.PHONY: lint
lint: $(INSTALLED) ## Check style, types, imports, spelling and docstrings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	PYTHONPATH=plugins $(BIN)/lint-imports --no-logo
	$(BIN)/codespell
	$(BIN)/numpydoc lint $(IMPORTED_BY_OTHERS)
	$(BIN)/validate-pyproject pyproject.toml
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yaml monitoring/compose.yaml

.PHONY: format
format: $(INSTALLED) ## Format the code and fix what ruff can fix
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

##@ Airflow on this machine

.PHONY: up
up: $(INSTALLED) $(LOGIN) $(filter $(SAMPLE),$(DATASET)) ## Run Airflow on 127.0.0.1 until ctrl-C; prints address and login [PORT=8080 DATASET=path]
	@if (exec 3<>/dev/tcp/127.0.0.1/$(PORT)) 2>/dev/null; then \
	  echo "Port $(PORT) is in use. Stop what uses it, or choose another: make up PORT=$$(($(PORT) + 1))" >&2; exit 1; fi
	@printf '%s\n' "Airflow starts; ready in about 30 seconds. Stop it with ctrl-C." \
	  "  address   http://127.0.0.1:$(PORT)" "  user      admin" "  password  $$(cut -d '"' -f 4 $(LOGIN))" \
	  "Unpausing push_retraining starts the run of the last 05:00 UTC at once."
# In a process group of its own (set -m), because its scheduler may hang if ctrl-C reaches it twice.
	@$(AIRFLOW) set -m; export AIRFLOW__API__PORT="$(PORT)" AIRFLOW__API__BASE_URL="http://127.0.0.1:$(PORT)"; \
	  airflow standalone & group=$$!; trap "kill -INT $$group" INT TERM HUP; code=0; \
	  while kill -0 $$group 2>/dev/null; do wait $$group && code=0 || code=$$?; done; \
	  kill -KILL -- -$$group 2>/dev/null || true; exit $$code

.PHONY: test-message
test-message: $(INSTALLED) ## Send a test message to log, chat and mail; prints how each went
	@$(AIRFLOW) python -m push_ops.messages.notify

##@ Releases and deployment

.PHONY: wheel
wheel: $(INSTALLED) ## Build the serving wheel, the same bytes from the same commit
	SOURCE_DATE_EPOCH="$$(git log -1 --format=%ct)" $(BIN)/python -m build --wheel --no-isolation

.PHONY: lock
lock: $(INSTALLED) ## Resolve both lock files from their inputs
	$(LOCK) --universal requirements-dev.in --output-file requirements.txt
	$(LOCK) --python-platform linux --generate-hashes --no-annotate --constraints requirements.txt \
	  requirements.in --output-file requirements-image.txt

.PHONY: compose-secrets
compose-secrets: ## Write .env with fresh secrets for docker-compose.yaml
	@"$(PYTHON)" scripts/compose_secrets.py .env

.PHONY: clean
clean: ## Remove builds and caches; keep models, runs, data and .venv
	rm -rf build dist htmlcov .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis \
	  .import_linter_cache catboost_info
	find . -path ./.venv -prune -o -name __pycache__ -type d -print0 | xargs -0 rm -rf

# What the targets above need.

LOCK = $(BIN)/uv pip compile --python-version 3.11 --upgrade --custom-compile-command "make lock"

$(INSTALLED): requirements.txt pyproject.toml
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11) and f"push-model needs Python 3.11 or newer; $(PYTHON) is {sys.version.split()[0]}. Say which to use: make PYTHON=/path/to/python3.11")'
	@echo "Building .venv with $(PYTHON): some 270 packages, a minute or two the first time"
	"$(PYTHON)" -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep '^uv==' requirements.txt)"
	$(BIN)/uv pip sync --python $(BIN)/python requirements.txt 2>&1 | grep -v '^ [+-] '
	$(BIN)/uv pip install --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

$(MIGRATED): $(INSTALLED)
	@echo "Preparing a database in $(@D): SQLite, about 10 seconds"
	@mkdir -p -m 700 .airflow $(@D)
	@$(RETRAIN) AIRFLOW__LOGGING__LOGGING_LEVEL=WARNING airflow db migrate
	@touch $@

# Airflow would print the password it draws at the first start only.
$(LOGIN): | $(INSTALLED)
	@mkdir -p -m 700 $(@D)
	@umask 077; $(BIN)/python -c 'import secrets; print("{\"admin\": \"%s\"}" % secrets.token_urlsafe(12))' > $@

$(SAMPLE): | $(INSTALLED)
	@mkdir -p $(@D)
	@$(BIN)/push-model sample --orders 350 --seed 0 $@
