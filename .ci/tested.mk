# What tests run on, built in one way: `include` it below TARGET. Packages that are built one by one want the core, and what
# it stands on, with other features each: eleven builds of the same. The Python module is maturin's.
FEATURES := --features xiezhen/cli,xiezhen/process
TESTED := --workspace --exclude xiezhen-python $(FEATURES)
BUILT_FOR_TESTS := $(TESTED) --lib --bins --examples
# The addon's types are written while it is compiled, whoever has it compiled.
export NAPI_TYPE_DEF_TMP_FOLDER ?= $(TARGET)/napi-types/debug

.PHONY: tested
tested:
	mkdir -p $(NAPI_TYPE_DEF_TMP_FOLDER)
	cargo build --quiet --locked $(BUILT_FOR_TESTS)
