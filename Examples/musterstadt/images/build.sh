#!/usr/bin/env bash
# SPDX-License-Identifier: EUPL-1.2
# Builds the images of Musterstadt without any registry: Debian's packages become one base, and two
# images stand on it. What is there already is skipped. Needs root, Podman and debootstrap.
#
# The base is kept as CACHE/base-ARCHITECTURE.tar (else ~/.cache/musterstadt), so that images which
# were destroyed are there again in seconds and without a network.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

suite=bookworm
base=localhost/musterstadt/base:1
postgres=localhost/musterstadt/postgres:15
application=localhost/musterstadt/application:1
tools=/usr/lib/postgresql/15/bin
cache="${CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/musterstadt}"
tar="$cache/base-$(dpkg --print-architecture).tar"

bootstrap() {
    command -v debootstrap >/dev/null || {
        echo "build: debootstrap is missing: apt-get install debootstrap" >&2
        exit 1
    }
    local root="$1" id
    debootstrap --variant=minbase --include=postgresql-15,python3,python3-psycopg2 \
        "$suite" "$root" "${MIRROR:-http://deb.debian.org/debian}" >"$cache/debootstrap.log" 2>&1 || {
        tail -n 5 "$cache/debootstrap.log" >&2
        exit 1
    }
    # Files of a cluster belong to the same user inside and outside.
    if id="$(id -u postgres 2>/dev/null)"; then
        chroot "$root" groupmod --non-unique --gid "$(id -g postgres)" postgres
        chroot "$root" usermod --non-unique --uid "$id" --gid "$(id -g postgres)" postgres
        chroot "$root" chown -R postgres:postgres \
            /var/lib/postgresql /run/postgresql /var/log/postgresql
    fi
    # Documentation, caches, the cluster that the package made, and the compiler of queries, without
    # which PostgreSQL runs as well.
    rm -rf "$root"/usr/share/{doc,man,info,locale,lintian,bug} "$root"/var/cache/{apt,debconf} \
        "$root"/var/lib/apt/lists "$root"/var/log/* "$root"/{var/lib,etc}/postgresql/15 \
        "$root"/usr/lib/postgresql/15/lib/{bitcode,llvmjit*} "$root"/usr/lib/*/libLLVM* \
        "${root:?}"/{dev,proc,sys}
    mkdir -p "$root"/{dev,proc,sys,var/lib/apt/lists/partial,var/cache/apt/archives/partial}
}

if ! podman image exists "$base"; then
    if [[ ! -f "$tar" ]]; then
        mkdir -p "$cache"
        work="$(mktemp -d)"
        trap 'rm -rf "$work"' EXIT
        echo "build: installing Debian $suite for the base" >&2
        bootstrap "$work/root"
        tar --numeric-owner --xattrs -C "$work/root" -cf "$tar.new" .
        mv "$tar.new" "$tar"
    fi
    podman import --quiet --change "ENV PATH=$tools:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
        --change "ENV LANG=C.UTF-8" "$tar" "$base" >/dev/null
fi
podman image exists "$postgres" || podman build --quiet --tag "$postgres" - >/dev/null <<END
FROM $base
STOPSIGNAL SIGINT
LABEL org.opencontainers.image.title="PostgreSQL 15 of Musterstadt"
END
programs="$(cat apps/*.py | sha256sum | cut -c1-64)"
label="$(podman image inspect --format '{{.Labels.programs}}' "$application" 2>/dev/null || true)"
if [[ "$label" != "$programs" ]]; then
    podman rmi --ignore "$application" >/dev/null
    podman build --quiet --tag "$application" --file - . >/dev/null <<END
FROM $base
COPY apps/*.py /opt/musterstadt/
LABEL programs="$programs" org.opencontainers.image.title="Applications of Musterstadt"
END
fi
