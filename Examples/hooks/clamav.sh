#!/bin/sh
# SPDX-License-Identifier: EUPL-1.2
# Looks for malware in all that a drill has brought back, with Debian's ClamAV:
#
#   apt install clamav && freshclam
#   zwilling drill --scan Examples/hooks/clamav.sh
#
# CLAMAV_DATABASE names other signatures than the system's. Fails where something is found, and also
# where nothing could be looked at: a scan that did not happen is no good news.
set -eu

: "${ZWILLING_DATA:?is set by zwilling drill}"
# Files larger than clamscan's usual limit of 25 MB would be passed over in silence; those larger than it
# can scan at all (2 GiB) count as found.
set -- --recursive --infected --no-summary --max-filesize=2047M --max-scansize=4000M --alert-exceeds-max=yes
[ -z "${CLAMAV_DATABASE:-}" ] || set -- "$@" --database="$CLAMAV_DATABASE"
exec clamscan "$@" "$ZWILLING_DATA"
