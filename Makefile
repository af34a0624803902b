# Every target does its own set-up: `make demo` or `make test` on a fresh clone is enough.
# Variables: VENV (virtual environment), PYTHON (to create it), TEMPORAL (the real server's binary),
# CARGO_TARGET_DIR, PYTEST_ARGS.

VENV ?= .venv
PYTHON ?= python3
TEMPORAL ?= .tools/temporal
PYTEST_ARGS ?=
SEEDS ?= 10000
FIRST ?= 0
SECONDS ?= 600
MUTANTS ?= 100
FUZZ := rust/engine/fuzz

BIN := $(abspath $(VENV))/bin
PY := $(BIN)/python
NATIVE_DEV := $(VENV)/.native-dev
NATIVE_RELEASE := $(VENV)/.native-release
RUST_SOURCES := Cargo.toml Cargo.lock $(wildcard clippy.toml) \
	$(shell find rust -name target -prune -o \( -name '*.rs' -o -name '*.toml' -o -name '*.sql' \) -print)

export CARGO_TARGET_DIR ?= $(abspath target)
# One Python for every cargo call: pyo3 is rebuilt whenever this changes.
export PYO3_PYTHON := $(PY)
export HOURGLASS_TEST_TEMPORAL := $(abspath $(TEMPORAL))

.DEFAULT_GOAL := build
.PHONY: help build demo test lint format sizes test-rust test-python exits kill-sweep conformance simulate random-programs mutants fuzz bench docs clean temporal-server need-python need-cargo

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: $(NATIVE_DEV) ## Create .venv with everything in it and build the native module (the default)
	@echo "ready: $(VENV)/bin/python -c 'import hourglass'"

demo: $(NATIVE_DEV) ## Index a directory tree durably while its worker is killed twice (DEMO_ARGS='--target localhost:7233 PATH')
	@$(PY) examples/index_tree/run.py $(DEMO_ARGS)

test: lint test-rust test-python ## Everything CI checks: lints, sizes, Rust tests, Python tests on both engines

lint: $(NATIVE_DEV) sizes ## ruff, mypy, pyright, rustfmt, clippy, size limits, rows without a test, generated files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

sizes: $(VENV)/.installed
	$(PY) tools/check_sizes.py
	$(PY) tools/check_behaviours.py
	$(PY) tools/generate_overloads.py --check

format: $(VENV)/.installed need-cargo ## Format Python and Rust in place
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	cargo fmt --all

test-rust: $(NATIVE_DEV)
	cargo test --workspace --locked

test-python: $(NATIVE_DEV) $(TEMPORAL)
	$(BIN)/pytest $(PYTEST_ARGS)

exits: $(NATIVE_DEV) ## Let 1,000 processes that ran a worker leave, in every way, under load
	HOURGLASS_EXITS=1000 $(BIN)/pytest tests/crash/test_exit.py

kill-sweep: $(NATIVE_DEV) $(TEMPORAL) ## Kill processes at every point of every kind of workflow; `make test` samples them
	HOURGLASS_KILLS=all $(BIN)/pytest -s tests/crash/test_kill_sweep.py

conformance: $(NATIVE_DEV) $(TEMPORAL) ## Compare our engine with the real server, scenario by scenario
	$(BIN)/pytest -q tests/conformance $(PYTEST_ARGS)

simulate: need-cargo ## Run the engine's simulation for long (SEEDS=10000 FIRST=0); `make test` runs a few seeds of it
	SIMULATION_SEEDS=$(SEEDS) SIMULATION_FIRST=$(FIRST) cargo test -p hourglass-engine --locked --test simulation -- many every_step --nocapture

random-programs: $(NATIVE_DEV) ## Run random workflow programs and hold them to asyncio (SEEDS=10000 FIRST=0); `make test` runs some
	$(PY) -m tests.random_programs $(SEEDS) $(FIRST)

mutants: $(NATIVE_DEV) $(TEMPORAL) ## Break supervision, subsystem and workflow runtime in one place at a time (MUTANTS=100 FIRST=0); takes hours for all
	$(PY) tools/mutate.py --sample $(MUTANTS) --seed $(FIRST)

fuzz: need-cargo ## Send wrong requests chosen by coverage (SECONDS=600; needs a nightly compiler and cargo-fuzz); `make test` sends seeded ones
	@cargo +nightly fuzz --version >/dev/null 2>&1 || { echo "A nightly compiler and cargo-fuzz are needed: rustup toolchain install nightly && cargo install cargo-fuzz --locked" >&2; exit 1; }
	@mkdir -p $(FUZZ)/corpus/calls
	@test -n "$$(ls $(FUZZ)/corpus/calls)" || for i in $$(seq 40); do head -c 1600 /dev/urandom > $(FUZZ)/corpus/calls/random-$$i; done
	# No sanitizer: almost no code here is unsafe, and without one there are several times as many inputs.
	cd rust/engine && CARGO_TARGET_DIR=fuzz/target cargo +nightly fuzz run --sanitizer none calls -- -max_total_time=$(SECONDS) -max_len=4096 -len_control=0 -timeout=60

bench: $(NATIVE_RELEASE) $(VENV)/.bench-installed ## Measure against DBOS on SQLite, import time, the engine alone with growth curves (release build)
	$(PY) -m benches.run
	cargo bench -p hourglass-engine --locked

docs: $(NATIVE_DEV) ## Rust and Python reference as HTML, under target/doc
	cargo doc --workspace --no-deps --locked
	cd python && $(PY) -m pydoc -w hourglass && mkdir -p $(CARGO_TARGET_DIR)/doc && mv hourglass.html $(CARGO_TARGET_DIR)/doc/

temporal-server: $(TEMPORAL) ## Build the Temporal server that the tests also run against

clean: ## Remove everything that was built, the environment and the tools too
	chmod -R u+w .tools 2>/dev/null || true
	rm -rf $(VENV) .tools target dist python/hourglass/*.so .mypy_cache .ruff_cache .pytest_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(TEMPORAL): $(wildcard tests/server/*)
	@command -v go >/dev/null || { echo "The tests also run against a real Temporal server, which is built with Go 1.26 or newer: install it from https://go.dev/dl/ (or your package manager), then run this again." >&2; exit 1; }
	@mkdir -p $(dir $(TEMPORAL))
	cd tests/server && go build -o $(abspath $(TEMPORAL)) .

$(VENV)/.installed: requirements-dev.txt
	@$(MAKE) --no-print-directory need-python
	test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

$(VENV)/.bench-installed: $(VENV)/.installed benches/requirements.txt
	$(PY) -m pip install --quiet --disable-pip-version-check -r benches/requirements.txt
	@touch $@

$(NATIVE_DEV): $(VENV)/.installed pyproject.toml $(RUST_SOURCES)
	@$(MAKE) --no-print-directory need-cargo
	VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/maturin develop --locked
	@rm -f $(NATIVE_RELEASE); touch $@

$(NATIVE_RELEASE): $(VENV)/.installed pyproject.toml $(RUST_SOURCES)
	@$(MAKE) --no-print-directory need-cargo
	VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/maturin develop --release --locked
	@rm -f $(NATIVE_DEV); touch $@

need-python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null || { echo "Python 3.10 or newer is needed: install it, or name one with make PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "This Python can't create virtual environments: install its venv module (Debian, Ubuntu: apt-get install python3-venv)." >&2; exit 1; }

need-cargo:
	@command -v cc >/dev/null || { echo "SQLite is compiled in: a C compiler is needed (Debian, Ubuntu: apt-get install gcc libc6-dev)." >&2; exit 1; }
	@command -v cargo >/dev/null || { echo "The native module is built with Rust 1.95 or newer: install cargo from https://rustup.rs, then run this again." >&2; exit 1; }
