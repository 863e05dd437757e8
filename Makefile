# streamui: `make run` starts the demo page, `make test` runs every test.
# Each recipe is a line or two that you can copy into a shell.
# Another Python: make PYTHON=python3.12 run

PYTHON ?= $(firstword $(foreach name,python3.11 python3,$(shell command -v $(name))))
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help install run test quick e2e check format bench load faults export wheel clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' Makefile

install: .venv/installed node_modules/installed ## make .venv and node_modules; no work when up to date

run: .venv/installed ## start the demo page and open it at http://localhost:3000
	$(BIN)/reflex run

# Two files at once, in the order of tests/conftest.py.
PYTEST := $(BIN)/pytest -n 2 --dist loadgroup --no-loadscope-reorder

test: install chromium servers ## run every test, in Chromium too
	$(PYTEST)

quick: install servers ## run the tests that need no browser, no build and no patience
	$(PYTEST) -m "not browser and not slow"

e2e: install chromium servers ## run the tests in Chromium, without those that install packages
	$(PYTEST) -m "browser and not slow"

check: install ## lint, formatting, types, layers, JavaScript
	$(BIN)/ruff check && $(BIN)/ruff format --check && $(BIN)/pyright
	$(BIN)/pytest -q tests/test_layers.py && $(BIN)/node node_modules/eslint/bin/eslint.js

format: .venv/installed ## put imports and layout in order
	$(BIN)/ruff check --fix && $(BIN)/ruff format

bench: install chromium ## measure against plain Reflex, Starlette and others
	$(BIN)/python -m benchmarks

load: install servers ## measure what this machine carries: streams, pages, readers
	$(BIN)/python -m benchmarks.load

faults: install servers ## play 2,000 seeded schedules of faults on real sockets
	STREAMUI_SCHEDULES=2000 $(BIN)/pytest tests/faults/test_sockets.py --timeout=3600

export: .venv/installed ## write frontend.zip (static files) and backend.zip
	$(BIN)/reflex export --exclude-from-backend node_modules \
		--exclude-from-backend tests --exclude-from-backend benchmarks

wheel: .venv/installed ## build dist/streamui-*.whl
	$(BIN)/hatchling build -t wheel

clean: ## remove everything that make made
	rm -rf .venv .web .states .cache node_modules dist assets/external frontend.zip backend.zip
	rm -rf benchmarks/usechat/node_modules benchmarks/usechat/built benchmarks/app/.web

.PHONY: chromium servers
chromium:
	@scripts/install-chromium
servers:
	@scripts/install-servers

.venv/installed: pyproject.toml
	test -x $(BIN)/python || scripts/create-venv $(PYTHON)
	$(BIN)/python -m pip install -q -e '.[dev]' && touch $@

node_modules/installed: package.json package-lock.json | .venv/installed
	$(BIN)/npm ci --no-audit --no-fund && touch $@
