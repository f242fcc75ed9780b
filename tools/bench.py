#!/usr/bin/env python3
# SPDX-License-Identifier: EUPL-1.2
"""Compare zwilling with restic and borg on this machine, in one run, with warm caches.

Trees: the source of Linux (a Debian package, unpacked once into a cache) and the Swift toolchain
(large binaries). Of each: first protect, protect again unchanged, restore to memory, verify with
all data; then the size of the repository, the number of its objects, and peak memory. The tools
take turns, step by step; figures are medians of all runs. Then two changes: one small file of the
Linux tree, and 4 KiB within one large file; what counts there is what the repository grows by. A tree of
1,000,000 small files shows what looking costs. The toolchain is also protected with --compression fast.

restic runs with its defaults, borg with zstd,3 and repokey-blake2. Passphrases of the peers are
in the environment of their processes, the only way they have. Peak memory is that of the process
(a shared page counts once); it cannot be below this program's own, some 20 MB.

Everything lies in one temporary directory (TMPDIR) that is removed at the end.
"""

import argparse
import contextlib
import glob
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from bench_report import report  # noqa: E402  (found through the line above)
from bench_tools import BenchFailure, makers  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.path.join(os.path.dirname(HERE), ".build-package", "zwilling")
STEPS = ["first", "again", "restore", "verify"]
MANY = 1_000_000
MIB = 1024 * 1024
CHANGE_BYTES = 4096


# Inputs


def cache_directory():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(base, "zwilling-bench")


def linux_tree():
    """The source tree in the cache, unpacked from the distribution's package where need be."""
    target = os.path.join(cache_directory(), "linux")
    if os.path.isdir(target):
        return target
    archives = sorted(
        glob.glob("/usr/src/linux-source-*.tar.*")
        + glob.glob("/usr/src/linux-source-*/linux-source-*.tar.*"))
    if not archives:
        raise BenchFailure("There is no source of Linux here; tools/setup.sh bench installs it.")
    print(f"Unpacking {archives[-1]} into {cache_directory()}", file=sys.stderr)
    os.makedirs(cache_directory(), exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache_directory()) as unfinished:
        subprocess.run(
            ["tar", "-x", "--strip-components=1", "-C", unfinished, "-f", archives[-1]],
            check=True)
        os.chmod(unfinished, 0o755)
        os.rename(unfinished, target)
        os.mkdir(unfinished)  # for the context to remove
    return target


def toolchain_tree():
    program = shutil.which("swift")
    if not program:
        raise BenchFailure("There is no Swift toolchain here to serve as a tree of large binaries.")
    return os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(program))))


def tiny_tree(directory):
    """Enough for every step to have something to do."""
    chance = random.Random(1)
    for number in range(40):
        folder = os.path.join(directory, f"folder {number % 5}")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, f"file {number}"), "wb") as file:
            file.write(chance.randbytes(1 << number % 17))
    os.symlink("folder 1", os.path.join(directory, "link"))
    return directory


def large_file(path, size):
    """Noise, so that neither compression nor deduplication helps anyone."""
    chance = random.Random(2)
    with open(path, "wb") as file:
        for _ in range(size // MIB):
            file.write(chance.randbytes(MIB))


def many_files(directory, count):
    """Small files of different content, a thousand in each directory."""
    chance = random.Random(3)
    for number in range(count):
        folder = os.path.join(directory, f"{number // 1000:04}")
        if number % 1000 == 0:
            os.makedirs(folder)
        with open(os.path.join(folder, f"{number % 1000:03}"), "wb", buffering=0) as file:
            file.write(chance.randbytes(chance.randrange(20, 400)))
    return directory


def warm(tree):
    """Read everything once, and say what there is: entries that are files, and their bytes."""
    count = size = 0
    buffer = bytearray(MIB)
    for directory, _, names in os.walk(tree):
        for name in names:
            path = os.path.join(directory, name)
            if os.path.islink(path) or not os.path.isfile(path):
                continue
            count += 1
            with open(path, "rb", buffering=0) as file:
                while read := file.readinto(buffer):
                    size += read
    return count, size


# Measuring


def room_for(size, work):
    """Where to restore to: memory if there is enough, so that no disk is measured."""
    with contextlib.suppress(OSError):
        status = os.statvfs("/dev/shm")
        if status.f_bavail * status.f_frsize > size * 3 // 2 + 64 * MIB:
            return "/dev/shm"
    print("There is too little memory; restoring to disk.", file=sys.stderr)
    return work


def touch(room, size):
    """Takes so much memory and gives it back: a virtual machine gets it from its host only then,
    and whoever restored first would pay for that."""
    block = bytes(MIB)
    with tempfile.TemporaryFile(dir=room) as file:
        for _ in range(size // MIB):
            file.write(block)


def equal(original, restored):
    tool = os.path.join(HERE, "compare_trees.py")
    answer = subprocess.run(
        [sys.executable, "-B", tool, original, restored], capture_output=True, text=True,
        check=False)
    if answer.returncode != 0:
        raise BenchFailure(f"What came back is not what was there:\n{answer.stdout[-2000:]}")


def restored_by(tool, tree, size, room, compares):
    touch(room, size)
    with tempfile.TemporaryDirectory(dir=room, prefix="zwilling-bench-") as space:
        target = os.path.join(space, "target")
        measured = tool.restore(target)
        if compares:
            equal(tree, target + tree)
    return measured


def one_run(tools, tree, size, room, number, steps):
    """Every step by every tool in turn: {tool: {step: Measured}}.

    In each run another one begins, so that none is always the first.
    """
    result = {tool.name: {} for tool in tools}
    for tool in tools:
        tool.create()
    first = number % len(tools)
    for step in steps:
        for tool in tools[first:] + tools[:first]:
            if step == "first":
                touch(room, size // 2)
            if step in ("first", "again"):
                # borg asks the kernel to forget the files that it has read.
                warm(tree)
            result[tool.name][step] = (
                restored_by(tool, tree, size, room, number == 0 and tool is tools[0])
                if step == "restore" else tool.verify() if step == "verify"
                else tool.protect(tree))
            print(
                f"  {step:8} {tool.name:9} {result[tool.name][step].seconds:8.2f} s",
                file=sys.stderr)
    for tool in tools:
        result[tool.name]["unlock"] = tool.unlock()
        result[tool.name]["start"] = tool.start()
    return result


def fast(make, program, place, tree, size, room):
    """What --compression fast makes of it."""
    tool = make(program, place)
    tool.create()
    touch(room, size // 2)
    warm(tree)
    seconds = tool.protect(tree, "--compression", "fast").seconds
    measured = {"seconds": seconds, "bytes": tool.size()[0] - tool.companions_size()}
    tool.remove()
    return measured


def compare_on_tree(name, tree, options, work, small_change, steps):
    files, size = warm(tree)
    print(f"{name}: {files:,} files, {size:,} bytes", file=sys.stderr)
    room = room_for(size, work)
    runs, sizes, grown, fasts = [], {}, {}, []
    for number in range(options.runs):
        print(f" run {number + 1} of {options.runs}", file=sys.stderr)
        place = os.path.join(work, "repositories")
        tools = [make(path, os.path.join(place, make.name)) for make, path in options.tools]
        runs.append(one_run(tools, tree, size, room, number, steps))
        sizes = {tool.name: (*tool.size(), tool.companions_size()) for tool in tools}
        if small_change and number == options.runs - 1:
            change_small_file(tree)
            grown = {tool.name: grown_by(tool, tree) for tool in tools}
        if name == "toolchain":
            fasts.append(fast(*options.tools[0], os.path.join(place, "fast"), tree, size, room))
        shutil.rmtree(place)
    fasts.sort(key=lambda one: one["seconds"])
    return {
        "name": name, "files": files, "bytes": size, "change": grown,
        "fast": fasts[len(fasts) // 2] if fasts else None,
        "tools": {tool: summary([run[tool] for run in runs], *sizes[tool]) for tool in runs[0]}}


def summary(runs, size, objects, companions):
    steps = {}
    for step in runs[0]:
        seconds = [run[step].seconds for run in runs]
        steps[step] = {
            "seconds": statistics.median(seconds), "allSeconds": seconds,
            "peakBytes": statistics.median(run[step].peak_bytes for run in runs)}
    return {
        "steps": steps, "repositoryBytes": size, "companionsBytes": companions, "objects": objects}


def grown_by(tool, path):
    before, objects = tool.size()
    measured = tool.protect(path)
    after, objects_after = tool.size()
    return {
        "bytes": after - before, "objects": objects_after - objects,
        "seconds": measured.seconds, "peakBytes": measured.peak_bytes}


def change_small_file(tree):
    """Of all its files the one in the middle: neither shallow nor deep by choice."""
    paths = sorted(
        os.path.join(directory, name) for directory, _, names in os.walk(tree) for name in names)
    paths = [path for path in paths if not os.path.islink(path)]
    with open(paths[len(paths) // 2], "ab") as file:
        file.write(b"one line more\n")


def change_in_large_file(size, options, work):
    """One tool after the other, since three repositories of this size would fill many disks."""
    folder = os.path.join(work, "large")
    free = shutil.disk_usage(work).free
    if free < size * 5 // 2:
        print(f"Only {free:,} bytes are free: no test with {size:,}.", file=sys.stderr)
        return None
    os.mkdir(folder)
    path = os.path.join(folder, "large.img")
    large_file(path, size)
    result = {}
    for number, (make, program) in enumerate(options.tools):
        tool = make(program, os.path.join(work, "large-repository"))
        tool.create()
        warm(folder)
        first = tool.protect(folder)
        with open(path, "r+b") as file:
            file.seek(size // 2 + number * MIB // 2 + 12345)
            file.write(random.Random(number).randbytes(CHANGE_BYTES))
        result[tool.name] = {
            "firstSeconds": first.seconds, "firstPeakBytes": first.peak_bytes,
            **grown_by(tool, folder)}
        tool.remove()
        print(f"  {CHANGE_BYTES} bytes of {size:,}: {tool.name}", file=sys.stderr)
    return {"bytes": size, "changedBytes": CHANGE_BYTES, "tools": result}


def trees(options, work):
    """(name, directory, whether it is ours to change, what to measure)"""
    copy = os.path.join(work, "tree")
    if options.smoke:
        yield "tiny", tiny_tree(copy), True, STEPS
        return
    linux, toolchain = linux_tree(), toolchain_tree()
    if options.quick:
        linux, toolchain = os.path.join(linux, "arch"), os.path.join(toolchain, "usr", "bin")
    subprocess.run(["cp", "-a", "--", linux, copy], check=True)
    yield "linux", copy, True, STEPS
    shutil.rmtree(copy)
    yield "toolchain", toolchain, False, STEPS
    yield "many", many_files(copy, MANY // 10 if options.quick else MANY), False, STEPS[:2]
    shutil.rmtree(copy)


def parsed():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=PROGRAM, help="zwilling, else as `make build` made it")
    parser.add_argument("--runs", type=int, default=3, help="take the median of so many")
    parser.add_argument("--json", metavar="FILE", help="write all figures there")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="smaller inputs, some minutes")
    size.add_argument("--smoke", action="store_true", help="tiny inputs: does it work at all?")
    options = parser.parse_args()
    options.program = os.path.abspath(options.program)
    if not os.access(options.program, os.X_OK):
        parser.error(f"{options.program} is no program; `make build` makes it")
    if options.runs < 1:
        parser.error("--runs must be at least 1")
    if options.smoke:
        options.runs = 1
    return options


def main():
    options = parsed()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    large = MIB if options.smoke else 1024 * MIB if options.quick else 10 * 1024 * MIB
    with tempfile.TemporaryDirectory(prefix="zwilling-bench-") as work:
        work = os.path.realpath(work)
        options.tools = makers(options.program)
        results = {"versions": {}, "runs": options.runs, "trees": []}
        for make, program in options.tools:
            tool = make(program, os.path.join(work, "version"))
            results["versions"][tool.name] = tool.version()
            tool.remove()
        for name, tree, is_ours, steps in trees(options, work):
            results["trees"].append(compare_on_tree(name, tree, options, work, is_ours, steps))
        results["largeFile"] = change_in_large_file(large, options, work)
    print(report(results))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=2)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BenchFailure as failure:
        print(f"bench: {failure}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
