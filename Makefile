# Every target makes or updates .venv first when requirements.txt or pyproject.toml changed.
# A fresh Debian or Ubuntu needs make and Python 3.11 or newer, no more.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash
VENV := .venv
PYTHON := $(VENV)/bin/python
# uv installs in seconds what takes pip minutes; it is used where it is there. Both keep what is installed and fits.
ifneq ($(shell command -v uv),)
PIP_INSTALL := uv pip install --quiet --python $(PYTHON)
else
PIP_INSTALL := $(PYTHON) -m pip install --disable-pip-version-check --quiet
endif
APP_READY := $(VENV)/app.stamp
DEV_READY := $(VENV)/dev.stamp
SOURCES := app.py annotate fiqa fiqa_app training benchmarks tests .ci
# Processes that tests start import the same modules over and over: compiled ones are kept, whatever the shell says.
export PYTHONDONTWRITEBYTECODE :=
STEP ?=
DATA ?= gfiqa
NAME ?= score

.PHONY: help run test test-fast check lint audit train train-people bench gpu docs static-page space space-check licences resolve lock

help:  ## list the commands
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

run: $(APP_READY)  ## serve the app on this machine (settings: docs/operating.md)
	$(PYTHON) app.py

test: $(DEV_READY)  ## run all tests, those in a real browser too
	@.ci/chromium
	@.ci/postgresql
	OMP_NUM_THREADS=1 $(PYTHON) -m pytest --numprocesses logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

test-fast: $(DEV_READY)  ## the quick tests of the libraries: no browser, no PostgreSQL, no training
	OMP_NUM_THREADS=1 $(PYTHON) -m pytest tests/fiqa tests/annotate tests/fiqa_app tests/test_architecture.py \
	    -m "not slow" -k "not postgresql" --numprocesses logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

check: lint audit test  ## lint, types, known vulnerabilities and tests

lint: $(DEV_READY)  ## ruff, mypy, and who may import whom
	$(PYTHON) -m ruff check $(wildcard $(SOURCES))
	$(PYTHON) -m ruff format --check $(wildcard $(SOURCES))
	$(VENV)/bin/lint-imports
	@if command -v npx >/dev/null; then npx --yes @biomejs/biome@2.6.8 ci --error-on-warnings .; \
	else echo "No npx: the JavaScript was not linted; it comes with npm." >&2; fi
	$(PYTHON) -m mypy $(wildcard app.py annotate fiqa fiqa_app training benchmarks tests)

audit: $(DEV_READY)  ## look for known vulnerabilities in what is installed
	@$(PYTHON) .ci/audit.py

train: $(DEV_READY)  ## rehearse the whole training, small; make train STEP=quality ARGS="…": one step in earnest
	$(PYTHON) -m training.$(if $(STEP),train_$(STEP),rehearsal) $(ARGS)

train-people: $(DEV_READY)  ## make train-people DATA=gfiqa ARGS="…": the paper's training on faces rated by people
	$(PYTHON) -m training.train_people $(DATA) $(ARGS)

bench: $(DEV_READY)  ## make bench NAME=score ARGS="…": run a measurement of benchmarks/, one table each
	$(PYTHON) -m benchmarks.$(NAME) $(ARGS)

gpu: $(DEV_READY)  ## on a machine with a GPU: whether it scores as the processor does, and how fast (8 minutes)
	$(PYTHON) -m pytest tests/fiqa/test_on_gpu.py
	$(PYTHON) -m benchmarks.gpu $(ARGS)

docs: $(DEV_READY)  ## build the documentation site of docs/ into site/, its links checked
	$(VENV)/bin/zensical build --clean --strict

static-page: $(DEV_READY)  ## write the page that scores in the browser into build/page (needs npm)
	$(PYTHON) -m fiqa export lite --format page --output build/page

space: $(DEV_READY)  ## write the Spacefile into the README's front matter
	$(PYTHON) .ci/space.py

space-check: $(DEV_READY)  ## start the app as a Space does and look at it in Chromium
	@.ci/chromium
	$(PYTHON) .ci/space_check.py

licences: $(DEV_READY)  ## write LICENSES.md: the dependencies and their licences
	$(PYTHON) .ci/licences.py

resolve: $(DEV_READY)  ## resolve the requirements for every Python and PyTorch promised, into .ci/resolved.md
	$(PYTHON) .ci/resolve.py

lock: $(DEV_READY)  ## write uv.lock: one version of everything, for uv sync
	$(PYTHON) -m uv lock --quiet

$(PYTHON):
	@.ci/venv $(VENV)
	@$(PIP_INSTALL) --upgrade "pip>=25.1"

$(APP_READY): requirements.txt | $(PYTHON)
	@echo "Installing what the app runs on into $(VENV) (requirements.txt; a few minutes the first time)"
	@$(PIP_INSTALL) -r requirements.txt
	@touch $@

$(DEV_READY): $(APP_READY) pyproject.toml
	@echo "Installing the development tools into $(VENV) (pyproject.toml, group dev)"
	@$(PIP_INSTALL) -r requirements.txt --group dev
	@touch $@
