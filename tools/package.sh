#!/usr/bin/env bash
# SPDX-License-Identifier: EUPL-1.2
# Packs .build-package/zwilling into dist/: a .deb and a .tar.gz, the same bytes from the same
# commit and toolchain. Then installs the archive in a temporary directory and uses it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
umask 022

program=.build-package/zwilling
version="$("$program" --version)"
machine="$(uname -m)"
# The oldest glibc that it is tested with.
glibc_min="2.36"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

# Without git, of an unpacked source archive, the date of the manifest.
SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null ||
    stat -c %Y Package.swift)}"
export SOURCE_DATE_EPOCH

# The newest glibc of which the program uses something.
glibc_needed() {
    {
        echo "$glibc_min"
        readelf --wide --version-info "$program" | grep -o 'GLIBC_[0-9.]*' | cut -d _ -f 2
    } | sort -V | tail -n 1
}

# $1: directory of binaries, $2: of shared files, $3: of documentation.
lay_out() {
    mkdir -p "$1" "$2" "$3"
    install -m 755 "$program" "$1/zwilling"
    ln -s zwilling "$1/zw"
    install -m 755 tools/rescue.py Examples/hooks/clamav.sh "$2/"
    install -m 644 tools/zwilling.service "$2/"
    install -m 644 README.md docs/*.md tools/postgres-role.sql Examples/minimal/institution.yaml "$3/"
}

# Everything of one date.
settle() {
    find "$1" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
}

make_archive() {
    local name="zwilling-$version-linux-$machine"
    local root="$work/archive/$name"
    lay_out "$root/bin" "$root/share/zwilling" "$root/share/doc/zwilling"
    install -m 644 LICENSE "$root/"
    settle "$work/archive"
    archive="dist/$name.tar.gz"
    tar --create --format=gnu --sort=name --owner=0 --group=0 --numeric-owner \
        --directory="$work/archive" "$name" | gzip -9 -n >"$archive"
}

make_deb() {
    local root="$work/deb" architecture
    architecture="$(dpkg --print-architecture)"
    lay_out "$root/usr/bin" "$root/usr/share/zwilling" "$root/usr/share/doc/zwilling"
    # Installed, and started by nobody but the administrator.
    mkdir -p "$root/lib/systemd/system"
    mv "$root/usr/share/zwilling/zwilling.service" "$root/lib/systemd/system/"
    {
        echo "Zwilling, licensed under the EUPL-1.2:"
        echo
        cat LICENSE
    } >"$root/usr/share/doc/zwilling/copyright"
    mkdir "$root/DEBIAN"
    cat >"$root/DEBIAN/control" <<CONTROL
Package: zwilling
Version: $version
Architecture: $architecture
Maintainer: Zwilling developers <zwilling@localhost>
Installed-Size: $(du -s --apparent-size --block-size=1024 "$root/usr" | cut -f 1)
Depends: libc6 (>= $(glibc_needed))
Recommends: python3, libzstd1, libpq5
Section: utils
Priority: optional
Description: sealed, verified twin of an institution's data
 Keeps encrypted, deduplicated and signed copies of directory trees in a
 vault, with keys for adding that cannot read, and gives every byte back.
 A second reader in one Python file (recommended packages) opens a vault
 without this program.
CONTROL
    settle "$root"
    deb="dist/zwilling_${version}_$architecture.deb"
    dpkg-deb --root-owner-group -Zxz --build "$root" "$deb" >/dev/null
}

# As somebody who has nothing but the archive.
try_out() {
    local home="$work/home" path
    mkdir "$work/unpacked" "$home"
    tar --extract --directory="$work/unpacked" --file="$archive"
    path="$(echo "$work"/unpacked/*/bin)"
    stranger() { env -i HOME="$home" PATH="$path:/usr/bin:/bin" LANG=C.UTF-8 "$@"; }
    cd "$home"
    echo "a passphrase for packing" >passphrase
    stranger zwilling --version
    stranger zw vault create vault --passphrase-file passphrase >/dev/null 2>&1
    stranger zw protect "$path" 2>/dev/null
    stranger zw restore "latest:$path" --to back --passphrase-file passphrase
    diff -r --no-dereference "$path" back
    # The copy in the vault is data; as its README says, it is copied and made executable.
    install -m 755 vault/program/zwilling-linux-"$machine" from-vault
    stranger ./from-vault verify --read-data
    cd - >/dev/null
    dpkg-deb --extract "$deb" "$work/installed"
    [[ "$("$work/installed/usr/bin/zw" --version)" == "$version" ]]
}

rm -rf dist
mkdir dist
make_archive
make_deb
(cd dist && sha256sum -- * >"$work/sums" && mv "$work/sums" SHA256SUMS)
try_out
echo
ldd "$program"
echo
echo "The program has $(stat -c %s "$program") bytes. In dist/:"
(cd dist && wc -c -- *)
cat dist/SHA256SUMS
