#!/usr/bin/env bash
# SPDX-License-Identifier: EUPL-1.2
# Builds two images from Debian's packages, without any registry: PostgreSQL, and MediaWiki under
# Apache. What is there already is skipped. Needs root, Podman, debootstrap and Debian's mirror.
set -euo pipefail

suite=bookworm
mirror="${MIRROR:-http://deb.debian.org/debian}"
base=localhost/wiki/base:1

if ! podman image exists "$base"; then
    work="$(mktemp -d)"
    trap 'rm -rf "$work"' EXIT
    debootstrap --variant=minbase "$suite" "$work/root" "$mirror" >"$work/log" 2>&1 || {
        tail -n 5 "$work/log" >&2
        exit 1
    }
    tar --numeric-owner -C "$work/root" -c . | podman import --quiet - "$base" >/dev/null
fi

# image NAME PACKAGES…; the rest of its Containerfile comes on standard input.
image() {
    local name="$1"
    shift
    ! podman image exists "$name" || return 0
    {
        echo "FROM $base"
        echo "RUN apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -qy" \
            "--no-install-recommends install $* && rm -rf /var/lib/apt/lists/* /var/cache/apt/*"
        cat
    } | podman build --network host --quiet --tag "$name" - >/dev/null
}

image localhost/wiki/postgres:15 postgresql-15 <<'END'
RUN rm -rf /var/lib/postgresql/15 /etc/postgresql/15
ENV PATH=/usr/lib/postgresql/15/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8
STOPSIGNAL SIGINT
END

# Debian's package serves the wiki below /mediawiki, from /etc/mediawiki/LocalSettings.php.
image localhost/wiki/mediawiki:1.39 mediawiki libapache2-mod-php php-pgsql php-apcu php-cli <<'END'
RUN sed -i 's/^Listen 80$/Listen 8090/' /etc/apache2/ports.conf && \
    sed -i 's/:80>/:8090>/' /etc/apache2/sites-available/000-default.conf && \
    ln -sf /dev/stderr /var/log/apache2/error.log && \
    ln -sf /dev/stdout /var/log/apache2/access.log && \
    a2enconf mediawiki
CMD ["sh", "-c", ". /etc/apache2/envvars && exec apache2 -D FOREGROUND"]
END
