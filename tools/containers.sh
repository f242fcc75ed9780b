#!/usr/bin/env bash
# SPDX-License-Identifier: EUPL-1.2
# Makes Podman start containers on this machine: installs Debian's packages where it is missing, and
# where containers do not start as it comes, writes a configuration with which they do to the file
# named, and prints the line by which a shell uses it:
#
#   eval "$(tools/containers.sh /tmp/containers.conf)"
#
# An ordinary machine needs no such file, and gets none. Needs root; a network only to install.
set -euo pipefail

[[ $# -eq 1 ]] || {
    echo "usage: containers.sh FILE" >&2
    exit 2
}
file="$(realpath -m "$1")"
packages=(podman runc crun netavark aardvark-dns containernetworking-plugins conmon catatonit
    iptables uidmap skopeo)

fail() {
    printf 'containers: %s\n' "$@" >&2
    exit 1
}

# Whether a container starts: one whose only file is catatonit, which is linked statically.
starts() {
    podman run --rm --network none --rootfs "$root" /catatonit -V </dev/null >/dev/null 2>"$root.error"
}

# Writes the configuration that this machine seems to need, with the runtime named.
configure() {
    local limit
    mkdir -p "$(dirname "$file")"
    {
        limit="$(ulimit -Hn)"
        if [[ "$limit" != unlimited && "$limit" -lt 1048576 ]]; then
            printf '[containers]\ndefault_ulimits = ["nofile=%s:%s", "nproc=%s:%s"]\n' \
                "$limit" "$limit" 32768 32768
        fi
        printf '[engine]\nruntime = "%s"\n' "$1"
        if [[ ! -d /run/systemd/system ]]; then
            printf 'cgroup_manager = "cgroupfs"\nevents_logger = "file"\n'
        fi
    } >"$file"
    export CONTAINERS_CONF="$file"
}

[[ $EUID -eq 0 ]] || fail "This needs root."
missing=()
for package in "${packages[@]}"; do
    [[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" == installed ]] \
        || missing+=("$package")
done
if [[ ${#missing[@]} -gt 0 ]]; then
    {
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -qq --no-install-recommends "${missing[@]}"
    } >&2 || fail "These packages could not be installed: ${missing[*]}"
fi

root="$(mktemp -d)"
trap 'rm -rf "$root" "$root.error"' EXIT
cp "$(command -v catatonit)" "$root/catatonit"

if starts; then
    [[ -z "${CONTAINERS_CONF:-}" ]] || printf 'export CONTAINERS_CONF=%q\n' "$CONTAINERS_CONF"
    exit 0
fi
for runtime in crun runc; do
    configure "$runtime"
    if starts; then
        printf 'export CONTAINERS_CONF=%q\n' "$file"
        exit 0
    fi
done
cat "$root.error" >&2
fail "Podman starts no container here, with crun nor with runc."
