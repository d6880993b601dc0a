# `make demo` and `make test` set up everything they need in .venv; Python >= 3.11, make and git are enough.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= auto
DEMO_SECONDS ?= 100
TEST_EXTRAS ?= test

.PHONY: help demo test test-all lint types tests wheel clean

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BIN)/python: scripts/make_venv.sh
	@PYTHON=$(PYTHON) sh scripts/make_venv.sh $(VENV)

$(VENV)/.installed: pyproject.toml $(BIN)/python
	@echo "installing evenkeel"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.installed-test: pyproject.toml $(BIN)/python
	@echo "installing evenkeel and the test tools"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$(TEST_EXTRAS)]'
	@touch $@ $(VENV)/.installed

demo: $(VENV)/.installed ## evolve a real placement policy for a few minutes: no key, no GPU, no server
	@$(BIN)/evolve run expert_replication --seconds $(DEMO_SECONDS) --final-tier quick --archive sqlite:///demo.db

test: lint types tests ## environment, lint, types and tests; what CI runs

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/.installed-test
	$(BIN)/mypy

tests: $(VENV)/.installed-test
	$(BIN)/pytest -n $(WORKERS) -m "not slow and not gpu"

test-all: lint types ## every test, the slow ones too
	$(BIN)/pytest -n $(WORKERS) -m "not gpu"

wheel: $(VENV)/.installed-test ## build the wheel into dist/
	$(BIN)/python -m build --wheel --outdir dist .

clean: ## remove the environment and what tools left behind
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis demo.db demo.db-wal demo.db-shm
