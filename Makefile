# Everything runs in .venv, which is made from hash-locked requirements and made again when they change.

PYTHON ?= python3
BIN := .venv/bin

UV := VIRTUAL_ENV=$(CURDIR)/.venv UV_SYSTEM_CERTS=1 UV_PYTHON_DOWNLOADS=never $(BIN)/uv --quiet
COMPILE := $(UV) pip compile --universal --generate-hashes --python-version 3.11 --no-emit-index-url \
	--custom-compile-command "make lock" $(if $(UPGRADE),--upgrade)

# What is needed to install the rest: uv itself, and what builds this project.
TOOLS := uv==0.13.9 hatchling editables

.DELETE_ON_ERROR:
.PHONY: help demo test bench chaos mutants format lock clean

help:  ## show this list
	@echo "make demo     see a whole year of one employer"
	@echo "make test     check style, types, imports and behaviour"
	@echo "make bench    measure speed and size on this machine"
	@echo "make chaos    kill everything again and again, and count what people were told"
	@echo "make mutants  change the gate's rules and the verifier bit by bit; do the tests notice?"
	@echo "make format   put the code in the project's style"
	@echo "make lock     write the locked requirements again (UPGRADE=1: with newer versions)"
	@echo "make clean    remove what these commands made"

demo: .venv/runtime
	$(BIN)/forsvarlig demo

test: .venv/development
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadgroup

bench: .venv/development
	$(BIN)/python tests/bench/run.py

chaos: .venv/development
	$(BIN)/python tests/chaos/run.py

mutants: .venv/development
	$(BIN)/python tests/mutation/run.py

format: .venv/development
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Each lock keeps to the versions of the one before it, so that they can share one .venv.
lock: .venv/tools
	$(COMPILE) --extra postgres --extra timestamps pyproject.toml --output-file requirements.lock
	$(COMPILE) --extra postgres --extra timestamps --group dev --constraint requirements.lock pyproject.toml \
		--output-file requirements-dev.lock
	printf '%s\n' $(TOOLS) | $(COMPILE) --constraint requirements-dev.lock - \
		--output-file requirements-bootstrap.lock

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist

.venv/tools: requirements-bootstrap.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or newer is needed, and \"$(PYTHON)\" is not: try make PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv --clear .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bootstrap.lock
	@touch $@

.venv/runtime: .venv/tools requirements.lock pyproject.toml
	$(UV) pip install --require-hashes -r requirements.lock
	$(UV) pip install --no-deps --no-build-isolation --editable .
	@touch $@

.venv/development: .venv/runtime requirements-dev.lock
	$(UV) pip install --require-hashes -r requirements-dev.lock
	@touch $@
