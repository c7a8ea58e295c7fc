#!/usr/bin/env bash
# Uses the packed command as its users do, against the simulator: core/packaging/command_check.sh DIST SIMULATOR
set -euo pipefail
dist=$1
simulator=$2
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
finish() {
  local ended=$?
  exec {stdin}>&- || true
  rm -rf "$work"
  exit "$ended"
}
mkfifo "$work/stdin" "$work/stdout"
"$simulator" --port 0 --seed 7 --training-seconds 0.1 --generation-seconds 0.05 --pictures-per-task 2 \
  <"$work/stdin" >"$work/stdout" &
exec {stdin}>"$work/stdin"
trap finish EXIT
read -r XIEZHEN_BASE_URL <"$work/stdout"
export XIEZHEN_BASE_URL XIEZHEN_APP_CODE=simulator-app-code

mkdir "$work/usr"
tar --extract --strip-components=1 --directory="$work/usr" --file="$(ls "$dist"/xiezhen-command-*.tar.gz)"
share=$work/usr/share
for part in doc/xiezhen/{LICENSE-MIT,LICENSE-APACHE,THIRD-PARTY.md} fish/vendor_completions.d/xiezhen.fish; do test -s "$share/$part"; done
grep -q '^\.TH xiezhen 1' "$share/man/man1/xiezhen.1"
for command in run batch resume check styles status; do test -s "$share/man/man1/xiezhen-$command.1"; done
grep -q 'dry' "$share/man/man1/xiezhen-batch.1"
grep -q '^#compdef xiezhen' "$share/zsh/site-functions/_xiezhen"
# What bash would offer after `xiezhen ru`.
offered=$(bash -c '. "$1"; COMP_WORDS=(xiezhen ru) COMP_CWORD=1 COMPREPLY=(); _xiezhen xiezhen ru xiezhen; echo "${COMPREPLY[*]}"' - \
  "$share/bash-completion/completions/xiezhen")
[ "$offered" = run ] || { echo "bash offers: $offered"; exit 1; }

export PATH=$work/usr/bin:$PATH
style=$(xiezhen styles --json | head -c 2000 | grep -oP '"name": ?"\K[^"]+' | head -n 1)
xiezhen run "$root"/tests/photos/*.jpg --style "$style" --out "$work/out" >/dev/null 2>"$work/said" || { cat "$work/said"; exit 1; }
pictures=$(find "$work/out" -name '*.jpg' -o -name '*.png' -o -name '*.webp' | wc -l)
[ "$pictures" = 2 ] || { find "$work/out"; exit 1; }
echo "the command: $(xiezhen --version), $pictures pictures"
