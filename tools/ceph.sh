#!/usr/bin/env bash
# SPDX-License-Identifier: EUPL-1.2
# ceph.sh DIR PORT KEY-ID SECRET: a small Ceph in memory with an S3 gateway, until standard input ends.
set -euo pipefail
dir=$1 port=$2
mkdir -p "$dir/mon" "$dir/osd" "$dir/rgw"
fsid=$(cat /proc/sys/kernel/random/uuid)
cat > "$dir/ceph.conf" <<C
[global]
fsid = $fsid
mon host = v2:127.0.0.1:$((port + 1))
keyring = $dir/keyring
public addr = 127.0.0.1
run dir = $dir
admin socket =
pid file =
log file = $dir/\$name.log
crash dir = $dir
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pgp num = 8
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
mon data avail crit = 1
mon data avail warn = 1
mon data = $dir/mon
osd data = $dir/osd
osd objectstore = memstore
memstore device bytes = 4294967296
ms bind msgr1 = false
rgw data = $dir/rgw
rgw frontends = beast endpoint=127.0.0.1:$port
[osd]
keyring = $dir/osd/keyring
C
ceph() { command ceph --conf "$dir/ceph.conf" --connect-timeout 20 "$@"; }
started=()
trap 'kill -KILL "${started[@]}" 2>/dev/null || true' EXIT
ceph-authtool --create-keyring "$dir/keyring" --gen-key -n mon. --cap mon 'allow *'
ceph-authtool "$dir/keyring" --gen-key -n client.admin --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *'
monmaptool --create --addv a "[v2:127.0.0.1:$((port + 1))]" --fsid "$fsid" "$dir/monmap"
ceph-mon --conf "$dir/ceph.conf" -i a --mkfs --monmap "$dir/monmap" --keyring "$dir/keyring"
ceph-mon --conf "$dir/ceph.conf" -i a -f & started+=($!)
uuid=$(cat /proc/sys/kernel/random/uuid)
key=$(ceph-authtool --gen-print-key)
ceph-authtool --create-keyring "$dir/osd/keyring" -n osd.0 --add-key "$key"
echo "{\"cephx_secret\": \"$key\"}" | ceph osd new "$uuid" 0 -i -
ceph-osd --conf "$dir/ceph.conf" -i 0 --mkfs --osd-uuid "$uuid"
ceph-osd --conf "$dir/ceph.conf" -i 0 -f & started+=($!)
radosgw --conf "$dir/ceph.conf" -n client.admin -f & started+=($!)
radosgw-admin --conf "$dir/ceph.conf" user create --uid=admin --display-name=admin --access-key="$3" --secret="$4" > /dev/null
cat > /dev/null
