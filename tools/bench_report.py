# SPDX-License-Identifier: EUPL-1.2
"""The results of bench.py as tables for people: ratios first, since machines differ."""

MIB = 1024 * 1024
LABELS = {
    "first": "first protect", "again": "again", "restore": "restore", "verify": "verify all data",
    "unlock": "unlock only", "start": "start only",
}


def seconds(value):
    return f"{value:.2f} s"


def mebibytes(value):
    return f"{value / MIB:,.1f} MiB"


def plain(value):
    return f"{value:,}"


def row(label, values, shape):
    """zwilling / other for each other, then all values as they are."""
    ours, *others = values
    ratios = [f"{ours / other:.2f}" if other else "-" for other in others]
    return [label, *ratios, *map(shape, values)]


def table(names, rows):
    head = ["", *(f"z/{name}" for name in names[1:]), *names]
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return [
        "  " + line[0].ljust(widths[0]) + "".join(
            "  " + cell.rjust(width) for cell, width in zip(line[1:], widths[1:]))
        for line in lines]


def tree_table(tree):
    tools = tree["tools"]
    names = list(tools)
    rows = []

    def add(label, key, shape):
        rows.append(row(label, [key(tools[name]) for name in names], shape))

    steps = {step: label for step, label in LABELS.items() if step in tools[names[0]]["steps"]}
    for step, label in steps.items():
        add(label, lambda tool, step=step: tool["steps"][step]["seconds"], seconds)
    for step, label in steps.items():
        add(f"memory, {label}", lambda tool, step=step: tool["steps"][step]["peakBytes"], mebibytes)
    add("repository", lambda tool: tool["repositoryBytes"], mebibytes)
    add("  without companions",
        lambda tool: tool["repositoryBytes"] - tool["companionsBytes"], mebibytes)
    add("objects", lambda tool: tool["objects"], plain)
    if tree["fast"]:
        peers = [tools[name] for name in names[1:]]
        first = [tool["steps"]["first"]["seconds"] for tool in peers]
        rows.append(row("first, --compression fast", [tree["fast"]["seconds"], *first], seconds))
        sizes = [tool["repositoryBytes"] for tool in peers]
        rows.append(row("  repository", [tree["fast"]["bytes"], *sizes], mebibytes))
    if tree["change"]:
        rows += change_rows("small file changed", [tree["change"][name] for name in names])
    title = f"{tree['name']}: {tree['files']:,} files, {mebibytes(tree['bytes'])}"
    return [title, *table(names, rows), ""]


def change_rows(label, changes):
    return [
        row(label, [change["seconds"] for change in changes], seconds),
        row("  bytes added", [change["bytes"] for change in changes], plain),
        row("  objects added", [change["objects"] for change in changes], plain),
    ]


def large_table(large):
    tools = large["tools"]
    rows = [
        row("first protect", [tool["firstSeconds"] for tool in tools.values()], seconds),
        row("memory", [tool["firstPeakBytes"] for tool in tools.values()], mebibytes),
        *change_rows("after the change", list(tools.values())),
    ]
    title = f"{large['changedBytes']:,} bytes changed in a file of {mebibytes(large['bytes'])}"
    return [title, *table(list(tools), rows), ""]


def report(results):
    lines = [", ".join(results["versions"].values()), ""]
    for tree in results["trees"]:
        lines += tree_table(tree)
    if results["largeFile"]:
        lines += large_table(results["largeFile"])
    lines.append(
        f"z/…: zwilling divided by the other, less than 1 is better. Medians of {results['runs']}.")
    return "\n".join(lines)
