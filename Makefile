# The commands of this repository. `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash -euo pipefail
export CARGO_TERM_COLOR ?= auto
TARGET := $(abspath $(or $(CARGO_TARGET_DIR),target))
include .ci/tested.mk

.PHONY: help
help: ## List the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

.PHONY: demo
demo: ## The main job, end to end, against the simulator: no account needed
	cargo build --quiet --locked $(TESTED) --example demo
	$(TARGET)/debug/examples/demo

.PHONY: setup tools
setup: ## The Debian packages that the tests need
	.ci/tools --install

tools:
	@.ci/tools

.PHONY: test test-rust test-python test-node test-c test-scenarios test-consistency test-contract test-fleets test-hard test-docs test-workflows
test: tools lint test-rust test-python test-node test-c test-scenarios test-consistency test-contract test-fleets test-hard test-docs test-workflows ## Everything, in every language

# Most tests wait for something.
test-rust: export RUST_TEST_THREADS ?= 6
test-rust: tested ## Every Rust test: the core, the simulator, the C border, the tools
	cargo test --locked $(TESTED)

test-python: ## The Python package
	$(MAKE) -C bindings-python test

test-node: ## The Node package
	$(MAKE) -C bindings-node test

test-c: ## The C library and the C++ header
	$(MAKE) -C bindings-c test

test-scenarios: ## One list of behaviours through every language
	$(MAKE) -C tests/scenarios test

test-consistency: ## Names, parameters, defaults and codes of all languages against one table
	$(MAKE) -C tests/consistency test

test-contract: ## Every language's happy path against somebody else's server
	$(MAKE) -C tests/contract test

test-fleets: ## Stores, and a fleet that is killed at random, on real Redis, PostgreSQL, Celery and BullMQ
	$(MAKE) -C tests/fleets test

test-hard: ## Short fuzzing, a small chaos, and that the benches run
	$(MAKE) -C tests/fuzz test
	$(MAKE) -C tests/chaos test
	$(MAKE) -C tests/benches test

test-docs: ## Every example of the guides, their two languages, and their links
	$(MAKE) -C docs test

test-workflows: ## The workflows of the release, by reading
	$(MAKE) -C tests/workflows test

.PHONY: docs
docs: ## The site, in target/site: guides in Chinese and English, references of every language
	$(MAKE) -C docs site

.PHONY: release-check
release-check: ## One version everywhere, a dated changelog, and a crate that can be published
	python3 tests/consistency/versions.py --release
	cargo package --locked --package xiezhen

.PHONY: bench
bench: ## What it costs beside what is written by hand, as ratios measured in one run
	$(MAKE) -C tests/benches bench

.PHONY: mutants fuzz chaos
mutants: ## Deliberate defects: each must be caught by a scenario
	$(MAKE) -C tests/scenarios mutants

fuzz: ## Fuzzing as long as you like: SECONDS_EACH=3600 SEED=1
	$(MAKE) -C tests/fuzz fuzz

chaos: ## Many jobs through a bad network, processes killed at random: JOBS=500 SEED=1
	$(MAKE) -C tests/chaos chaos

.PHONY: check-long
check-long: ## What takes too long for every change: more random kills and exits, all scenarios in all languages, all mutants, 500 jobs, licences, every package
	for seed in 1 2 3 4 5; do XIEZHEN_TEST_SEED=$$seed cargo test $(TESTED) --test suite -- killed::at_random; done
	cargo test --release --manifest-path tests/loom/Cargo.toml --target-dir target/loom
	cargo test $(TESTED) --features xiezhen/heic --test suite pictures::
	cargo test $(TESTED) --test suite -- --ignored --exact large::sixteen_pictures_of_sixty_mib_take_sixteen_mib_of_memory
	$(MAKE) -C bindings-python check-long
	$(MAKE) -C bindings-node check-long
	$(MAKE) -C tests/scenarios test ARGS="--drivers rust,python,asyncio,node,c,cpp --quiet"
	$(MAKE) mutants chaos
	$(MAKE) -C tests/fleets mutants long
	$(MAKE) dist dist-check
	command -v cargo-deny >/dev/null || cargo install --locked cargo-deny
	cargo deny check bans licenses sources
	command -v cargo-audit >/dev/null || cargo install --locked cargo-audit
	cargo audit --db .ci/advisories --no-fetch --stale

.PHONY: lint
lint: ## Formatting, lints and documentation of the Rust code; the benches' Python
	python3 tests/consistency/rooms.py core/src bindings-c/src bindings-python/src bindings-python/python/xiezhen bindings-node/src bindings-node/lib
	python3 tests/consistency/names.py
	cargo fmt --all --check
	python3 tests/consistency/versions.py
	cargo clippy --workspace --all-targets $(FEATURES) -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps $(FEATURES)
	$(MAKE) --no-print-directory -C tests/benches lint

include .ci/dist.mk
VERSION := $(shell sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
COMMAND := $(DIST_BUILD)/$(DIST_TARGET)/release/xiezhen

.PHONY: dist dist-crate dist-command dist-check
dist: ## Every package for this platform, as it is published, in target/dist: release builds, which take a while
	rm -rf $(DIST)
	$(MAKE) dist-crate dist-command
	$(MAKE) -C bindings-python dist
	$(MAKE) -C bindings-node dist
	$(MAKE) -C bindings-c dist
	cd $(DIST) && sha256sum * > SHA256SUMS
	ls -l $(DIST)

dist-crate:
	cargo package --locked --package xiezhen
	mkdir -p $(DIST)
	cp $(TARGET)/package/xiezhen-$(VERSION).crate $(DIST)

dist-command: $(DIST_TOOLS)/.ready
	$(DIST_ENV) cargo zigbuild --release --locked --package xiezhen --features cli --bin xiezhen --target $(ZIG_TARGET)
	.ci/dist-gate $(COMMAND) 7864320
	core/packaging/command.sh $(COMMAND) $(VERSION)-linux-$$(uname -m) $(DIST)

dist-check: tested ## What `make dist` has made, as its users have it
	cd $(DIST) && sha256sum --quiet --check SHA256SUMS
	core/packaging/command_check.sh $(DIST) $(TARGET)/debug/xiezhen-simulator
	$(MAKE) -C bindings-python dist-check
	$(MAKE) -C bindings-node dist-check
	$(MAKE) -C bindings-c dist-check

.PHONY: install
install: ## The C library: make install PREFIX=/usr/local [DESTDIR=…]
	$(MAKE) -C bindings-c install
