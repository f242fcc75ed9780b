#!/usr/bin/env bash
# SPDX-License-Identifier: EUPL-1.2
# The main job on a real tree of this machine, told as a story: protect, destroy, give back.
# Everything lies in one temporary directory, which is removed at the end; KEEP=1 keeps it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tools="$PWD/tools"
zwilling="$PWD/.build-package/zwilling"
locale="${LC_ALL:-${LC_MESSAGES:-${LANG:-}}}"
bytes_min=$((150 << 20))
bytes_max=$((400 << 20))

say() {
    if [[ "$locale" == de* ]]; then echo "$2"; else echo "$1"; fi
}

title() {
    printf '\n%s== %s ==%s\n' "$bold" "$(say "$1" "$2")" "$plain"
}

# Shows a command as a person would type it, runs it, and says how long it took.
run() {
    local line="$*" began="${EPOCHREALTIME/[.,]/}" code=0
    line="${line//"$zwilling"/zwilling}"
    line="${line//"$tools"/tools}"
    line="${line//" $work/"/ }"
    printf '%s$ %s%s\n' "$bold" "$line" "$plain"
    "$@" || code=$?
    local tenths=$(((${EPOCHREALTIME/[.,]/} - began) / 100000))
    printf '%s(%d.%d s)%s\n' "$dim" $((tenths / 10)) $((tenths % 10)) "$plain"
    return "$code"
}

clean_up() {
    local code=$?
    if [[ -n "${KEEP:-}" ]]; then
        say "Everything is kept in $work" "Alles bleibt in $work"
    else
        chmod -R u+rwX "$work" 2>/dev/null || true
        rm -rf "$work"
    fi
    if ((code != 0)); then say "The demo failed." "Die Vorführung ist misslungen."; fi
}

# Real files of this machine, copied, since what is protected will be destroyed.
gather() {
    local from bytes sum=0
    mkdir "$work/town"
    for from in /usr/share/doc /usr/include /usr/lib/python3* /usr/share/perl /usr/share/i18n \
        /usr/lib/git-core /usr/share; do
        ((sum < bytes_min)) || break
        [[ -d "$from" && ! -L "$from" ]] || continue
        bytes="$({ du -sb "$from" 2>/dev/null || true; } | cut -f 1)"
        ((bytes < bytes_max)) || continue
        mkdir -p "$work/town$(dirname "$from")"
        # What this user may not read is no part of the story.
        cp -a "$from" "$work/town$(dirname "$from")/" 2>/dev/null || true
        sum=$((sum + bytes))
    done
    cp -a "$work/town" "$work/reference"
}

# The id of the newest snapshot.
newest() {
    "$zwilling" snapshots --json |
        python3 -c 'import json, sys; print(json.load(sys.stdin)["snapshots"][-1]["snapshot"][:8])'
}

prepare() {
    title "A real tree of this machine, copied" "Ein echter Verzeichnisbaum, kopiert"
    gather
    say "$(find "$work/town" | wc -l) entries, $(du -sh "$work/town" | cut -f 1), in town/" \
        "$(find "$work/town" | wc -l) Einträge, $(du -sh "$work/town" | cut -f 1), in town/"

    title "A vault" "Ein Tresor"
    say "The passphrase of this demo, and of nothing else, is: $passphrase" \
        "Die Passphrase dieser Vorführung und sonst von nichts lautet: $passphrase"
    (umask 077 && echo "$passphrase" >"$work/passphrase")
    run "$zwilling" vault create "$work/vault" --name townhall \
        --sheet "$work/sheet.html" "${with[@]}"
}

protect() {
    title "Protect it" "Sichern"
    run "$zwilling" protect "$work/town"
    first="$(newest)"

    title "Again: nothing has changed, so next to nothing is added" \
        "Noch einmal: Nichts hat sich geändert, also kommt fast nichts hinzu"
    run "$zwilling" protect "$work/town" 2>"$work/warnings" || show_warnings

    title "One file changes, and one is new" "Eine Datei ändert sich, und eine ist neu"
    local file
    file="$(find "$work/reference" -type f -links 1 -perm -u+rw -size +8k -size -64k |
        LC_ALL=C sort | sed -n 1p)"
    echo "The council has decided." >>"$file"
    echo "Minutes of today" >"$work/reference/minutes.txt"
    cp -a "$file" "$work/town${file#"$work/reference"}"
    cp -a "$work/reference/minutes.txt" "$work/town/"
    touch -r "$work/reference" "$work/town"
    run "$zwilling" protect "$work/town" 2>"$work/warnings" || show_warnings
    run "$zwilling" diff "$first" latest "${with[@]}"
    run "$zwilling" snapshots
}

# What was said once need not be said again, unless something fails.
show_warnings() {
    cat "$work/warnings" >&2
    return 1
}

# $1: the tree that must equal the reference.
compare() {
    run python3 "$tools/compare_trees.py" "$work/reference" "$1"
}

crisis() {
    title "The disaster" "Das Unglück"
    run rm -rf "$work/town"

    title "Give it back, and compare every byte and attribute" \
        "Zurückholen und jedes Byte und Attribut vergleichen"
    run "$zwilling" restore "latest:$work/town" --to "$work/town" "${with[@]}"
    compare "$work/town"

    title "Is the vault itself whole?" "Ist der Tresor selbst unversehrt?"
    run "$zwilling" verify --read-data "${with[@]}"
}

without_the_machine() {
    title "This machine is gone too: keys, cache, all it knew" \
        "Auch dieser Rechner ist weg: Schlüssel, Zwischenspeicher, alles"
    run rm -rf "$work/town" "$ZWILLING_HOME"
    say "The vault and the passphrase are enough:" "Tresor und Passphrase genügen:"
    run "$zwilling" restore "latest:$work/town" --to "$work/town" --vault "$work/vault" "${with[@]}"
    compare "$work/town"

    title "The program is gone as well" "Auch das Programm ist weg"
    say "In the vault lies a second reader, one Python file that shares no code with Zwilling:" \
        "Im Tresor liegt ein zweiter Leser, eine Python-Datei ohne Code von Zwilling:"
    run /usr/bin/python3 -B "$work/vault/rescue.py" "$work/vault" --to "$work/rescued" "${with[@]}"
    compare "$work/rescued$work/town"
}

what_next() {
    title "What to try next" "Wie es weitergeht"
    if [[ "$locale" == de* ]]; then
        cat <<'DE'
Alles war gleich, Byte für Byte. Jetzt mit eigenen Daten:
  make package                      ein .deb und ein .tar.gz in dist/ zum Installieren
  zwilling vault create /mnt/DATENTRÄGER/tresor
  zwilling protect ~/Dokumente
  zwilling find '*.odt' ; zwilling --help
  KEEP=1 make demo                  Vorführung noch einmal, und alles behalten
  make test ; make bench            nachprüfen; mit restic und borg vergleichen
DE
    else
        cat <<'EN'
All was equal, byte for byte. Now with data of your own:
  make package                      a .deb and a .tar.gz in dist/ to install
  zwilling vault create /mnt/DISK/vault
  zwilling protect ~/Documents
  zwilling find '*.odt' ; zwilling --help
  KEEP=1 make demo                  the demo once more, and keep everything
  make test ; make bench            check it; compare it with restic and borg
EN
    fi
}

bold="" dim="" plain=""
if [[ -t 1 && -z "${NO_COLOR:-}" && "${TERM:-dumb}" != dumb ]]; then
    bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'
fi
passphrase="demo: seven twins on one bench"
first=""
work="$(mktemp -d "${TMPDIR:-/tmp}/zwilling-demo.XXXXXX")"
# A place with symlinks in its name would look different in the vault.
work="$(cd "$work" && pwd -P)"
trap clean_up EXIT
with=(--passphrase-file "$work/passphrase")
export ZWILLING_HOME="$work/state"
unset ZWILLING_VAULT

prepare
protect
crisis
without_the_machine
what_next
