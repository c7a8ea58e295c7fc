#!/bin/bash
# Uses what `make dist` has packed as its users do: unpacked where it was never built, by the examples, against the simulator.
#   DIST=<folder of the packages> TARGET=<cargo's target folder> tests/packages.sh
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/simulator.sh

# A whole job of each program, side by side: most of its time is the 15 s until the first poll.
pids=()
mkdir "$work/out"
start() { # <space> <program> <library path>
  LD_LIBRARY_PATH=$3 timeout 300 "$2" "$SIMULATOR/spaces/$1" "$work/out/$1" ../tests/photos/*.jpg >"$work/$1.out" 2>"$work/$1.events" &
  pids+=($!)
}

mkdir "$work/unpacked"
tar --extract --file "$(ls "$DIST"/xiezhen-[0-9]*-linux-*.tar.gz)" --directory "$work/unpacked"
archive=$(ls -d "$work"/unpacked/xiezhen-*)
for part in LICENSE-MIT LICENSE-APACHE THIRD-PARTY.md README.md include/xiezhen.hpp lib/libxiezhen.a; do test -s "$archive/$part"; done
for library in "$archive"/lib/libxiezhen.{a,so}; do
  if grep -q -e "${CARGO_HOME:-$HOME/.cargo}" -e "$(cd .. && pwd)" "$library"; then echo "$library: has paths of this machine"; exit 1; fi
done
export PKG_CONFIG_PATH=$archive/lib/pkgconfig
gcc "$archive/examples/portrait.c" $(pkg-config --cflags --libs xiezhen) -o "$work/archive-shared"
gcc "$archive/examples/epoll.c" $(pkg-config --cflags --libs xiezhen-static) -o "$work/archive-static"
gcc "$archive/examples/portrait.c" $(pkg-config --cflags --libs xiezhen) "-Wl,-rpath,$(pkg-config --variable=libdir xiezhen)" \
  -o "$work/archive-rpath"
start archive-shared "$work/archive-shared" "$archive/lib"
start archive-static "$work/archive-static" ''
start archive-rpath "$work/archive-rpath" ''

mkdir "$work/root"
for package in "$DIST"/libxiezhen*.deb; do
  dpkg-deb --info "$package" | grep -E '^ (Package|Version|Depends)'
  dpkg -x "$package" "$work/root"
done
cmake -S tests/outside/installed -B "$work/build" -DCMAKE_PREFIX_PATH="$work/root/usr" -DEXAMPLES="$PWD/examples" >/dev/null
cmake --build "$work/build" >/dev/null
start deb "$work/build/portrait" "$work/root/usr/lib"
test -s "$work/root/usr/share/doc/libxiezhen-dev/copyright"

for pid in "${pids[@]}"; do wait "$pid" || { tail -n 3 "$work"/*.events; exit 1; }; done
for out in "$work"/*.out; do [ "$(wc -l <"$out")" = 4 ] || { echo "$out: not four pictures"; exit 1; }; done
echo "the packages: ok, $(ls "$work"/*.out | wc -l) programs, four pictures each"
