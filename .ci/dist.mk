# What the packages that are published have in common: `include` it. TARGET is the folder that cargo writes to.
DIST := $(TARGET)/dist
DIST_TOOLS := $(TARGET)/dist-tools
DIST_TARGET ?= $(shell rustc --version --verbose | sed -n 's/^host: //p')
DOT_CI := $(dir $(lastword $(MAKEFILE_LIST)))
ZIG_TARGET := $(DIST_TARGET)$(if $(filter %-gnu,$(DIST_TARGET)),.2.17)
# Release builds of one set of flags, which share what they can. zig links against any glibc since 2.17.
DIST_BUILD := $(TARGET)/dist-build
DIST_ENV = CARGO_TARGET_DIR=$(DIST_BUILD) CARGO_INCREMENTAL=0 RUSTFLAGS="$$($(DOT_CI)release-flags)" PATH="$(DIST_TOOLS)/bin:$$PATH"

$(DIST_TOOLS)/.ready: $(DOT_CI)requirements-dist.txt
	python3 -m venv $(DIST_TOOLS)
	$(DIST_TOOLS)/bin/pip install --quiet --disable-pip-version-check --requirement $<
	touch $@
