#!/usr/bin/env python3
# SPDX-License-Identifier: EUPL-1.2
"""Make a directory tree with everything that is known to break backup tools.

Hard links of every kind, sparse files, extended attributes, ACLs, file capabilities, names that
are not text, paths longer than PATH_MAX, special files, symlinks that lead nowhere, times before
1970 and after 2106, files that nobody may read, sizes around the borders of blocks and chunks.

The same seed gives the same tree, modification times included, so that two runs are equal for
compare_trees.py. Some things need root or a certain file system: what could not be made is named
on stderr, and that is not an error.

Exit status: 0 made, 1 the tree could not be made at all, 2 wrong use.
"""

import argparse
import contextlib
import errno
import os
import random
import stat
import struct
import sys

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB
SECOND_NS = 10**9
NO_ID = 0xFFFFFFFF

# struct vfs_cap_data of linux/capability.h, revision 2: cap_net_bind_service, effective.
CAPABILITY = struct.pack("<5I", 0x02000001, 1 << 10, 0, 0, 0)

# Entries (tag, permissions, id) of linux/posix_acl_xattr.h: owner, a user, owning group, a group,
# mask, others.
ACL_ENTRIES = [
    (0x01, 6, NO_ID), (0x02, 4, 1234), (0x04, 4, NO_ID),
    (0x08, 6, 4321), (0x10, 6, NO_ID), (0x20, 0, NO_ID),
]


def acl_bytes(entries):
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


class Tree:
    """The tree that is being made: names are relative to a directory descriptor everywhere."""

    def __init__(self, seed, small):
        self.seed = seed
        self.small = small
        self.dated = set()  # (device, inode) of entries whose mtime is part of the example
        self.closed = []  # (path of at most two components, mode) set when all else is done

    def random(self, label):
        return random.Random(f"{self.seed}/{label}")

    @contextlib.contextmanager
    def attempt(self, what):
        """Do something that not every user or file system can; name it on stderr if it fails."""
        try:
            yield
        except OSError as error:
            print(f"Not made: {what}: {error.strerror}", file=sys.stderr)

    @contextlib.contextmanager
    def new_file(self, at, name, mode=0o644):
        fd = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=at)
        try:
            yield fd
            os.fchmod(fd, mode)
        finally:
            os.close(fd)

    def file(self, at, name, content=b"", mode=0o644):
        with self.new_file(at, name, mode) as fd:
            write_at(fd, content, 0)

    def noise(self, at, name, count):
        self.file(at, name, self.random(name).randbytes(count))

    @contextlib.contextmanager
    def directory(self, at, name, mode=0o755):
        os.mkdir(name, 0o755, dir_fd=at)
        fd = open_directory(name, at)
        try:
            os.fchmod(fd, mode)
            yield fd
        finally:
            os.close(fd)

    def date(self, at, name, mtime_ns):
        """Give an mtime that stays; the file system must be able to keep it."""
        os.utime(name, ns=(mtime_ns, mtime_ns), dir_fd=at, follow_symlinks=False)
        status = os.stat(name, dir_fd=at, follow_symlinks=False)
        self.dated.add((status.st_dev, status.st_ino))
        if status.st_mtime_ns != mtime_ns:
            raise OSError(errno.ERANGE, f"The file system made {status.st_mtime_ns} ns of it")


def open_directory(name, at=None):
    return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)


def write_at(fd, content, offset):
    view = memoryview(content)
    while view:
        count = os.pwrite(fd, view, offset)
        view = view[count:]
        offset += count


def hard_links(tree, at):
    tree.noise(at, "file", 10_000)
    os.symlink("file", "symlink", dir_fd=at)
    os.mkfifo("fifo", dir_fd=at)
    with tree.directory(at, "a") as a, tree.directory(at, "b") as b:
        for name in ("file", "symlink", "fifo"):
            for place, new_name in ((at, f"{name} again"), (a, name), (b, f"{name} elsewhere")):
                with tree.attempt(f"a hard link to a {name}"):
                    os.link(name, new_name, src_dir_fd=at, dst_dir_fd=place, follow_symlinks=False)
        # Same content, name and size, but not linked: must stay two inodes.
        tree.file(a, "twin", b"twin")
        tree.file(b, "twin", b"twin")
        tree.file(a, "empty")
        os.link("empty", "empty", src_dir_fd=a, dst_dir_fd=b)


def sparse(tree, at):
    islands(tree, at)
    with tree.new_file(at, "only a hole") as fd:
        os.ftruncate(fd, 5 * MIB + 17)
        if os.fstat(fd).st_blocks * 512 >= 5 * MIB:
            print("Not made: holes: this file system has none", file=sys.stderr)
    with tree.new_file(at, "trailing hole") as fd:
        write_at(fd, tree.random("trailing").randbytes(100_000), 0)
        os.ftruncate(fd, 3 * MIB + 1)
    with tree.new_file(at, "leading hole") as fd:
        write_at(fd, b"the end", 2 * MIB + 5)
    with tree.new_file(at, "zeros beside a hole") as fd:
        write_at(fd, bytes(256 * KIB), 0)
        os.ftruncate(fd, 512 * KIB)
    for grain, count in ((4 * KIB, 500), (64 * KIB, 40)):
        with tree.new_file(at, f"{count} holes of {grain} bytes") as fd:
            for number in range(count):
                content = tree.random(f"holes {grain} {number}").randbytes(grain)
                write_at(fd, content, (2 * number + 1) * grain)


def islands(tree, at):
    """A file of 1 TiB, or of what the file system allows, with little data in it."""
    with tree.new_file(at, "islands") as fd:
        size = GIB
        if not tree.small:
            with tree.attempt("a file of 1 TiB (1 GiB instead)"):
                os.ftruncate(fd, 1024 * GIB)
                size = 1024 * GIB
        os.ftruncate(fd, size)
        for number, place in enumerate((3 * 4096, size // 3 + 1, size // 2, size - 5_000)):
            write_at(fd, tree.random(f"island {number}").randbytes(5_000), place)


def extended_attributes(tree, at):
    def value(name, key, content):
        with tree.attempt(f"the attribute {key[:20]} of {len(content)} bytes on a {name}"):
            os.setxattr(path_below(at, name), key, content, follow_symlinks=False)

    for name in ("file", "large value", "many", "capability", "capability with hard link"):
        tree.noise(at, name, 300)
    with tree.directory(at, "directory"):
        value("directory", "user.of a directory", b"yes")
    os.symlink("file", "symlink", dir_fd=at)
    os.mkfifo("fifo", dir_fd=at)
    value("file", "user.plain", b"text")
    value("file", "user.empty", b"")
    value("file", "user.binary", bytes(range(256)))
    value("file", "user.Schlüssel mit Leerzeichen=\n", "Wört\0".encode())
    value("file", "user." + "n" * 250, b"a name of 255 bytes")
    for name in ("file", "directory", "symlink", "fifo"):
        value(name, "trusted.zwilling", b"for root")
    large = tree.random("large value").randbytes(32 * KIB)
    value("large value", "user.large", large)
    if not os.listxattr(path_below(at, "large value")):
        value("large value", "user.large", large[:3_000])
    for number in range(50):
        value("many", f"user.{number}", str(number).encode())
    for name in ("capability", "capability with hard link"):
        os.chmod(name, 0o755, dir_fd=at)
        value(name, "security.capability", CAPABILITY)
    os.link("capability with hard link", "link", src_dir_fd=at, dst_dir_fd=at)


def path_below(at, name):
    """The xattr calls of Python know no dir_fd; this path is short at any depth."""
    return f"/proc/self/fd/{at}/{name}"


def access_control_lists(tree, at):
    acl = acl_bytes(ACL_ENTRIES)
    directory_acl = acl_bytes([(tag, permissions | 1, id) for tag, permissions, id in ACL_ENTRIES])
    tree.noise(at, "file", 100)
    with tree.attempt("an access ACL"):
        os.setxattr(path_below(at, "file"), "system.posix_acl_access", acl)
    with tree.directory(at, "both") as both, tree.directory(at, "default") as default:
        with tree.attempt("an access ACL on a directory"):
            os.setxattr(both, "system.posix_acl_access", directory_acl)
        for fd in (both, default):
            with tree.attempt("a default ACL"):
                os.setxattr(fd, "system.posix_acl_default", directory_acl)
            # Inherits; a restore must neither lose nor add what is inherited.
            tree.file(fd, "heir", b"inherits")
            with tree.directory(fd, "heir directory"):
                pass
        tree.file(default, "disinherited", b"inherits nothing")
        with tree.attempt("a file without the ACL of its directory"):
            os.removexattr(path_below(default, "disinherited"), "system.posix_acl_access")


NAMES = [
    b"not UTF-8 \xff\xfe", b"latin-1 \xe4\xf6\xfc", b"cut off \xf0\x9f\x98",
    b"surrogate \xed\xa0\x80", b"n" * 255, "ü".encode() * 127,
    b"new\nline", b"\n", b"carriage\rreturn", b"tab\tbell\x07escape\x1b[31m", b"\x01", b"\x7f",
    b"back\\slash", b"\\x41", b"\\", b'"', b"'", b"`id`", b"$(id)", b"a;b|c&d", b"#", b"~",
    b"-rf", b"--help", b"-", b"...", b"....", b" ", b" leading", b"trailing ", b"trailing.",
    b"*", b"?", b"[a]", b"{a,b}", b"%s%n%00", b"a:b", b"C:", b"CON", b"Case", b"case", b"CASE",
    "😀 👨\u200d👩\u200d👧".encode(), "zero\u200bwidth".encode(),
    "שלום \u202etxt.exe".encode(),
    "\u00e9 composed".encode(), "e\u0301 composed".encode(),
]


def names(tree, at):
    for name in NAMES:
        with tree.attempt(f"the name {name[:20]!r}"):
            tree.file(at, name, name)
    for name in (b"directory \xff\n", b"directory " + b"d" * 245):
        with tree.attempt(f"the directory {name[:20]!r}"), tree.directory(at, name) as fd:
            tree.file(fd, name, name)


def deep(tree, at):
    """One path over 4,096 bytes, and one with more levels than descriptors are usual."""
    for top, name, levels in (("long path", b"p" * 250, 20), ("many levels", b"d", 1_100)):
        with tree.directory(at, top) as fd:
            here = os.dup(fd)
        for _ in range(levels):
            os.mkdir(name, dir_fd=here)
            below = open_directory(name, here)
            os.close(here)
            here = below
        tree.file(here, "at the end", b"found")
        os.close(here)


def special_files(tree, at):
    os.mkfifo("fifo", 0o640, dir_fd=at)
    with tree.attempt("a socket"):
        os.mknod("socket", stat.S_IFSOCK | 0o600, dir_fd=at)
    null, wide = os.makedev(1, 3), os.makedev(511, 0xABCDE)  # more than the old 8 + 8 bits
    for name, kind, number in (
        ("null", stat.S_IFCHR, null), ("wide character", stat.S_IFCHR, wide),
        ("block", stat.S_IFBLK, os.makedev(7, 200)), ("wide block", stat.S_IFBLK, wide),
        ("whiteout of overlayfs", stat.S_IFCHR, os.makedev(0, 0)),
    ):
        with tree.attempt(f"the device {name}"):
            os.mknod(name, kind | 0o600, number, dir_fd=at)


def symlinks(tree, at):
    tree.file(at, "target", b"target")
    targets = {
        "plain": b"target", "dangling": b"nowhere", "itself": b"itself", "loop a": b"loop b",
        "loop b": b"loop a", "absolute": b"/etc/hostname", "absolute nowhere": b"/no/such/file",
        "up": b"..", "here": b".", "out": b"../../../..", "slash": b"directory/", "root": b"/",
        "not text": b"\xff\xfe\n\\", "doubled": b"directory//.//../target", "device": b"/dev/zero",
    }
    for name, target in targets.items():
        os.symlink(target, name, dir_fd=at)
    with tree.directory(at, "directory"):
        pass
    long_target = b"/".join([b"t" * 199] * 20)
    with tree.attempt("a symlink of 4,000 bytes (1,000 instead)"):
        os.symlink(b"/" + long_target, "long", dir_fd=at)
        return
    os.symlink((b"/" + long_target)[:1_000], "long", dir_fd=at)


TIMES = [  # name, seconds, nanoseconds that come on top
    ("1901", 1 - 2**31, 1),  # one second later than the earliest that ext4 can keep
    ("1969", -2, SECOND_NS // 2),  # -1.5 s
    ("1970 less a nanosecond", -1, 999_999_999),
    ("1970", 0, 0),
    ("1970 and a nanosecond", 0, 1),
    ("2001", 10**9, 999_999_999),
    ("2038", 2**31 - 1, 999_999_999),
    ("after 2038", 2**31, 1),
    ("2106", 2**32 - 1, 987_654_321),
    ("after 2106", 2**32, 123_456_789),
    ("2400", 13_569_465_600, 555_555_555),
]


def times(tree, at):
    for name, seconds, nanoseconds in TIMES:
        tree.file(at, name, name.encode())
        os.mkdir(f"{name} directory", dir_fd=at)
        os.symlink(name, f"{name} symlink", dir_fd=at)
        for entry in (name, f"{name} directory", f"{name} symlink"):
            with tree.attempt(f"the time of {entry}"):
                tree.date(at, entry, seconds * SECOND_NS + nanoseconds)


def modes(tree, at):
    for mode in (0o000, 0o200, 0o400, 0o444, 0o111, 0o777, 0o4755, 0o2755, 0o1644, 0o6711, 0o7777):
        tree.file(at, f"file {mode:04o}", f"{mode:04o}".encode(), mode)
        with tree.directory(at, f"directory {mode:04o}") as fd:
            tree.file(fd, "inside", b"inside")
        tree.closed.append((f"modes/directory {mode:04o}", mode))
    os.mkfifo("fifo 0000", 0o000, dir_fd=at)


def empty(tree, at):
    tree.file(at, "file")
    with tree.directory(at, "directory") as fd, tree.directory(fd, "directory"):
        pass


def many(tree, at):
    choice = tree.random("many")
    for number in range(200 if tree.small else 5_000):
        tree.file(at, f"{number:04}", choice.randbytes(choice.randrange(300)))


def sizes(tree, at):
    for size in (0, 1, 4095, 4096, 131071, 131072, 131073, 262144, MIB, 2 * MIB, 2 * MIB + 1):
        tree.noise(at, f"{size}", size)
    large = 500_000 if tree.small else 5_000_000
    tree.noise(at, f"{large} random", large)
    tree.file(at, f"{large} zeros", bytes(large))
    for name in ("twin a", "twin b"):
        tree.file(at, name, tree.random("twins").randbytes(300_000))


def owners(tree, at):
    numbers = (1000, 1000), (0, 12), (65534, 65534), (123456, 654321), (2**31, 2**32 - 2)
    for user, group in numbers:
        name = f"{user} {group}"
        tree.noise(at, name, 50)
        os.mkdir(f"{name} directory", dir_fd=at)
        os.symlink(name, f"{name} symlink", dir_fd=at)
        for entry in (name, f"{name} directory", f"{name} symlink"):
            with tree.attempt(f"the owner of {entry}"):
                os.chown(entry, user, group, dir_fd=at, follow_symlinks=False)
    tree.file(at, "setuid of another", b"", 0o600)
    with tree.attempt("the owner of setuid of another"):
        os.chown("setuid of another", 1000, 1000, dir_fd=at)
    os.chmod("setuid of another", 0o6755, dir_fd=at)  # after chown, which takes the bits away


SECTIONS = {
    "links": hard_links, "sparse": sparse, "xattrs": extended_attributes,
    "acls": access_control_lists, "names": names, "deep": deep, "special": special_files,
    "symlinks": symlinks, "times": times, "modes": modes, "empty": empty, "many": many,
    "sizes": sizes, "owners": owners,
}


def date_all(tree, root):
    """Give every entry that has no deliberate mtime one that follows from seed and path.

    Holds one descriptor and goes up through "..", for the sake of the deep section.
    """
    here = os.dup(root)
    path, listings = [], [iter(sorted(map(os.fsencode, os.listdir(here))))]
    while listings:
        name = next(listings[-1], None)
        if name is None:
            listings.pop()
            above = open_directory("..", here)
            os.close(here)
            here = above
            if path:
                path.pop()
            continue
        status = os.stat(name, dir_fd=here, follow_symlinks=False)
        is_directory = stat.S_ISDIR(status.st_mode)
        if (status.st_dev, status.st_ino) not in tree.dated:
            label = b"/".join([*path, name]).hex()
            mtime_ns = odd_time(tree.random(label), is_directory)
            os.utime(name, ns=(mtime_ns, mtime_ns), dir_fd=here, follow_symlinks=False)
        if is_directory:
            below = open_directory(name, here)
            os.close(here)
            here = below
            path.append(name)
            listings.append(iter(sorted(map(os.fsencode, os.listdir(here)))))
    os.close(here)


def odd_time(choice, is_directory):
    """Files lie between 2001 and 2033, directories between 1938 and 2128."""
    start, end = (-(10**9), 5 * 10**9) if is_directory else (10**9, 2 * 10**9)
    return choice.randrange(start * SECOND_NS, end * SECOND_NS)


def make(directory, seed=1, small=False):
    """Make the tree in an empty or new directory. Raises OSError if even plain files fail."""
    os.umask(0o022)
    os.makedirs(directory, exist_ok=True)
    root = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        tree = Tree(seed, small)
        for name, fill in SECTIONS.items():
            with tree.directory(root, name) as at:
                fill(tree, at)
        date_all(tree, root)
        for path, mode in tree.closed:
            os.chmod(path, mode, dir_fd=root)
        mtime_ns = odd_time(tree.random("."), is_directory=True)
        os.utime(root, ns=(mtime_ns, mtime_ns))
    finally:
        os.close(root)


def main():
    parser = argparse.ArgumentParser(
        description="Make a directory tree with everything that is known to break backup tools.",
        epilog="What could not be made is named on stderr.",
    )
    parser.add_argument("directory", metavar="DIR", help="is made, or must be empty")
    parser.add_argument("--seed", type=int, default=1, help="same seed, same tree (default 1)")
    parser.add_argument(
        "--small",
        action="store_true",
        help="1 GiB sparse instead of 1 TiB, 200 files instead of 5,000, 0.5 MB instead of 5 MB",
    )
    options = parser.parse_args()
    if os.path.lexists(options.directory) and not os.path.isdir(options.directory):
        parser.error(f"{options.directory} is no directory")
    if os.path.isdir(options.directory) and os.listdir(options.directory):
        parser.error(f"{options.directory} is not empty")
    try:
        make(options.directory, options.seed, options.small)
    except OSError as error:
        print(f"The tree could not be made: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
