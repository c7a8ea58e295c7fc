#!/bin/bash
# Packs libxiezhen for other machines, into target/dist: a relocatable archive, and a pair of Debian packages.
#   VERSION=0.1.0 ABI=0.1 BUILT=<folder of the libraries> DIST=<folder> packaging/dist.sh
set -euo pipefail
cd "$(dirname "$0")/.."
name=xiezhen-$VERSION-linux-$(uname -m)
architecture=$(dpkg --print-architecture)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
umask 022
mkdir -p "$DIST"

install_to() {
  make --no-print-directory install-files BUILT="$BUILT" DESTDIR="$1" PREFIX="$2" >/dev/null
  # What the C code of a crate was compiled from, with the paths of this machine.
  strip --strip-debug "$1$2/lib/libxiezhen.a"
}
documents() { # <folder>: the licences, of what is built in as well
  install -d "$1"
  install -m 644 ../LICENSE-MIT ../LICENSE-APACHE "$1"
  ../.ci/third-party xiezhen-c >"$1/THIRD-PARTY.md"
}

install_to "$work" "/$name"
documents "$work/$name"
install -m 644 README.md "$work/$name"
cp -r examples "$work/$name"
tar --create --gzip --owner=0 --group=0 --sort=name --file="$DIST/$name.tar.gz" --directory="$work" "$name"

package() { # <name> <section> <depends> <description>
  local folder=$work/$1
  documents "$folder/usr/share/doc/$1"
  cat "$folder/usr/share/doc/$1"/LICENSE-* >"$folder/usr/share/doc/$1/copyright"
  mkdir "$folder/DEBIAN"
  cat >"$folder/DEBIAN/control" <<EOF
Package: $1
Version: $VERSION
Architecture: $architecture
Section: $2
Priority: optional
Maintainer: The xiezhen developers <maintainers@users.noreply.github.com>
Depends: $3
Installed-Size: $(du -sk "$folder/usr" | cut -f1)
Description: $4
 Photos of a person in, portraits on disk: uploads, trains, generates, waits,
 and fetches the pictures, without paying twice for anything.
EOF
  # The loader has to learn of it.
  [ "$1" != "libxiezhen$ABI" ] || echo "activate-noawait ldconfig" >"$folder/DEBIAN/triggers"
  dpkg-deb --root-owner-group --build "$folder" "$DIST/${1}_${VERSION}_$architecture.deb" >/dev/null
}

runtime=$work/libxiezhen$ABI
development=$work/libxiezhen-dev
install_to "$development" /usr
mkdir -p "$runtime/usr/lib"
mv "$development"/usr/lib/libxiezhen.so.* "$runtime/usr/lib"
package "libxiezhen$ABI" libs "libc6 (>= 2.17)" "client of an asynchronous AI portrait API, the shared library"
package libxiezhen-dev libdevel "libxiezhen$ABI (= $VERSION)" "client of an asynchronous AI portrait API, for development"
