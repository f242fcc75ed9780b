#!/usr/bin/env python3
# SPDX-License-Identifier: EUPL-1.2
"""Tests of the test tools: every change must be seen, and all that is promised must be made.

Run with `python3 tools/test_tools.py`; what only root can do is skipped for others. The trees are
made in TMPDIR, whose file system decides what else is tested.
"""

import contextlib
import errno
import io
import json
import os
import shutil
import stat
import struct
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import awkward_tree  # noqa: E402  (found through the line above)
import compare_trees  # noqa: E402

IS_ROOT = os.geteuid() == 0
NOON_NS = 1_700_000_000_123_456_789
KIB = 1024


def run(tool, *arguments):
    command = [sys.executable, "-B", os.path.join(HERE, tool), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def remove_tree(path):
    # These go down by descriptors; shutil.rmtree would give up at the depth of these trees.
    if not IS_ROOT:
        subprocess.run(["chmod", "-R", "u+rwX", "--", path], check=True)
    subprocess.run(["rm", "-rf", "--", path], check=True)


def small_tree(directory):
    """One of each kind, everything dated, nothing that needs root."""
    os.umask(0o022)
    os.makedirs(f"{directory}/sub/empty")
    write(f"{directory}/file", b"content")
    write(f"{directory}/other", b"another")
    write(f"{directory}/sub/one", b"linked")
    write(f"{directory}/sub/twin", b"linked")
    os.link(f"{directory}/sub/one", f"{directory}/two")
    os.symlink("file", f"{directory}/symlink")
    os.mkfifo(f"{directory}/fifo")
    os.mknod(f"{directory}/socket", stat.S_IFSOCK | 0o600)
    with open(f"{directory}/sparse", "wb") as file:
        for place in (256 * KIB, 1024 * KIB):
            file.seek(place)
            file.write(b"x" * 64 * KIB)
        file.truncate(2048 * KIB)
    with open(f"{directory}/large", "wb") as file:
        file.write(bytes(600 * KIB))
    date_all(directory)


def write(path, content):
    with open(path, "wb") as file:
        file.write(content)


def date_all(directory):
    for above, directories, files in os.walk(directory, topdown=False):
        for name in [*directories, *files]:
            os.utime(f"{above}/{name}", ns=(NOON_NS, NOON_NS), follow_symlinks=False)
    os.utime(directory, ns=(NOON_NS, NOON_NS))


@contextlib.contextmanager
def times_kept(*paths):
    """Change something without its mtime, so that only the change itself can be noticed."""
    before = [(path, os.lstat(path).st_mtime_ns) for path in paths]
    yield
    for path, mtime_ns in before:
        os.utime(path, ns=(mtime_ns, mtime_ns), follow_symlinks=False)


class Trees(unittest.TestCase):
    """A place with two equal trees, `a` and `b`."""

    def setUp(self):
        self.place = tempfile.mkdtemp(prefix="trees-")
        self.addCleanup(remove_tree, self.place)
        self.a, self.b = f"{self.place}/a", f"{self.place}/b"

    def differences(self, **options):
        comparison = compare_trees.compare(self.a, self.b, **options)
        return [(os.fsdecode(d.path), d.what) for d in comparison.differences]

    def texts(self):
        return [str(d) for d in compare_trees.compare(self.a, self.b).differences]


class EveryChangeIsReported(Trees):
    def setUp(self):
        super().setUp()
        small_tree(self.a)
        small_tree(self.b)
        self.assertEqual(self.differences(), [])

    def replaced(self, name, make):
        """Remove `name` in b and make it anew, with all times as before."""
        path = f"{self.b}/{name}"
        with times_kept(path, os.path.dirname(path)):
            os.unlink(path)
            make(path)

    def test_missing_and_additional_entries(self):
        with times_kept(self.b, f"{self.b}/sub"):
            os.unlink(f"{self.b}/file")
            os.rmdir(f"{self.b}/sub/empty")
            write(f"{self.b}/new \n", b"")
        self.assertEqual(self.texts(), [
            "file: entry: A file, B absent",
            "new \\x0a: entry: A absent, B file",
            "sub/empty: entry: A directory, B absent",
        ])

    def test_names_that_differ_only_in_bytes(self):
        with times_kept(self.a, self.b):
            os.rename(f"{self.a}/file", os.fsencode(self.a) + b"/\xff")
            os.rename(f"{self.b}/file", os.fsencode(self.b) + b"/\xfe")
        self.assertEqual(len(self.texts()), 2)
        self.assertIn("\\xff: entry: A file, B absent", self.texts())

    def test_kind(self):
        self.replaced("file", os.mkfifo)
        self.assertEqual(self.differences(), [("file", "kind")])
        self.assertEqual(self.texts(), ["file: kind: A file, B fifo"])

    def test_missing_socket(self):
        with times_kept(self.b):
            os.unlink(f"{self.b}/socket")
        self.assertEqual(self.differences(), [("socket", "entry")])

    def test_of_sockets_only_name_and_kind_count(self):
        os.chmod(f"{self.b}/socket", 0o777)
        os.utime(f"{self.b}/socket")
        self.assertEqual(self.differences(), [])

    def test_mode_of_each_kind_and_of_the_root(self):
        for name, mode in (("file", 0o4755), ("fifo", 0o600), ("sub", 0o1755), (".", 0o700)):
            before = stat.S_IMODE(os.stat(f"{self.b}/{name}").st_mode)
            os.chmod(f"{self.b}/{name}", mode)
            self.assertEqual(self.differences(), [(name, "mode")])
            os.chmod(f"{self.b}/{name}", before)

    def test_each_mode_bit(self):
        for bit in (1 << n for n in range(12)):
            os.chmod(f"{self.b}/file", 0o644 ^ bit)
            if IS_ROOT or bit != 0o400:
                self.assertEqual(self.differences(), [("file", "mode")], oct(bit))

    @unittest.skipUnless(IS_ROOT, "needs root")
    def test_owner_and_group(self):
        for name in ("file", "sub", "symlink", "fifo"):
            for user, group, what in ((1, -1, "owner"), (0, 1, "group")):
                os.chown(f"{self.b}/{name}", user, group, follow_symlinks=False)
                self.assertEqual(self.differences(), [(name, what)])
                self.assertEqual(self.differences(ignore_owner=True), [])
            os.chown(f"{self.b}/{name}", 0, 0, follow_symlinks=False)

    def test_size(self):
        with times_kept(f"{self.b}/file"):
            os.truncate(f"{self.b}/file", 6)
        self.assertEqual(self.differences(), [("file", "size")])

    def test_mtime_by_a_nanosecond(self):
        for name in ("file", "sub", "symlink", "fifo", "."):
            for mtime_ns in (NOON_NS + 1, NOON_NS - 1, NOON_NS + 2**31, -1, 5 * 10**18 + 1):
                os.utime(f"{self.b}/{name}", ns=(0, mtime_ns), follow_symlinks=False)
                self.assertEqual(self.differences(), [(name, "mtime")])
            os.utime(f"{self.b}/{name}", ns=(0, NOON_NS), follow_symlinks=False)

    def test_times_of_access_do_not_count(self):
        os.utime(f"{self.b}/file", ns=(1, NOON_NS))
        self.assertEqual(self.differences(), [])

    def test_symlink_target(self):
        self.replaced("symlink", lambda path: os.symlink("filf", path))
        self.assertEqual(self.texts(), ['symlink: target: A "file", B "filf"'])

    def test_content_at_its_beginning_and_end(self):
        for name, size in (("file", 7), ("large", 600 * KIB)):
            for place in (0, size // 2, size - 1):
                path = f"{self.b}/{name}"
                before = self.changed_byte(path, place, b"!")
                self.assertEqual(self.differences(), [(name, "content")])
                self.assertTrue(self.texts()[0].endswith(f"at {place}"), self.texts())
                self.changed_byte(path, place, before)
                self.assertEqual(self.differences(), [])

    def changed_byte(self, path, place, new):
        """Write one byte; the one that was there is the answer."""
        with times_kept(path), open(path, "r+b", buffering=0) as file:
            before = os.pread(file.fileno(), 1, place)
            os.pwrite(file.fileno(), new, place)
        return before

    def test_content_that_cannot_be_read(self):
        with mock.patch("os.pread", side_effect=OSError(errno.EIO, "Input/output error")):
            self.assertIn(("file", "not compared"), self.differences())

    @unittest.skipUnless(IS_ROOT, "needs root")
    def test_device_numbers_and_kind(self):
        for tree in (self.a, self.b):
            os.mknod(f"{tree}/device", stat.S_IFCHR | 0o600, os.makedev(1, 3))
            date_all(tree)
        self.assertEqual(self.differences(), [])
        for number in (os.makedev(1, 5), os.makedev(2, 3), os.makedev(1, 3 + 256)):
            self.replaced("device", lambda path, n=number: os.mknod(path, stat.S_IFCHR | 0o600, n))
            self.assertEqual(self.differences(), [("device", "device")])
        block = stat.S_IFBLK | 0o600
        self.replaced("device", lambda path: os.mknod(path, block, os.makedev(1, 3)))
        self.assertEqual(self.differences(), [("device", "kind")])


class LinksAreReported(Trees):
    def setUp(self):
        super().setUp()
        small_tree(self.a)
        small_tree(self.b)

    def test_link_that_became_a_copy(self):
        with times_kept(f"{self.b}/two", self.b):
            os.unlink(f"{self.b}/two")
            write(f"{self.b}/two", b"linked")
        self.assertEqual(self.texts(), [
            "two: hard link: A is a link to sub/one, B is a new inode",
        ])

    def test_copy_that_became_a_link(self):
        with times_kept(f"{self.b}/sub"):
            os.unlink(f"{self.b}/sub/twin")
            os.link(f"{self.b}/sub/one", f"{self.b}/sub/twin")
        self.assertEqual(self.differences(), [("sub/twin", "hard link")])

    def test_link_to_another_of_equal_content(self):
        with times_kept(self.b):
            os.unlink(f"{self.b}/two")
            os.link(f"{self.b}/sub/twin", f"{self.b}/two")
        self.assertTrue(self.differences())
        self.assertEqual({what for _, what in self.differences()}, {"hard link"})

    def test_links_of_symlinks_and_fifos(self):
        for name in ("symlink", "fifo"):
            os.link(f"{self.a}/{name}", f"{self.a}/sub/{name}", follow_symlinks=False)
        os.symlink("file", f"{self.b}/sub/symlink")
        os.mkfifo(f"{self.b}/sub/fifo")
        for tree in (self.a, self.b):
            date_all(tree)
        # "sub/…" comes before "symlink" and after "fifo", and the later path is the one named.
        self.assertEqual(self.differences(), [("sub/fifo", "hard link"), ("symlink", "hard link")])

    def test_links_out_of_the_tree_do_not_count(self):
        os.link(f"{self.b}/file", f"{self.place}/outside")
        self.assertEqual(self.differences(), [])


class AttributesAreReported(Trees):
    def setUp(self):
        super().setUp()
        small_tree(self.a)
        small_tree(self.b)

    def changes(self, name, key, value, other):
        """Only in b, only in a, in both and equal, in both and different."""
        a, b = f"{self.a}/{name}", f"{self.b}/{name}"
        expected = [(name, f"xattr {key}")]
        before = stat.S_IMODE(os.lstat(b).st_mode)
        os.setxattr(b, key, value, follow_symlinks=False)
        self.assertIn(expected[0], self.differences())
        os.setxattr(a, key, value, follow_symlinks=False)
        self.assertEqual(self.differences(), [])
        os.setxattr(b, key, other, follow_symlinks=False)
        self.assertIn(expected[0], self.differences())
        os.removexattr(b, key, follow_symlinks=False)
        self.assertIn(expected[0], self.differences())
        os.removexattr(a, key, follow_symlinks=False)
        for path in (a, b):
            if not os.path.islink(path):
                os.chmod(path, before)
        self.assertEqual(self.differences(), [])

    def test_user_attributes(self):
        for name in ("file", "sub", "."):
            self.changes(name, "user.key", b"value", b"valuf")
            self.changes(name, "user.key", b"", b"\0")
            self.changes(name, "user.key", bytes(2_000), bytes(1_999) + b"\1")

    @unittest.skipUnless(IS_ROOT, "needs root")
    def test_trusted_attributes_also_where_nothing_can_be_opened(self):
        for name in ("file", "sub", "symlink", "fifo"):
            self.changes(name, "trusted.key", b"value", b"other")

    @unittest.skipUnless(IS_ROOT, "needs root")
    def test_file_capability(self):
        other = struct.pack("<5I", 0x02000001, 1 << 11, 0, 0, 0)
        self.changes("file", "security.capability", awkward_tree.CAPABILITY, other)

    def test_access_control_lists(self):
        entries = [(0x01, 7, awkward_tree.NO_ID), *awkward_tree.ACL_ENTRIES[1:]]
        acl = awkward_tree.acl_bytes(entries)
        entries[1] = (0x02, 6, 1234)
        other = awkward_tree.acl_bytes(entries)
        self.changes("file", "system.posix_acl_access", acl, other)
        self.changes("sub", "system.posix_acl_access", acl, other)
        self.changes("sub", "system.posix_acl_default", acl, other)


class HolesAreReported(Trees):
    def setUp(self):
        super().setUp()
        small_tree(self.a)
        small_tree(self.b)
        self.sparse = f"{self.b}/sparse"

    def fill(self, place, content):
        with times_kept(self.sparse), open(self.sparse, "r+b") as file:
            file.seek(place)
            file.write(content)

    def test_each_hole_that_was_filled(self):
        for place in (0, 512 * KIB, 1984 * KIB):
            before = f"{self.place}/before"
            subprocess.run(["cp", "-a", self.sparse, before], check=True)
            self.fill(place, bytes(64 * KIB))
            self.assertEqual(self.differences(), [("sparse", "holes")])
            with times_kept(self.b):
                os.rename(before, self.sparse)

    def test_one_block(self):
        self.fill(512 * KIB, bytes(os.stat(self.sparse).st_blksize))
        self.assertEqual(self.differences(), [("sparse", "holes")])

    def test_data_in_a_hole_is_a_difference_of_content_too(self):
        self.fill(512 * KIB + 5, b"data")
        self.assertEqual(self.differences(), [("sparse", "holes"), ("sparse", "content")])

    def test_zeros_that_became_a_hole(self):
        path = f"{self.b}/large"
        with times_kept(path):
            os.truncate(path, 0)
            os.truncate(path, 600 * KIB)
        self.assertEqual(self.differences(), [("large", "holes")])

    def test_only_blocks_explain_a_hole_on_one_side(self):
        explained = compare_trees.explained_by_rounding
        self.assertTrue(explained(4 * KIB, 64 * KIB, 1024 * KIB, 64 * KIB))
        self.assertTrue(explained(100 * KIB, 190 * KIB, 1024 * KIB, 64 * KIB))
        self.assertFalse(explained(64 * KIB, 128 * KIB, 1024 * KIB, 64 * KIB))
        self.assertFalse(explained(4 * KIB, 8 * KIB, 1024 * KIB, 4 * KIB))
        self.assertFalse(explained(8 * KIB, 9 * KIB, 9 * KIB, 4 * KIB))
        self.assertTrue(explained(4 * KIB, 9 * KIB, 9 * KIB, 64 * KIB))

    def test_regions_cover_what_either_side_has(self):
        self.assertEqual(
            list(compare_trees.regions([(0, 4), (8, 12)], [(2, 8), (20, 24)])),
            [(0, 2, True, False), (2, 4, True, True), (4, 8, False, True),
             (8, 12, True, False), (20, 24, False, True)],
        )


class DeepTrees(Trees):
    def deep(self, root, levels, content):
        os.mkdir(root)
        here = os.open(root, os.O_RDONLY)
        for _ in range(levels):
            os.mkdir("level", dir_fd=here)
            below = os.open("level", os.O_RDONLY, dir_fd=here)
            os.utime(below, ns=(NOON_NS, NOON_NS))
            os.close(here)
            here = below
        fd = os.open("end", os.O_CREAT | os.O_WRONLY, dir_fd=here)
        os.write(fd, content)
        os.utime(fd, ns=(NOON_NS, NOON_NS))
        os.close(fd)
        # "sibling" sorts after "level": it is compared when the directory was opened again.
        for above in range(levels + 1):
            if above % 50 == 0:
                os.mkfifo("sibling", dir_fd=here)
                os.utime("sibling", ns=(NOON_NS, NOON_NS), dir_fd=here)
            os.utime(here, ns=(NOON_NS, NOON_NS))
            parent = os.open("..", os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = parent
        os.close(here)

    def test_three_thousand_levels(self):
        self.deep(self.a, 3_000, b"same")
        self.deep(self.b, 3_000, b"sane")
        descriptors = len(os.listdir("/proc/self/fd"))
        comparison = compare_trees.compare(self.a, self.b)
        found = [(os.fsdecode(d.path), d.what) for d in comparison.differences]
        self.assertEqual(found, [("level/" * 3_000 + "end", "content")])
        self.assertEqual(comparison.counts["directory"], 3_001)
        self.assertEqual(comparison.counts["fifo"], 61)
        self.assertEqual(len(os.listdir("/proc/self/fd")), descriptors)

    def test_descriptors_are_limited(self):
        self.deep(self.a, 200, b"same")
        self.deep(self.b, 200, b"same")
        tool = os.path.join(HERE, "compare_trees.py")
        command = 'ulimit -n 120; exec "$@"'
        result = subprocess.run(
            ["sh", "-c", command, "sh", sys.executable, "-B", tool, self.a, self.b], check=False,
            capture_output=True, text=True,
        )
        self.assertEqual((result.returncode, result.stderr), (0, ""))


class AwkwardTrees(Trees):
    def make(self, directory, seed=1, small=True):
        talk = io.StringIO()
        with contextlib.redirect_stderr(talk):
            awkward_tree.make(directory, seed, small)
        return talk.getvalue()

    @unittest.skipUnless(IS_ROOT, "others cannot read files of mode 0000")
    def test_same_seed_gives_equal_trees(self):
        self.make(self.a, small=False)
        self.make(self.b, small=False)
        self.assertEqual(self.texts(), [])

    def test_another_seed_gives_other_content(self):
        only_sizes = {"sizes": awkward_tree.sizes}
        with mock.patch.object(awkward_tree, "SECTIONS", only_sizes):
            self.make(self.a, seed=1)
            self.make(self.b, seed=2)
        self.assertIn(("sizes/1048576", "content"), self.differences())

    @unittest.skipUnless(IS_ROOT, "others cannot copy all of it")
    def test_copy_by_cp_is_equal_but_for_what_cp_changes(self):
        self.make(self.a)
        # cp cannot copy paths that are too long, and makes holes of zeros in sparse files.
        for name in ("deep", "sparse/zeros beside a hole"):
            with times_kept(self.a, f"{self.a}/sparse"):
                os.rename(f"{self.a}/{name}", f"{self.place}/{os.path.basename(name)}")
        subprocess.run(["cp", "-a", self.a, self.b], check=True)
        self.assertEqual(self.texts(), [])

    def test_has_what_it_promises(self):
        self.make(self.a)
        comparison = compare_trees.compare(self.a, self.a)
        for kind in ("file", "directory", "symlink", "fifo", "socket"):
            self.assertGreater(comparison.counts[kind], 0, kind)
        at = lambda name: os.lstat(f"{self.a}/{name}")  # noqa: E731
        self.assertEqual(at("links/file").st_nlink, 4)
        self.assertEqual(at("links/symlink").st_nlink, 4)
        self.assertEqual(at("links/fifo").st_nlink, 4)
        self.assertEqual(at("sparse/islands").st_size, 1024**3)
        self.assertEqual(at("times/1969").st_mtime_ns, -1_500_000_000)
        self.assertEqual(at("modes/directory 0000").st_mode & 0o7777, 0)
        self.assertEqual(at("sizes/2097153").st_size, 2097153)
        self.assertIn(b"new\nline", os.listdir(os.fsencode(self.a) + b"/names"))
        self.assertEqual(len(os.listdir(f"{self.a}/many")), 200)

    @unittest.skipUnless(IS_ROOT and shutil.which("setpriv"), "needs root and setpriv")
    def test_others_than_root_get_a_tree_too(self):
        os.chmod(self.place, 0o777)
        tool = os.path.join(HERE, "awkward_tree.py")
        identity = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
        result = subprocess.run(
            [*identity, "/usr/bin/env", "python3", "-B", tool, self.a, "--small"],
            capture_output=True, text=True, check=False,
        )
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("Not made: the device null", result.stderr)


class CommandLine(Trees):
    def setUp(self):
        super().setUp()
        small_tree(self.a)
        small_tree(self.b)

    def test_equal_trees(self):
        result = run("compare_trees.py", self.a, self.b)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertTrue(result.stdout.startswith("7 files, 3 directories, 1 symlink"))
        self.assertTrue(result.stdout.endswith(": equal\n"))

    def test_different_trees(self):
        os.chmod(f"{self.b}/file", 0o600)
        result = run("compare_trees.py", self.a, self.b)
        self.assertEqual(result.returncode, 1)
        self.assertIn("file: mode: A 0644, B 0600\n", result.stdout)
        self.assertTrue(result.stdout.endswith(": 1 difference\n"))

    def test_json(self):
        os.chmod(f"{self.b}/file", 0o600)
        result = run("compare_trees.py", "--json", self.a, self.b)
        self.assertEqual(result.returncode, 1)
        answer = json.loads(result.stdout)
        self.assertFalse(answer["equal"])
        self.assertEqual(answer["counts"]["file"], 7)
        expected = {"path": "file", "what": "mode", "a": "0644", "b": "0600"}
        self.assertEqual(answer["differences"], [expected])

    def test_wrong_use(self):
        self.assertEqual(run("compare_trees.py", self.a).returncode, 2)
        self.assertEqual(run("compare_trees.py", self.a, f"{self.a}/none").returncode, 2)
        self.assertEqual(run("compare_trees.py", self.a, f"{self.a}/file").returncode, 2)
        self.assertEqual(run("awkward_tree.py", self.a).returncode, 2)
        self.assertEqual(run("awkward_tree.py", f"{self.a}/file").returncode, 2)

    @unittest.skipUnless(IS_ROOT and shutil.which("setpriv"), "needs root and setpriv")
    def test_what_cannot_be_read_is_not_called_equal(self):
        os.chmod(self.place, 0o755)
        for tree in (self.a, self.b):
            os.chmod(f"{tree}/file", 0o000)
        tool = os.path.join(HERE, "compare_trees.py")
        identity = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
        result = subprocess.run(
            [*identity, "/usr/bin/env", "python3", "-B", tool, self.a, self.b],
            capture_output=True, text=True, check=False,
        )
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertIn("file: not compared: A Permission denied", result.stdout)


if __name__ == "__main__":
    unittest.main()
