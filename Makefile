# The commands everyone relies on. `make` alone lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
UV_VERSION := $(shell sed -n 's/^uv==\([0-9.]*\).*/\1/p' requirements.lock)

.DEFAULT_GOAL := help
.PHONY: help setup demo test chaos lint format lock sbom advisories clean

help:  ## List the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP)  ## Install everything into .venv (uv included, if it is missing)

$(STAMP): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	  || { echo "Python 3.11 or newer is needed; name one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	@if command -v uv >/dev/null 2>&1; then uv venv -q --clear --seed --python "$(PYTHON)" $(VENV); \
	 else $(PYTHON) -m venv --clear $(VENV); fi \
	  || { echo "No virtual environment could be made: install uv, or your system's python3-venv package."; exit 2; }
	@$(BIN)/python -c 'import uv' 2>/dev/null || $(BIN)/python -m pip install -q --disable-pip-version-check uv==$(UV_VERSION) \
	  || { echo "uv could not be installed: is the network (or your package mirror) reachable? Then run the same command again."; exit 2; }
	@echo "Installing the locked packages ..."
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip sync -q --require-hashes --compile-bytecode requirements.lock \
	  || { echo "The packages could not be installed: is the network (or your package mirror) reachable? Then run the same command again."; exit 2; }
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip install -q --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q deploy services shared
	@touch $@

demo: setup  ## Play the main job from nothing; ONCE=1 ends by itself
	@$(BIN)/i2pcc demo $(if $(ONCE),--once)

test: setup  ## Run all tests, on a real Kafka and PostgreSQL of their own
	@$(BIN)/pytest

chaos: setup  ## Make every fault under load, and see that nothing is lost; about 20 minutes
	@$(BIN)/i2pcc chaos

lint: setup  ## ruff, mypy strict, import-linter
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

format: setup  ## Let ruff format and mend what it can
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

lock: setup  ## Pin the newest versions that pyproject.toml allows
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip compile --universal --python-version 3.11 --all-extras --generate-hashes \
	  --no-emit-index-url --no-header -q --upgrade pyproject.toml -o requirements.lock

sbom: setup  ## Write the bill of materials, build/sbom.cdx.json (CycloneDX)
	@$(BIN)/python -m deploy.sbom build/sbom.cdx.json

advisories: setup  ## Look for known vulnerabilities of the locked packages; needs the network's advisory database
	@$(BIN)/pip-audit --strict --disable-pip --progress-spinner off -r requirements.lock

clean:  ## Remove the virtual environment and all local state
	@if [ -x $(BIN)/i2pcc ]; then $(BIN)/i2pcc down --wipe; fi
	@rm -rf $(VENV) build
