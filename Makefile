# Everything installs into .venv; nothing else on the machine is touched (but by `make deps`).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
DEBIAN := valgrind binutils-xtensa-lx106

.DEFAULT_GOAL := help
.PHONY: help install demo test faults model bench lint pictures deps clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

install: $(INSTALLED) ## Make .venv with everything the project needs

$(INSTALLED): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name it with: make PYTHON=python3.11 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c requirements.lock -e '.[test,bench]'
	@touch $@

demo: $(INSTALLED) ## Watch money move: two virtual boards, a bridge, a bank
	$(BIN)/opg demo

test: $(INSTALLED) lint ## Run every check and every test
	$(BIN)/python -m tests

faults: $(INSTALLED) ## Let everything fail: SEEDS=10000 JOBS=2, SEED=7 replays one, SWEEP=micropython
	$(BIN)/python -m tests.faults $(if $(SEEDS),--seeds $(SEEDS)) $(if $(SEED),--seed $(SEED)) \
	  $(if $(JOBS),--jobs $(JOBS)) $(if $(SWEEP),--sweep $(SWEEP))

model: $(INSTALLED) ## Look at every state that the protocol can reach (about 3 minutes)
	$(BIN)/python -m tests.model

bench: $(INSTALLED) ## Measure: a board's heap, its cryptography beside others', a tap
	$(BIN)/opg bench crypto
	$(BIN)/opg bench tap
	$(BIN)/opg bench memory

lint: $(INSTALLED) ## Format, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright

pictures: $(INSTALLED) ## Take the README's pictures anew, from running boards
	$(BIN)/python -m host_tools.pictures

deps: ## Install what only Debian has: valgrind, a disassembler for Xtensa (as root)
	@command -v apt-get >/dev/null || \
	  { echo "There is no apt-get here; install by hand: $(DEBIAN)"; exit 1; }
	@dpkg -s $(DEBIAN) >/dev/null 2>&1 || { test "$$(id -u)" = 0 || \
	  { echo "Only root can install packages: sudo make deps"; exit 1; }; \
	  apt-get update -qq && apt-get install -y -qq --no-install-recommends $(DEBIAN); }
	@echo "Installed: $(DEBIAN)"

clean: ## Remove what was built
	rm -rf $(VENV) .build .pytest_cache .ruff_cache .hypothesis
