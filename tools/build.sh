#!/usr/bin/env bash
# SPDX-License-Identifier: EUPL-1.2
# Builds the program as users get it, .build-package/zwilling: optimised, stripped, and with all
# libraries but glibc in it. Every vault carries a copy, which must run on any machine.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

folder=.build-package
program="$folder/zwilling"

# The linker takes the first directory that has a library at all: ours has only static ones.
only_static="$PWD/$folder/only-static"
mkdir -p "$only_static"
for library in libzstd.a libyaml.a libstdc++.a; do
    path="$(gcc -print-file-name="$library")"
    [[ "$path" == /* ]] || {
        echo "build: $library is missing; run tools/setup.sh build" >&2
        exit 1
    }
    ln -sf "$path" "$only_static/"
done

# The place where it was built must not show in the program, or two builds could not be equal.
swift build -c release --static-swift-stdlib --product zwilling --scratch-path "$folder" \
    -Xswiftc -L"$only_static" -Xswiftc -Xclang-linker -Xswiftc -static-libgcc \
    -Xswiftc -file-prefix-map -Xswiftc "$PWD=." -Xcc "-ffile-prefix-map=$PWD=."

strip -o "$program.new" "$folder/release/zwilling"
mv "$program.new" "$program"

# What is left must be glibc's own.
foreign="$(ldd "$program" | awk '{ print $1 }' |
    grep -vE '^(linux-vdso|lib(c|m|dl|rt|pthread|resolv|util)|/lib.*/ld-linux[^/]*)\.so' || true)"
[[ -z "$foreign" ]] || {
    echo "build: the program still needs $foreign" >&2
    exit 1
}
