#!/usr/bin/env python3
# SPDX-License-Identifier: EUPL-1.2
"""Compare two directory trees in everything that a backup has to give back.

Compared, entry by entry: names (as bytes), kind, mode bits, owner and group, size, mtime in
nanoseconds, symlink targets, device numbers, which paths are hard links of each other, all
extended attributes (ACLs and file capabilities among them), content, and where the holes lie.
Not compared: atime, ctime, the size of directories (it depends on their past), and of sockets
anything but name and kind. Hard links are compared among the paths that both trees have, so
links that lead out of a tree do not count.

Directories are opened one by one from the descriptor of their parent and no path is ever longer
than one component, so that trees deeper than PATH_MAX and than the recursion limit can be
compared, with about 100 descriptors.

Exit status: 0 equal, 1 different (or something could not be read), 2 wrong use.
"""

import argparse
import contextlib
import errno
import json
import os
import stat
import sys
from collections import Counter
from dataclasses import dataclass

LEVELS_OPEN_MAX = 48  # two descriptors a level
READ_BYTES_MAX = 256 * 1024
HOLE_GRAIN_BYTES_MAX = 64 * 1024
VALUE_BYTES_SHOWN_MAX = 24

KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "symlink",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "character device",
    stat.S_IFBLK: "block device",
}


@dataclass(frozen=True)
class Difference:
    """One attribute of one path that differs; `None` says that this side has no such thing."""

    path: bytes
    what: str
    a: str | None
    b: str | None

    def __str__(self):
        a, b = ("absent" if value is None else value for value in (self.a, self.b))
        return f"{readable(self.path)}: {self.what}: A {a}, B {b}"

    def as_json(self):
        return {"path": readable(self.path), "what": self.what, "a": self.a, "b": self.b}


def readable(name):
    """Bytes as one line of text, reversible: what is not printable UTF-8 becomes an escape."""
    text = name.decode("utf-8", "surrogateescape").replace("\\", "\\\\")
    return "".join(c if c.isprintable() else escaped(c) for c in text)


def escaped(character):
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogateescape"))


def shown(value):
    text = f'"{readable(value[:VALUE_BYTES_SHOWN_MAX])}"'
    return text if len(value) <= VALUE_BYTES_SHOWN_MAX else f"{text}… ({len(value)} bytes)"


def kind_of(status):
    return KINDS.get(stat.S_IFMT(status.st_mode), "unknown")


def kind_at(name, dir_fd):
    return kind_of(os.stat(name, dir_fd=dir_fd, follow_symlinks=False))


def identity(status):
    return status.st_dev, status.st_ino


def open_at(name, flags, dir_fd):
    flags |= os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(name, flags | os.O_NOATIME, dir_fd=dir_fd)
    except PermissionError:  # O_NOATIME is for the owner only
        return os.open(name, flags, dir_fd=dir_fd)


def xattrs(target, follow_symlinks=True):
    """All extended attributes of a descriptor, or of a path that is not followed."""
    try:
        names = os.listxattr(target, follow_symlinks=follow_symlinks)
    except OSError as error:
        if error.errno == errno.ENOTSUP:
            return {}
        raise
    return {n: os.getxattr(target, n, follow_symlinks=follow_symlinks) for n in names}


def data_extents(fd, size):
    """The stretches (start, end) of a file that are not holes, in order."""
    extents = []
    at = 0
    while at < size:
        try:
            start = os.lseek(fd, at, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # only a hole is left
                break
            raise
        at = os.lseek(fd, start, os.SEEK_HOLE)
        extents.append((start, min(at, size)))
    return extents


def regions(extents_a, extents_b):
    """Yield (start, end, in_a, in_b) for every stretch where at least one side has data."""
    edges = [(place, 1) for extent in extents_a for place in extent]
    edges += [(place, 2) for extent in extents_b for place in extent]
    sides = 0
    last = 0
    for place, side in sorted(edges):
        if sides and place > last:
            yield last, place, bool(sides & 1), bool(sides & 2)
        last = place
        sides ^= side


def explained_by_rounding(start, end, size, grain):
    """Whether a stretch that is a hole on one side only may be due to file-system blocks.

    Holes consist of whole blocks. If the blocks of the two file systems differ in size, so do
    the holes at their ends, and small ones vanish, without any copying program being at fault.
    What contains a whole aligned block of the coarser side, however, could have been a hole on
    both. The last block reaches beyond the end of the file. The block is taken to be 64 KiB at
    most, since network file systems state a transfer size of up to 1 MiB instead, behind
    which a lost hole could hide.
    """
    first_block = -(-start // grain)
    after_last_block = -(-size // grain) if end >= size else end // grain
    return first_block >= after_last_block


class Level:
    """One directory, open on both sides, with the names in it that are still to be compared."""

    def __init__(self, name, fds):
        self.name = name
        self.fds = fds
        self.identities = [identity(os.fstat(fd)) for fd in fds]
        self.names = []

    def close(self):
        for fd in self.fds or ():
            os.close(fd)
        self.fds = None


class Descent:
    """The levels from the roots to the present directory; only the lowest ones are kept open."""

    def __init__(self):
        self.levels = []

    def down(self, level):
        self.levels.append(level)
        if len(self.levels) > LEVELS_OPEN_MAX:
            self.levels[-1 - LEVELS_OPEN_MAX].close()

    def up(self):
        left = self.levels.pop()
        with contextlib.closing(left):
            if not self.levels or self.levels[-1].fds:
                return
            parent = self.levels[-1]
            parent.fds = [open_at("..", os.O_DIRECTORY, fd) for fd in left.fds]
            if [identity(os.fstat(fd)) for fd in parent.fds] != parent.identities:
                raise OSError(errno.ESTALE, "A directory was moved during the comparison")

    def close(self):
        for level in self.levels:
            level.close()


class Comparison:
    """Walks two trees in step and collects `differences` and `counts` of what both sides have."""

    def __init__(self, ignore_owner=False):
        self.ignore_owner = ignore_owner
        self.differences = []
        self.counts = Counter()
        self.bytes_compared = 0
        self.descent = Descent()
        self.linked = ({}, {})  # inode of one side -> (inode of the other side, first path)

    def run(self, roots):
        """Compare the trees below two open directories; the descriptors are closed."""
        with contextlib.closing(self.descent):
            self.attributes(b".", *(os.fstat(fd) for fd in roots))
            self.enter(b".", roots)
            while self.descent.levels:
                level = self.descent.levels[-1]
                if level.names:
                    self.entry(level.names.pop(), level.fds)
                else:
                    self.descent.up()

    def report(self, name, what, a, b):
        """Note a difference of the entry `name` of the present directory."""
        above = [level.name for level in self.descent.levels[1:]]
        self.differences.append(Difference(b"/".join([*above, name]), what, a, b))

    def differ(self, name, what, a, b, show=str):
        if a != b:
            self.report(name, what, *(None if value is None else show(value) for value in (a, b)))

    @contextlib.contextmanager
    def reading(self, name):
        """What cannot be read cannot be called equal."""
        try:
            yield
        except OSError as error:
            self.report(name, "not compared", error.strerror, error.strerror)

    def enter(self, name, fds):
        """Make two open directories the present one and compare their lists of names."""
        with self.reading(name):
            self.differ_xattrs(name, *map(xattrs, fds))
        level = Level(name, fds)
        self.descent.down(level)
        with self.reading(b"."):
            names_a, names_b = (set(map(os.fsencode, os.listdir(fd))) for fd in fds)
            level.names = sorted(names_a & names_b, reverse=True)
            for lonely in sorted(names_a - names_b):
                self.report(lonely, "entry", kind_at(lonely, fds[0]), None)
            for lonely in sorted(names_b - names_a):
                self.report(lonely, "entry", None, kind_at(lonely, fds[1]))

    def entry(self, name, dir_fds):
        with self.reading(name):
            a, b = (os.stat(name, dir_fd=fd, follow_symlinks=False) for fd in dir_fds)
            if not self.attributes(name, a, b) or stat.S_ISSOCK(a.st_mode):
                return
            if stat.S_ISDIR(a.st_mode):
                fds = self.open_pair(name, os.O_DIRECTORY, dir_fds)
                if fds:
                    self.enter(name, fds)
            elif not self.same_links(name, a, b):
                if stat.S_ISREG(a.st_mode):
                    self.file(name, dir_fds, a, b)
                else:
                    self.special(name, dir_fds, a, b)

    def attributes(self, name, a, b):
        """Compare what `stat` tells; false if the kinds differ and nothing else is of use."""
        kind = kind_of(a)
        self.differ(name, "kind", kind, kind_of(b))
        if kind != kind_of(b):
            return False
        self.counts[kind] += 1
        if kind == "socket":
            return True
        if a.st_mode != b.st_mode:
            self.differ(name, "mode", *(stat.S_IMODE(s.st_mode) for s in (a, b)), "{:04o}".format)
        if not self.ignore_owner:
            self.differ(name, "owner", a.st_uid, b.st_uid)
            self.differ(name, "group", a.st_gid, b.st_gid)
        if kind == "file":
            self.differ(name, "size", a.st_size, b.st_size)
        self.differ(name, "mtime", a.st_mtime_ns, b.st_mtime_ns, "{} ns".format)
        return True

    def same_links(self, name, a, b):
        """Compare which paths share an inode; true if this pair of inodes was compared before."""
        if a.st_nlink < 2 and b.st_nlink < 2:
            return False
        inodes = identity(a), identity(b)
        path = b"/".join([*(level.name for level in self.descent.levels[1:]), name])
        others = [known.get(inode) for known, inode in zip(self.linked, inodes)]
        if others == [None, None]:
            for side in (0, 1):
                self.linked[side][inodes[side]] = (inodes[1 - side], path)
            return False
        if others[0] and others[0][0] == inodes[1]:
            return True
        texts = [other and f"is a link to {readable(other[1])}" for other in others]
        self.report(name, "hard link", *(text or "is a new inode" for text in texts))
        # Only to name the first path of a group: the pairing itself is broken by now.
        for side in (0, 1):
            self.linked[side].setdefault(inodes[side], (inodes[1 - side], path))
        return False

    def special(self, name, dir_fds, a, b):
        if stat.S_ISLNK(a.st_mode):
            targets = (os.readlink(name, dir_fd=fd) for fd in dir_fds)
            self.differ(name, "target", *targets, shown)
        elif stat.S_ISCHR(a.st_mode) or stat.S_ISBLK(a.st_mode):
            numbers = (f"{os.major(s.st_rdev)}:{os.minor(s.st_rdev)}" for s in (a, b))
            self.differ(name, "device", *numbers)
        # These cannot be opened for reading, and the xattr calls know no dir_fd.
        paths = (b"/proc/self/fd/%d/%s" % (fd, name) for fd in dir_fds)
        self.differ_xattrs(name, *(xattrs(path, follow_symlinks=False) for path in paths))

    def file(self, name, dir_fds, a, b):
        fds = self.open_pair(name, os.O_NONBLOCK, dir_fds)
        if not fds:
            return
        try:
            self.differ_xattrs(name, *map(xattrs, fds))
            if a.st_size == b.st_size:
                grain = min(max(a.st_blksize, b.st_blksize), HOLE_GRAIN_BYTES_MAX)
                self.content(name, fds, a.st_size, grain)
        finally:
            for fd in fds:
                os.close(fd)

    def content(self, name, fds, size, grain):
        extents = [data_extents(fd, size) for fd in fds]
        content_told = holes_told = False
        for start, end, in_a, in_b in regions(*extents):
            lost = in_a != in_b and not explained_by_rounding(start, end, size, grain)
            if lost and not holes_told:
                words = ("data" if here else "hole" for here in (in_a, in_b))
                self.report(name, "holes", *(f"{word} at {start}..<{end}" for word in words))
                holes_told = True
            content_told = content_told or self.stretch(name, fds, start, end)

    def stretch(self, name, fds, start, end):
        """Compare the bytes from `start` to `end`; true if they differ."""
        while start < end:
            a, b = (os.pread(fd, min(end - start, READ_BYTES_MAX), start) for fd in fds)
            if a != b:
                at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
                bytes_there = (shown(side[at : at + 8]) for side in (a, b))
                self.report(name, "content", *(f"{b} at {start + at}" for b in bytes_there))
                return True
            if not a:
                raise OSError(errno.EIO, "The file became shorter during the comparison")
            start += len(a)
            self.bytes_compared += len(a)
        return False

    def differ_xattrs(self, name, a, b):
        if a != b:
            for key in sorted(a.keys() | b.keys()):
                what = f"xattr {readable(os.fsencode(key))}"
                self.differ(name, what, a.get(key), b.get(key), shown)

    def open_pair(self, name, flags, dir_fds):
        """The descriptors of both sides, or `None` after a report if one cannot be opened."""
        fds, words = [], []
        for dir_fd in dir_fds:
            try:
                fds.append(open_at(name, flags, dir_fd))
                words.append("can be opened")
            except OSError as error:
                words.append(error.strerror)
        if len(fds) == 2:
            return fds
        for fd in fds:
            os.close(fd)
        self.report(name, "not compared", *words)
        return None

    def summary(self):
        names = [kind for kind in KINDS.values() if self.counts[kind] or kind == "file"]
        parts = [plural(self.counts[kind], kind) for kind in names]
        parts.append(f"{self.bytes_compared / 1e6:.1f} MB of data")
        count = len(self.differences)
        return ", ".join(parts) + ": " + (plural(count, "difference") if count else "equal")


def plural(count, noun):
    if count == 1:
        return f"1 {noun}"
    return f"{count} {noun[:-1]}ies" if noun.endswith("y") else f"{count} {noun}s"


def compare(a, b, ignore_owner=False):
    """Compare the trees at two paths.

    Raises OSError if one is no directory that can be read, or if a directory was moved meanwhile.
    """
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC  # an argument may be a symlink
    roots = [os.open(a, flags)]
    try:
        roots.append(os.open(b, flags))
    except OSError:
        os.close(roots[0])
        raise
    comparison = Comparison(ignore_owner)
    comparison.run(roots)
    return comparison


def main():
    parser = argparse.ArgumentParser(
        description="Compare two directory trees in everything that a backup has to give back.",
        epilog="Exit status: 0 equal, 1 different, 2 wrong use.",
    )
    parser.add_argument("a", metavar="A")
    parser.add_argument("b", metavar="B")
    parser.add_argument("--ignore-owner", action="store_true", help="owner and group may differ")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    for root in (options.a, options.b):
        if not os.path.isdir(root):
            parser.error(f"{root} is no directory")
    try:
        comparison = compare(options.a, options.b, options.ignore_owner)
    except OSError as error:
        print(f"The comparison had to stop: {error}", file=sys.stderr)
        return 1
    sys.stdout.reconfigure(errors="backslashreplace")
    if options.json:
        print(json.dumps({
            "equal": not comparison.differences,
            "differences": [difference.as_json() for difference in comparison.differences],
            "counts": dict(comparison.counts),
            "bytesCompared": comparison.bytes_compared,
        }, indent=2))
    else:
        for difference in comparison.differences:
            print(difference)
        print(comparison.summary())
    return 1 if comparison.differences else 0


if __name__ == "__main__":
    sys.exit(main())
