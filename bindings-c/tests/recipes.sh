#!/bin/bash
# The recipes of Conan and vcpkg, run: Conan's by Conan itself, vcpkg's with the little of vcpkg that it calls.
#   TARGET=<cargo's target folder> CONAN=<program> tests/recipes.sh
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# With crates that were built before.
export CARGO_TARGET_DIR=$TARGET CONAN_HOME=$work/conan

quietly() { "$@" >"$work/said" 2>&1 || { cat "$work/said"; exit 1; }; }
quietly "$CONAN" profile detect
quietly "$CONAN" create packaging/conan --settings build_type=Debug
version=$(grep -oP '^version = "\K[^"]+' ../Cargo.toml | head -n 1)
quietly "$CONAN" install --requires "xiezhen/$version" --settings build_type=Debug --generator PkgConfigDeps \
  --output-folder "$work/from-conan"
PKG_CONFIG_PATH=$work/from-conan gcc examples/portrait.c $(PKG_CONFIG_PATH=$work/from-conan pkg-config --cflags --libs xiezhen) \
  -o "$work/portrait"
echo "conan: xiezhen/$version is built, and an example on it"

# The port and its manifest agree with the workspace, and the port installs what it says.
[ "$(python3 -c 'import json; print(json.load(open("packaging/vcpkg/vcpkg.json"))["version"])')" = "$version" ]
cat >"$work/vcpkg.cmake" <<EOF
set(CURRENT_PACKAGES_DIR "$work/installed")
set(CURRENT_BUILDTREES_DIR "$work/trees")
set(VCPKG_BUILD_TYPE debug)
set(VCPKG_LIBRARY_LINKAGE dynamic)
set(CMAKE_CURRENT_LIST_DIR "$PWD/packaging/vcpkg")
function(vcpkg_execute_required_process)
  cmake_parse_arguments(PARSE_ARGV 0 called "" "WORKING_DIRECTORY;LOGNAME" "COMMAND")
  execute_process(COMMAND \${called_COMMAND} WORKING_DIRECTORY "\${called_WORKING_DIRECTORY}" COMMAND_ERROR_IS_FATAL ANY)
endfunction()
function(vcpkg_cmake_config_fixup)
endfunction()
function(vcpkg_fixup_pkgconfig)
endfunction()
function(vcpkg_install_copyright)
endfunction()
EOF
cat packaging/vcpkg/portfile.cmake >>"$work/vcpkg.cmake"
mkdir "$work/trees"
ln -s "$TARGET" "$work/trees/cargo"
quietly cmake -P "$work/vcpkg.cmake"
test -e "$work/installed/debug/lib/libxiezhen.so"
! test -e "$work/installed/debug/lib/libxiezhen.a"
! test -e "$work/installed/debug/include"
echo "vcpkg: the port installs"
