# Two commands are all a new user needs: `make demo` and `make test`. Each builds its own virtual environment in .venv.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
IMAGES ?=
DEMO := demo-output
# The real images for the tests marked "real"; those tests skip where the folder is absent.
export LEUKOLENS_DATA ?= $(abspath ../shared/data)

.PHONY: demo test test-all lint bench wheel clean help

help:
	@echo "make demo [IMAGES=folder]  screen rendered smears (or your own pictures), report in $(DEMO)/report.html"
	@echo "make test                  quick tests of the core"
	@echo "make test-all              all tests: training, real images, kills (installs PyTorch)"
	@echo "make lint                  ruff, mypy, import-linter"
	@echo "make bench                 speed and memory, into docs/results/bench.*"
	@echo "make wheel                 build the wheel into dist/"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "leukolens needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1). Say which one: make PYTHON=python3.12 ..." >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.core: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(VENV)/.core

$(VENV)/.train: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,train,tracking]'
	@touch $@ $(VENV)/.dev $(VENV)/.core

demo: $(VENV)/.core
ifeq ($(strip $(IMAGES)),)
	$(BIN)/python -m leukolens.smear.synth $(DEMO)/rendered-fields
	@echo "These fields are rendered, not real smears: they show how leukolens answers, not how well. Some answers are wrong."
	$(BIN)/leukolens screen $(DEMO)/rendered-fields --out $(DEMO) --overwrite
else
	$(BIN)/leukolens screen '$(IMAGES)' --out $(DEMO) --overwrite || test $$? -eq 1 # 1: some could not be read
endif
	@echo "Report: $(DEMO)/report.html (open it in a browser); findings: $(DEMO)/findings.jsonl"

test: $(VENV)/.dev
	$(BIN)/python -m pytest -q -m "not slow and not real"

test-all: $(VENV)/.train
	$(BIN)/python -m pytest -q

lint: $(VENV)/.train
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.train
	$(BIN)/python benchmarks/bench.py

wheel: $(VENV)/.dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check build
	$(BIN)/python -m build --wheel

clean:
	rm -rf $(VENV) $(DEMO) build dist .mypy_cache .ruff_cache .pytest_cache
