#!/bin/bash
# Installs the debug library into a folder of its own, and tests what was installed against the simulator.
#   TARGET=<cargo's target folder> BUILT_FOR_TESTS=<what cargo has built there> tests/run.sh
set -euo pipefail
cd "$(dirname "$0")/.."
source_folder=$PWD
say() { printf '\n== %s\n' "$*"; }

. tests/simulator.sh
export QT_QPA_PLATFORM=offscreen
export PHOTOS=$source_folder/../tests/photos PICTURES=$source_folder/../tests/pictures/corpus SCRATCH=$work/scratch
mkdir "$SCRATCH"

say "installed under a DESTDIR"
(umask 077 && make --no-print-directory install PROFILE=debug DESTDIR="$work/stage" PREFIX=/opt/xiezhen >/dev/null)
prefix=$work/stage/opt/xiezhen
(cd "$prefix" && find . ! -type d | sort)
private=$(find "$prefix" -type f ! -perm -444 -o -type d ! -perm -555)
[ -z "$private" ] || { echo "not for everybody to read: $private"; exit 1; }
readelf -d "$prefix/lib/libxiezhen.so" | grep -q 'SONAME.*\[libxiezhen\.so\.0\.1\]'
readelf -d "$prefix/lib/libxiezhen.so" | grep -q NODELETE
export LD_LIBRARY_PATH=$prefix/lib PKG_CONFIG_PATH=$prefix/lib/pkgconfig

say "exported: what the header declares, and nothing else"
nm -D --defined-only "$prefix/lib/libxiezhen.so" | awk '{print $3}' | sort >"$work/exported"
grep -oE '\bxiezhen_[a-z0-9_]+\(' include/xiezhen.h | tr -d '(' | sort -u >"$work/declared"
diff "$work/declared" "$work/exported"
echo "$(wc -l <"$work/exported") functions"
grep -ohE '\bxiezhen_[a-z0-9_]+' tests/*.c tests/*.h | sort -u >"$work/called"
untested=$(comm -23 "$work/declared" "$work/called")
[ -z "$untested" ] || { echo "no C test calls: $untested"; exit 1; }

warnings=(-Wall -Wextra -Wpedantic -Wconversion -Werror -g)
# More of them, for what users read and include. The tests' macros shadow.
strict=("${warnings[@]}" -Wshadow)
strict_cpp=("${strict[@]}" -Wuseless-cast)
compile_c() { # <standard> <test> [flags…]
  gcc -std="$1" -D_GNU_SOURCE "${warnings[@]}" "${@:3}" "tests/$2.c" $(pkg-config --cflags --libs xiezhen) -lm -pthread \
    -o "$work/$2-$1"
}
run() { # <name> <command…>: in spaces and files of its own; valgrind is slow where others work
  RUN=$1 timeout 1200 "${@:2}"
}

compile_cpp() { # <standard>
  g++ -std="$1" "${strict_cpp[@]}" tests/wrapper.cpp tests/wrapper_jobs.cpp tests/second_unit.cpp $(pkg-config --cflags --libs xiezhen) -pthread \
    -o "$work/wrapper-$1"
}

# The other standard's programs run under valgrind.
tests_in_c=(arguments arguments_of_calls calls callbacks hints jobs many nulls photos processes queue queue_load signals threads)
say "C tests as c99, the C side under AddressSanitizer"
# These take longest to build.
compile_cpp c++20 &
cpp20=$!
compile_cpp c++17 &
cpp17=$!
for test in "${tests_in_c[@]}"; do
  compile_c c99 "$test" -fsanitize=address,undefined -fno-sanitize-recover=all
  run "$test-c99" "$work/$test-c99"
done
say "C++ tests as c++20"
wait "$cpp20"
run wrapper-c++20 "$work/wrapper-c++20"

say "callables that would keep what lives for the callback only do not compile"
refusal() { # <number in refused.cpp>: what the compiler says
  g++ -std=c++17 "${warnings[@]}" -fsyntax-only -DREFUSED="$1" tests/refused.cpp $(pkg-config --cflags xiezhen) 2>&1
}
refusal 0
for number in 1 2 3; do
  refusal "$number" >"$work/said" && { echo "case $number compiles"; exit 1; }
  grep -q "on_end takes (std::size_t index, const xiezhen::Outcome &outcome)" "$work/said"
done
refusal 4 >"$work/said" && { echo "case 4 compiles"; exit 1; }
grep -q "use of deleted function.*Task" "$work/said"

say "what xiezhen.hpp needs is said"
says() { # <text> <flags…>
  g++ "${@:2}" -fsyntax-only tests/second_unit.cpp $(pkg-config --cflags xiezhen) 2>"$work/said" && { echo "${*:2} compiles"; exit 1; }
  grep -q "error: #error.*$1" "$work/said"
}
says "needs C++17 or newer" -std=c++14
says "reports errors as exceptions" -std=c++17 -fno-exceptions

if command -v clang++ >/dev/null; then
  say "as clean for clang++"
  clang++ -std=c++17 "${strict[@]}" -Wshadow-all -D_GNU_SOURCE -fsyntax-only tests/wrapper_jobs.cpp $(pkg-config --cflags xiezhen)
fi

say "programs outside the tree"
outside=$work/outside
mkdir "$outside"
cp -r examples/* tests/outside/* "$outside"
cd "$outside"
static=$(pkg-config --libs xiezhen-static)
gcc -std=c99 "${strict[@]}" portrait.c $(pkg-config --cflags --libs xiezhen) -o shared-c
gcc -std=c99 "${strict[@]}" portrait.c $(pkg-config --cflags xiezhen) $static -o static-c
g++ -std=c++17 "${strict_cpp[@]}" portrait.cpp $(pkg-config --cflags --libs xiezhen) -o shared-cpp
gcc -std=c99 "${strict[@]}" waits.c $(pkg-config --cflags --libs xiezhen) -o waits
gcc -std=c99 "${strict[@]}" epoll.c $(pkg-config --cflags --libs xiezhen) -o epoll
gcc -std=c11 -D_GNU_SOURCE "${strict[@]}" libuv.c $(pkg-config --cflags --libs xiezhen libuv) -o libuv
# Qt's headers are not as clean.
g++ -std=c++17 "${strict_cpp[@]}" -fPIC qt.cpp $(pkg-config --cflags --libs xiezhen) \
  $(pkg-config --cflags --libs Qt6Widgets | sed 's/-I/-isystem /g') -o qt
gcc -std=c99 "${strict[@]}" callbacks.c $(pkg-config --cflags --libs xiezhen) -o callbacks
gcc -std=c11 -D_GNU_SOURCE "${strict[@]}" callbacks_server.c $(pkg-config --cflags --libs xiezhen libmicrohttpd) \
  -o callbacks_server
g++ -std=c++17 "${strict_cpp[@]}" advance.cpp $(pkg-config --cflags --libs xiezhen) -o advance
gcc -std=c11 "${warnings[@]}" beside.c $(pkg-config --cflags xiezhen libcurl openssl) $static \
  $(pkg-config --libs libcurl openssl) -o beside
cmake -S . -B build -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_BUILD_TYPE=Debug >/dev/null
cmake --build build >/dev/null
# The sources as a part of another program: cargo has built all of it already.
cmake -S subdirectory -B subdirectory/build -DXIEZHEN_SOURCE="$source_folder" -DXIEZHEN_TARGET_DIR="$TARGET" \
  -DXIEZHEN_CARGO_ARGUMENTS="${BUILT_FOR_TESTS// /;}" -DCMAKE_BUILD_TYPE=Debug >/dev/null
cmake --build subdirectory/build >/dev/null
# Where /lib is a link into /usr, that is where it is found.
mkdir "$work/merged"
ln -s "$prefix" "$work/merged/usr"
ln -s usr/lib "$work/merged/lib"
cmake -S . -B merged -DCMAKE_PREFIX_PATH="$work/merged" >/dev/null
cmake --build merged --target portrait-c >/dev/null
# vcpkg moves the configuration, and keeps one of the libraries.
cp -r "$prefix" "$work/vcpkg"
mv "$work/vcpkg/lib/cmake/xiezhen"/* "$work/vcpkg/share/xiezhen"
rm -r "$work/vcpkg/lib/cmake" "$work/vcpkg/lib"/libxiezhen.so*
cmake -S . -B vcpkg -DCMAKE_PREFIX_PATH="$work/vcpkg" >/dev/null
cmake --build vcpkg --target portrait-c >/dev/null
for program in static-c build/portrait-cpp beside vcpkg/portrait-c; do
  if LD_LIBRARY_PATH='' ldd "$program" | grep libxiezhen; then echo "$program is not static"; exit 1; fi
done
./beside "$SIMULATOR/spaces/beside"

# With the default schedule, most of a portrait's time is the 15 s until the first look: other tests run meanwhile.
portraits=()
for program in shared-c static-c shared-cpp build/portrait-c build/portrait-cpp epoll qt subdirectory/build/portrait; do
  name=${program//\//-}
  "./$program" "$SIMULATOR/spaces/$name" "$SCRATCH/$name" "$PHOTOS"/*.jpg >"$name.out" 2>"$name.events" &
  portraits+=($!)
done
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
export XIEZHEN_CALLBACK_SECRET='a secret of the examples'
for program in callbacks callbacks_server; do
  port=$(free_port)
  [ $program = callbacks ] && listen=127.0.0.1:$port || listen=$port
  "./$program" "$SIMULATOR/spaces/$program" "$SCRATCH/$program" "http://127.0.0.1:$port/hooks" "$listen" "$PHOTOS"/*.jpg \
    >"$program.out" 2>"$program.events" &
  portraits+=($!)
done
unset XIEZHEN_CALLBACK_SECRET
"./advance" "$SIMULATOR/spaces/advance" "$SCRATCH/advance" store.json "$PHOTOS"/*.jpg >advance.out 2>advance.events &
portraits+=($!)
cd "$source_folder"

say "c11 and c++17 under valgrind, with what is shipped for it: no invalid access, no leak"
memcheck=(valgrind --quiet --leak-check=full
  --error-exitcode=9 --fair-sched=yes --child-silent-after-fork=yes "--suppressions=$prefix/share/xiezhen/valgrind.supp")
for test in "${tests_in_c[@]}"; do compile_c c11 "$test"; done
wait "$cpp17"
# Two at a time: valgrind runs a program on one core.
pids=()
for program in "${tests_in_c[@]/%/-c11}" wrapper-c++17; do
  # Children of a fork leave what they have inherited, which looks like a possible leak.
  case $program in calls-* | nulls-* | photos-* | queue-*) leaks=definite,possible ;; *) leaks=definite ;; esac
  SLOW=1 run "valgrind-$program" "${memcheck[@]}" --show-leak-kinds=$leaks --errors-for-leak-kinds=$leaks "$work/$program" &
  pids+=($!)
  [ $((${#pids[@]} % 2)) = 1 ] || { wait "${pids[-1]}"; wait "${pids[-2]}"; }
done

say "the C side under ThreadSanitizer, with what is shipped for it"
for test in callbacks queue queue_load; do
  compile_c c11 "$test" -fsanitize=thread
  SLOW=1 TSAN_OPTIONS="suppressions=$prefix/share/xiezhen/tsan.supp" run "tsan-$test" "$work/$test-c11"
done

say "what the programs outside the tree have fetched"
cd "$outside"
for pid in "${portraits[@]}"; do wait "$pid" || { tail -n 3 ./*.events; exit 1; }; done
# The store holds a job that is done: who goes on with it asks for nothing. Its tasks are anybody's to wait for.
seen() { # <what> [<space>]: what the simulator knows of it
  python3 -c 'import sys, urllib.request as get; print(get.urlopen(sys.argv[1]).read().decode())' \
    "$SIMULATOR/spaces/${2-advance}/_simulator/$1"
}
for program in callbacks callbacks_server; do
  seen journal "$program" | python3 -c '
import json, sys
called = [entry["status"] for entry in json.load(sys.stdin) if entry["call"] == "callback"]
if called != [204, 204, 204]:
    raise SystemExit(f"{sys.argv[1]}: the callbacks of three tasks were answered {called}")' "$program"
done
before=$(seen counts)
./advance "$SIMULATOR/spaces/advance" "$SCRATCH/advance" store.json "$PHOTOS"/*.jpg | diff - advance.out
[ "$(seen counts)" = "$before" ]
tasks=$(seen tasks | grep -oE '"id": ?"[^"]+"' | cut -d'"' -f4)
./waits "$SIMULATOR/spaces/advance" "$SCRATCH/waits" $tasks >waits.out 2>waits.events
[ "$(grep -c 'has ended' waits.events)" = 3 ]
# A task that can't be waited for keeps none of the others, and the program says that it has failed.
if ./waits "$SIMULATOR/spaces/advance" "$SCRATCH/waits" no-such-task $tasks >waits-failed.txt 2>&1; then
  echo "waits: exits with 0 although a task has failed"; exit 1
fi
[ "$(grep -c 'has ended' waits-failed.txt)" = 3 ]
./libuv "$SIMULATOR/spaces/advance" "$SCRATCH/libuv" $tasks >libuv.out
for out in *.out; do
  [ "$(wc -l <"$out")" = 4 ] || { echo "$out: not four pictures"; exit 1; }
  cut -d: -f2- "$out" | while read -r file; do test -s "$file"; done
done
echo "$(ls ./*.out | wc -l) programs, four pictures each"

say "the README shows the examples, the header's rules, and every option"
cd "$source_folder"
python3 - <<'PY'
import pathlib
import re

readme = pathlib.Path("README.md").read_text()
for example in pathlib.Path("examples").iterdir():
    if example.read_text().strip() not in readme and f"({example})" not in readme:
        raise SystemExit(f"README.md neither shows nor names {example}")
header = pathlib.Path("include/xiezhen.h").read_text()
rules = re.sub(r"^ \* ?", "", header[: header.index("*/")], flags=re.MULTILINE)
rules = rules[rules.index("1.  ") : rules.index("Credentials")].strip()
if rules not in readme:
    raise SystemExit("README.md does not have the header's rules")
for name in re.findall(r"xiezhen_(?:client|call|run)_options_set_(\w+)\(", header):
    if f"`{name.removesuffix('_ms')}`" not in readme[readme.index("## Options") :]:
        raise SystemExit(f"README.md does not tell of the option {name}")
PY
say "all passed"
