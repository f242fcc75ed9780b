#!/usr/bin/env bash
# SPDX-License-Identifier: EUPL-1.2
# Builds the program as users get it, .build-package/zwilling: optimised, stripped, and with all
# libraries but glibc in it, as every vault carries a copy, which must run on any machine. With
# `tests`, builds these instead. Both are made of the same objects, so that nothing is compiled
# twice and what is tested is what users get.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The place where it was built must not show in the program, or two builds could not be equal. Only
# sources are named otherwise: SwiftPM looks for tests by the full names of what it has compiled.
compile=(swift build -c release
    -Xswiftc -file-prefix-map -Xswiftc "$PWD/.build/checkouts=checkouts"
    -Xswiftc -file-prefix-map -Xswiftc "$PWD/Sources=Sources"
    -Xcc "-ffile-prefix-map=$PWD/.build/checkouts=checkouts" -Xcc "-ffile-prefix-map=$PWD/Sources=Sources")

case "${1:-}" in
    tests) exec "${compile[@]}" --build-tests ;;
    "") "${compile[@]}" --product zwilling ;;
    *)
        echo "build: I know \"tests\", not \"$1\"" >&2
        exit 1
        ;;
esac

folder=.build-package
program="$folder/zwilling"

# The linker takes the first directory that has a library at all: ours has only static ones.
only_static="$PWD/$folder/only-static"
mkdir -p "$only_static"
for library in libzstd.a libyaml.a libz.a libstdc++.a; do
    path="$(gcc -print-file-name="$library")"
    [[ "$path" == /* ]] || {
        echo "build: $library is missing; run tools/setup.sh build" >&2
        exit 1
    }
    ln -sf "$path" "$only_static/"
done

# What the objects say they need, and what Foundation needs itself, which only a compilation
# against its static modules would write into them.
swiftc -static-stdlib -emit-executable -o "$program.new" \
    @.build/release/zwilling.product/Objects.LinkFileList \
    -L"$only_static" -lzstd -lyaml -lz -lstdc++ \
    -lFoundation -lCoreFoundation -lFoundationInternationalization -l_FoundationICU \
    -lFoundationEssentials -l_FoundationCShims -l_FoundationCollections \
    -Xclang-linker -static-libgcc -Xlinker --gc-sections \
    -Xlinker --defsym -Xlinker main=zwilling_main
strip "$program.new"
mv "$program.new" "$program"

# What is left must be glibc's own.
foreign="$(ldd "$program" | awk '{ print $1 }' |
    grep -vE '^(linux-vdso|lib(c|m|dl|rt|pthread|resolv|util)|/lib.*/ld-linux[^/]*)\.so' || true)"
[[ -z "$foreign" ]] || {
    echo "build: the program still needs $foreign" >&2
    exit 1
}
