#!/usr/bin/env python3
# SPDX-License-Identifier: EUPL-1.2
"""Tests of the demo: its report, a small town as processes and as containers, and what Ctrl-C leaves.

Run with `python3 tools/test_demo.py`. The program is .build/release/zwilling, or that of ZWILLING_PROGRAM.
"""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import demo  # noqa: E402  (found through the line above)

PROGRAM = pathlib.Path(os.environ.get("ZWILLING_PROGRAM", HERE.parent / ".build" / "release" / "zwilling"))
IS_THERE = PROGRAM.exists() or "CI" in os.environ
CONTAINERS = os.geteuid() == 0 and shutil.which("podman") and shutil.which("debootstrap")


def counted(**lost):
    """An answer of `town.py count` in which all is well, but for what is said."""
    kinds = {kind: {"acknowledged": 9, "missing": 0, "lost_seconds": lost.get(kind, 0),
                    "outages": [{"begin": 1, "end": 2, "seconds": 1}]} for kind in demo.NAMES}
    return {"kinds": kinds, "people_different": [], "cases_document_missing": [], "cases_document_different": []}


class Verdict(unittest.TestCase):
    def test_within_what_is_allowed(self):
        self.assertEqual(demo.faults(counted(person=1.0, case=60)), [])

    def test_beyond(self):
        self.assertEqual(demo.faults(counted(person=1.2)), ["people of 1.2 s are missing; 1 s are allowed."])
        self.assertEqual(len(demo.faults(counted(person=1.2, case=61))), 2)

    def test_work_that_did_not_go_on(self):
        answer = counted()
        del answer["kinds"]["case"]["outages"][0]["end"]
        answer["kinds"]["person"]["outages"] = []
        self.assertEqual(len(demo.faults(answer)), 2)

    def test_documents(self):
        for key in ["people_different", "cases_document_missing", "cases_document_different"]:
            found = demo.faults(counted() | {key: ["one"]})
            self.assertEqual(len(found), 1)
            self.assertTrue(found[0].endswith("such as one."), found)


class Blueprint(unittest.TestCase):
    text = (demo.EXAMPLE / "institution.yaml").read_text()

    def test_moves_to_another_place_and_other_ports(self):
        made = demo.blueprint(self.text, "/var/tmp/x/town", "/var/tmp/x/vault", 200, "podman")
        for old in ["/srv/musterstadt", "/mnt/backup", "54311", "54312", "8081", "8082", "8083"]:
            self.assertNotIn(old, made)
        self.assertIn("connection: host=/var/tmp/x/town/run/register-db port=54511 user=zwilling", made)
        self.assertIn("image:", made)
        self.assertEqual(demo.blueprint(self.text, "/srv/musterstadt", "/mnt/backup/vault", 0, "podman"), self.text)

    def test_processes_have_no_images(self):
        made = demo.blueprint(self.text, "/t", "/v", 0, "process")
        self.assertNotIn("image", made)
        self.assertNotIn("podman", made)
        self.assertIn("server: {port: 54311}", made)
        self.assertIn("platforms: [reserve-plain]", made)


class Timeline(unittest.TestCase):
    def test_bars(self):
        steps = [
            {"kind": "brought", "what": "db", "at": 2, "seconds": 1, "bytes": 5_000_000},
            {"kind": "started", "what": "db", "at": 2, "seconds": 0, "bytes": 0},
            {"kind": "brought", "what": "password", "at": 2, "seconds": 0.1, "bytes": 33},
            {"kind": "stands", "what": "db", "at": 3, "seconds": 0.5, "bytes": 0},
            {"kind": "served", "what": "Town", "at": 3, "seconds": 0, "bytes": 0},
        ]
        lines = demo.rows(steps, 1, 1, {"person": 5, "case": 6})
        self.assertEqual([name for name, _ in lines], ["the original", "db", "users: people", "users: cases"])
        self.assertEqual(demo.chart(lines, 8, width=16), [
            "               0 1 2 3 4 5 6 7 8 s",
            "the original   xx",
            "db                 ==--########",
            "users: people  ..........######",
            "users: cases   ............####",
        ])

    def test_whatever_is_short_shows(self):
        self.assertEqual(demo.chart([("a", [(0, 0.001, "x"), (900, 900, "=")])], 900, width=10)[1],
                         "a  x        =")


@unittest.skipUnless(IS_THERE, "there is no program yet")
class Town(unittest.TestCase):
    def setUp(self):
        self.place = tempfile.mkdtemp(prefix="demo-", dir="/var/tmp")
        os.chmod(self.place, 0o755)
        self.addCleanup(shutil.rmtree, self.place)
        self.command = ["/usr/bin/python3", str(HERE / "demo.py"), "--small", "--program", str(PROGRAM),
                        "--dir", self.place]

    def assert_nothing_is_left(self):
        self.assertEqual(os.listdir(self.place), [])
        found = subprocess.run(["pgrep", "-a", "-f", self.place], capture_output=True, text=True)
        self.assertEqual(found.stdout, "")

    def play(self, platform):
        done = subprocess.run([*self.command, "--platform", platform], capture_output=True, text=True, timeout=600)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"people +\d+ promised +\d+ missing")
        self.assertIn(": equal", done.stdout)
        self.assert_nothing_is_left()
        return done.stdout

    def test_as_processes(self):
        self.assertIn("as plain processes", self.play("process"))

    # A fresh machine would install a whole Debian for it; containers have tests of their own.
    @unittest.skipIf(os.environ.get("CI"), "takes long where its image must be built first")
    @unittest.skipUnless(CONTAINERS, "needs root, Podman and debootstrap")
    def test_as_containers(self):
        said = self.play("auto")
        for line in said.splitlines():
            if line.startswith("No containers"):
                self.skipTest(line)
        self.assertIn("as containers of Podman", said)

    def test_interrupted(self):
        tiny = ["--platform", "process", "--people", "50", "--cases", "10", "--megabytes", "1", "--work", "0"]
        for title in ["== 3", "== 6"]:
            process = subprocess.Popen([*self.command, *tiny], stdout=subprocess.PIPE, text=True)
            said = ""
            for line in process.stdout:
                said += line
                if line.startswith(title):
                    time.sleep(1)
                    process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(60), 130, said)
            process.stdout.close()
            self.assertRegex(said, re.compile(f"^{title}", re.M))
            self.assert_nothing_is_left()


if __name__ == "__main__":
    unittest.main()
