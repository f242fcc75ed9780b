#!/usr/bin/env python3
# SPDX-License-Identifier: EUPL-1.2
"""Compare zwilling with pgBackRest and pg_receivewal on this machine, in one run.

A PostgreSQL cluster of its own, filled by pgbench. In each round zwilling and pgBackRest take
turns: a first base backup; its restore to memory; then 1 % of the rows of the largest table, side
by side, are changed, and a second base is taken (pgBackRest: an incremental one). The cluster that
zwilling brings back is started and counted. Then what it costs the database to be followed: the
transactions per second of pgbench while `protect --continuous` runs, and while pg_receivewal does,
in pairs; whoever follows has caught up before each. That is done twice: in a small database long
after a checkpoint, and in the large one right after one, where nearly every transaction brings the
image of a whole page into the log: the worst there is.

pgBackRest works with as many processes as there are cores, zst at its own level, and archives
nothing: what it restores would not start without an archive, while a base of zwilling's does.
Peak memory is that of the largest process of each, not of the server.

Everything lies in one temporary directory (TMPDIR) that is removed at the end.
"""

import argparse
import json
import os
import shutil
import signal
import statistics
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from bench import PROGRAM, room_for, touch, warm  # noqa: E402  (found through the line above)
from bench_cluster import Cluster, PgBackRest, Receivewal, Twin  # noqa: E402
from bench_report import mebibytes, plain, row, seconds, table  # noqa: E402
from bench_tools import BenchFailure, sizes_below  # noqa: E402

SMALL_SCALE = 20
STEPS = {"first": "first base", "restore": "restore", "second": "second base, 1 % changed"}


# Base backups


def base_round(cluster, tools, options, work, number):
    """Every step by every tool in turn: {tool: {step: (Measured, bytes stored by it)}}."""
    result = {tool.name: {} for tool in tools}
    for tool in tools:
        tool.create()
    first = number % len(tools)
    for step in STEPS:
        if step == "second":
            cluster.change(options.scale)
        for tool in tools[first:] + tools[:first]:
            before = tool.size()[0]
            if step == "restore":
                measured = restored_by(tool, cluster, work, number == 0)
            else:
                warm(cluster.databases)
                measured = tool.protect(is_first=step == "first")
            result[tool.name][step] = (measured, tool.size()[0] - before)
            print(f"  {step:8} {tool.name:10} {measured.seconds:8.2f} s", file=sys.stderr)
    return result


def restored_by(tool, cluster, work, checks):
    room = room_for(cluster.size(), work)
    touch(room, cluster.size())
    with tempfile.TemporaryDirectory(dir=room, prefix="zwilling-bench-") as space:
        os.chmod(space, 0o711)
        target = os.path.join(space, "target")
        measured = tool.restore(target)
        if checks and tool.brings_log:
            with Cluster.restored(tool.data_below(target), cluster) as copy:
                if copy.counts() != cluster.counts():
                    raise BenchFailure("What came back does not count as what was there.")
        return measured


def compare_bases(cluster, options, work):
    rounds = []
    for number in range(options.runs):
        print(f" round {number + 1} of {options.runs}", file=sys.stderr)
        place = os.path.join(work, "repositories")
        tools = [Twin(options.program, os.path.join(place, Twin.name), cluster)]
        if options.pgbackrest:
            tools.append(
                PgBackRest(options.pgbackrest, os.path.join(place, PgBackRest.name), cluster))
        rounds.append(base_round(cluster, tools, options, work, number))
        shutil.rmtree(place)
    return {"bytes": cluster.size(), "tools": {
        tool: {step: {
            "seconds": statistics.median(one[tool][step][0].seconds for one in rounds),
            "allSeconds": [one[tool][step][0].seconds for one in rounds],
            "peakBytes": statistics.median(one[tool][step][0].peak_bytes for one in rounds),
            "bytesAdded": statistics.median(one[tool][step][1] for one in rounds),
        } for step in STEPS} for tool in rounds[0]}}


# Following the log


def compare_followers(cluster, options, work):
    twin = Twin(options.program, os.path.join(work, "followed"), cluster)
    twin.create()
    receiver = Receivewal(os.path.join(work, "received"), cluster)
    cluster.fill(min(options.scale, SMALL_SCALE), "small")
    # Its first start makes a slot and takes a base, which would be measured otherwise.
    with twin.following():
        twin.wait_for_base()
    # Brings the images of nearly all pages of the small database into the log.
    cluster.transactions_per_second(2 * options.seconds, "small")
    calmly = followed_pairs(cluster, [twin, receiver], options, "small")
    worst = followed_pairs(cluster, [twin, receiver], options, "postgres")
    size, objects = twin.size()
    units = len(sizes_below(os.path.join(twin.repository, "units")))
    return {
        "calm": calmly, "worst": worst, "vaultBytes": size, "objects": objects, "units": units}


def followed_pairs(cluster, followers, options, database):
    """Pairs of what `loaded` gives, by the name of the follower."""
    pairs = []
    for number in range(options.pairs):
        pair = {}
        for follower in followers if number % 2 == 0 else followers[::-1]:
            with follower.following() as process:
                cluster.wait_for(follower)
                process.wait_until_calm(options.calm)
                if database == "postgres":
                    cluster.query("CHECKPOINT")
                pair[follower.name] = loaded(cluster, process, options.seconds, database)
        pairs.append(pair)
        print(
            f"  pair {number + 1:2} of {options.pairs}: " + ", ".join(
                f"{name} {one['tps']:,.0f} tps" for name, one in sorted(pair.items())),
            file=sys.stderr)
    return pairs


def loaded(cluster, process, seconds_long, database):
    begun, spent = cluster.log_bytes(), process.processor_seconds()
    tps = cluster.transactions_per_second(seconds_long, database)
    return {
        "tps": tps, "logBytes": cluster.log_bytes() - begun,
        "processorSeconds": process.processor_seconds() - spent}


# Report


def base_table(bases):
    tools = bases["tools"]

    def line(label, step, key, shape):
        return row(label, [tool[step][key] for tool in tools.values()], shape)

    rows = [line(label, step, "seconds", seconds) for step, label in STEPS.items()]
    rows += [
        line(f"memory, {label}", step, "peakBytes", mebibytes) for step, label in STEPS.items()]
    rows += [
        line(f"bytes added, {STEPS[step]}", step, "bytesAdded", mebibytes)
        for step in ("first", "second")]
    shares = [
        100 * tool["second"]["bytesAdded"] / tool["first"]["bytesAdded"]
        for tool in tools.values()]
    rows.append(row("  of the first base", shares, lambda share: f"{share:.1f} %"))
    title = f"base backups of a cluster of {mebibytes(bases['bytes'])}"
    return [title, *table(list(tools), rows), ""]


def follow_table(title, pairs):
    names = [Twin.name, Receivewal.name]

    def line(label, key, shape, digits=2):
        ratios = [pair[names[0]][key] / (pair[names[1]][key] or 1) for pair in pairs]
        medians = [statistics.median(pair[name][key] for pair in pairs) for name in names]
        ratio = statistics.median(ratios)
        return [label, f"{ratio:.{digits}f}", *map(shape, medians)], ratios

    tps, ratios = line("transactions per second", "tps", lambda value: f"{value:,.0f}", 3)
    rows = [
        tps, line("log, bytes", "logBytes", mebibytes)[0],
        line("processor time of the follower", "processorSeconds", seconds)[0]]
    return [
        f"pgbench while its log is followed, {title}, {len(pairs)} pairs", *table(names, rows),
        f"  ratios of transactions from {min(ratios):.3f} to {max(ratios):.3f}; more is better", ""]


def report(results):
    lines = [", ".join(results["versions"]), ""]
    if "bases" in results:
        lines += base_table(results["bases"])
    if "followed" in results:
        followed = results["followed"]
        lines += follow_table("long after a checkpoint", followed["calm"])
        lines += follow_table("right after a checkpoint", followed["worst"])
        lines += [
            f"vault at the end: {plain(followed['objects'])} objects, of which "
            f"{plain(followed['units'])} are units; {mebibytes(followed['vaultBytes'])}", ""]
    lines.append(
        f"z/…: zwilling divided by the other. Medians of {results['runs']} runs, and of the "
        "ratios of the pairs.")
    return "\n".join(lines)


def parsed():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=PROGRAM, help="zwilling, else as `make build` made it")
    parser.add_argument("--scale", type=int, default=330, help="of pgbench; some 15 MB each")
    parser.add_argument("--runs", type=int, default=3, help="of base backups")
    parser.add_argument("--pairs", type=int, default=10, help="of runs of pgbench, for each of two loads")
    parser.add_argument("--seconds", type=int, default=10, help="that one of these takes")
    parser.add_argument("--only", choices=["bases", "followers"], help="one of the two parts")
    parser.add_argument("--json", metavar="FILE", help="write all figures there")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="a smaller cluster, some minutes")
    size.add_argument("--smoke", action="store_true", help="a tiny one: does it work at all?")
    options = parser.parse_args()
    options.program = os.path.abspath(options.program)
    if not os.access(options.program, os.X_OK):
        parser.error(f"{options.program} is no program; `make build` makes it")
    if options.quick:
        options.scale, options.pairs = 40, 4
    if options.smoke:
        options.scale, options.runs, options.pairs, options.seconds = 1, 1, 1, 1
    if min(options.scale, options.runs, options.pairs, options.seconds) < 1:
        parser.error("--scale, --runs, --pairs and --seconds must be at least 1")
    # Longer than merges of the log wait for a pause and for each other, so that none is left over.
    options.calm = 1 if options.smoke else 22
    options.pgbackrest = shutil.which("pgbackrest")
    if not options.pgbackrest:
        print("pgbackrest is not here and is left out.", file=sys.stderr)
    return options


def main():
    options = parsed()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="zwilling-bench-") as work:
        work = os.path.realpath(work)
        os.chmod(work, 0o711)  # the server does not run as root
        with Cluster.new(os.path.join(work, "cluster")) as cluster:
            print(f"pgbench fills a cluster, scale {options.scale}", file=sys.stderr)
            cluster.fill(options.scale)
            results = {"versions": [cluster.version()], "runs": options.runs}
            for make, program in ((Twin, options.program), (PgBackRest, options.pgbackrest)):
                if program:
                    tool = make(program, os.path.join(work, "version"), cluster)
                    results["versions"].append(tool.version())
                    tool.remove()
            if options.only != "followers":
                results["bases"] = compare_bases(cluster, options, work)
            if options.only != "bases":
                results["followed"] = compare_followers(cluster, options, work)
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
