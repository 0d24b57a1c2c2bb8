# Each target does all its own set-up in .venv, the first time. Another interpreter: make PYTHON=python3.12 demo
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help demo test lint

help:
	@echo "make demo   train an agent to look, show what it learned (about 5 minutes; output in demo/)"
	@echo "make test   run the tests"
	@echo "make lint   check style and types"

demo: $(VENV)/.demo-ready
	$(BIN)/python -m agents.demo

test: $(VENV)/.test-ready
	$(BIN)/python -m pytest $(PYTEST_ARGS)

lint: $(VENV)/.test-ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# A stamp is written when its installation is complete, so an interrupted one starts again.
$(VENV)/.demo-ready: EXTRAS := agents
$(VENV)/.test-ready: EXTRAS := agents,benchmarks,dev,play,svhn
$(VENV)/.demo-ready $(VENV)/.test-ready: setup.cfg pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "Glimpse needs Python 3.11 or newer, which '$(PYTHON)' is not. Name one that is: make PYTHON=python3.11" >&2; \
	    exit 1; }
	@echo "Setting up $(VENV) (a few minutes the first time: PyTorch is large)"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --constraint constraints.txt --editable '.[$(EXTRAS)]'
	@touch $@
