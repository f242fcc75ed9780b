#!/usr/bin/env bash
# SPDX-License-Identifier: EUPL-1.2
# Runs the original: MediaWiki with PostgreSQL in two containers, below /srv/wiki. It knows nothing of
# Zwilling. As root: wiki.sh start | fill | destroy.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
place=/srv/wiki
url=http://127.0.0.1:8090/mediawiki
maintenance() { podman exec --user www-data -i wiki php "/usr/share/mediawiki/maintenance/$1" "${@:2}"; }
sql() { podman exec --user postgres -i wiki-db psql -Xqv ON_ERROR_STOP=1 "$@"; }
random() { tr -dc a-z0-9 </dev/urandom | head -c 24 || true; }

database() {
    podman run --detach --replace --name wiki-db --network wiki --user postgres \
        --publish 127.0.0.1:54320:5432 --volume "$place/db:/var/lib/postgresql/15/main" \
        localhost/wiki/postgres:15 \
        postgres -D /var/lib/postgresql/15/main -c listen_addresses='*' >/dev/null
    until sql -c 'SELECT' >/dev/null 2>&1; do sleep 0.2; done
}

wiki() {
    podman run --detach --replace --name wiki --network wiki --publish 127.0.0.1:8090:8090 \
        --volume "$place/uploads:/var/lib/mediawiki/images" "$@" localhost/wiki/mediawiki:1.39 >/dev/null
}

install() {
    local database_password admin_password zwilling_password
    database_password="$(random)" admin_password="$(random)" zwilling_password="$(random)"
    mkdir -p "$place"/{db,uploads,secrets}
    chmod 700 "$place/secrets"
    podman run --rm --network none --volume "$place/db:/db:U" --user postgres localhost/wiki/postgres:15 \
        sh -c 'initdb -D /db -E UTF8 --auth-local peer --auth-host scram-sha-256 -k &&
            echo "host all,replication all all scram-sha-256" >>/db/pg_hba.conf' >/dev/null
    database
    sql -v role=zwilling -f - <"$here/../../tools/postgres-role.sql"
    sql <<END
CREATE ROLE wiki LOGIN PASSWORD '$database_password';
CREATE DATABASE wiki OWNER wiki;
ALTER ROLE zwilling PASSWORD '$zwilling_password';
END
    (
        umask 077
        echo "127.0.0.1:54320:*:zwilling:$zwilling_password" >"$place/secrets/pgpass"
        echo "$admin_password" >"$place/secrets/admin"
    )
    wiki
    podman exec wiki chown www-data: /var/lib/mediawiki/images
    podman exec wiki php /usr/share/mediawiki/maintenance/install.php --quiet --dbtype postgres \
        --dbserver wiki-db --dbname wiki --dbuser wiki --dbpass "$database_password" \
        --server "${url%/*}" --scriptpath /mediawiki --confpath /tmp --skins Vector \
        --pass "$admin_password" "Wiki of the Town" Admin
    podman exec wiki sh -c 'cat /tmp/LocalSettings.php; echo "\$wgEnableUploads = true;"' \
        >"$place/secrets/LocalSettings.php"
}

start() {
    "$here/build.sh"
    podman network exists wiki || podman network create wiki >/dev/null
    if [[ -e "$place/secrets/LocalSettings.php" ]]; then database; else install; fi
    wiki --volume "$place/secrets/LocalSettings.php:/etc/mediawiki/LocalSettings.php:ro"
    until curl -fso /dev/null "$url/index.php?title=Special:Version"; do sleep 0.2; done
    echo "$url/index.php (Admin, password in $place/secrets/admin)"
}

fill() {
    local number
    for number in {1..20}; do
        echo "Decision $number of the council: the bridge is mended. [[File:Seal.png]]" |
            maintenance edit.php --quiet --user Admin "Decision $number" >/dev/null
    done
    podman exec wiki sh -c 'mkdir -p /tmp/new && cp \
        /usr/share/mediawiki/resources/assets/mediawiki.png /tmp/new/Seal.png'
    maintenance importImages.php --user Admin --comment 'Seal of the town' /tmp/new
}

destroy() {
    podman rm --force --ignore --time 0 --volumes wiki wiki-db
    rm -rf "$place"
    podman network rm --force wiki
    podman rmi --ignore localhost/wiki/mediawiki:1.39 localhost/wiki/postgres:15 localhost/wiki/base:1
}

case "${1:-}" in
    start | fill | destroy) "$1" ;;
    *)
        echo "usage: wiki.sh start | fill | destroy" >&2
        exit 2
        ;;
esac
