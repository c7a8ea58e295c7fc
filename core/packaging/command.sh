#!/usr/bin/env bash
# Packs the command for other machines: core/packaging/command.sh PROGRAM VERSION-PLATFORM DIST
# What is in it goes below any prefix: tar --extract --strip-components=1 --directory=/usr/local --file=…
set -euo pipefail
program=$1
name=xiezhen-command-$2
dist=$3
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
umask 022

share=$work/$name/share
mkdir -p "$dist" "$work/$name/bin" "$share"/{man/man1,doc/xiezhen,bash-completion/completions,zsh/site-functions,fish/vendor_completions.d}
cp "$program" "$work/$name/bin"
# They speak of the program as it is called.
export PATH=$work/$name/bin:$PATH
xiezhen man "$share/man/man1"
xiezhen completions bash >"$share/bash-completion/completions/xiezhen"
xiezhen completions zsh >"$share/zsh/site-functions/_xiezhen"
xiezhen completions fish >"$share/fish/vendor_completions.d/xiezhen.fish"
xiezhen completions powershell >"$share/doc/xiezhen/xiezhen.ps1"
cp "$root"/LICENSE-{MIT,APACHE} "$share/doc/xiezhen"
python3 "$root/.ci/third-party" xiezhen cli >"$share/doc/xiezhen/THIRD-PARTY.md"
owner=()
! tar --version | grep -q GNU || owner=(--owner=0 --group=0 --sort=name)
tar ${owner[@]+"${owner[@]}"} -czf "$dist/$name.tar.gz" -C "$work" "$name"
