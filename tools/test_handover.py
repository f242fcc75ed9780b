#!/usr/bin/python3
# SPDX-License-Identifier: EUPL-1.2
"""The work goes from the original to its twin, and back, between two networks that share nothing but
the vault: an original that was frozen and woken up reaches no one, `return` names exactly the rows that
it alone has, and nothing that anybody was promised is missing or there twice. Then the program is killed
at random moments of moves (ROUNDS, 2): each resumes, or leaves the work where it was.
"""

import contextlib
import csv
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time
import types
import unittest

import demo as story
import town
import users
from client import Failed

PROGRAM = pathlib.Path(os.environ.get("ZWILLING_PROGRAM", story.TOOLS.parent / ".build" / "release" / "zwilling"))
ROUNDS = int(os.environ.get("ROUNDS", "2"))


def descendants(process):
    found = [process]
    for one in found:
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{one}/task"):
                found += map(int, pathlib.Path(f"/proc/{one}/task/{task}/children").read_text(encoding="ascii").split())
    return found


class Story(story.Demo):
    """A demo of which each command runs in the network that `space` names."""

    space = None

    def __init__(self):
        super().__init__(types.SimpleNamespace(
            people=60, cases=20, megabytes=2, work=2, threads=1, platform="process", program=PROGRAM, keep=False,
            dir=os.environ.get("TMPDIR", "/var/tmp")))
        self.homes = []

    def say(self, text, dim=False):
        pass

    def protect(self):
        """With a data set of two directories that hold the same names."""
        plain, more = story.blueprint, self.town / "more"
        more.mkdir()
        (more / "residents.py").write_text("print()\n")

        def with_two(*arguments):
            path = f"paths: [{self.town}/programs]"
            text = plain(*arguments)
            assert path in text
            return text.replace(path, f"paths: [{self.town}/programs, {more}]")

        story.blueprint = with_two
        try:
            super().protect()
        finally:
            story.blueprint = plain

    def start(self, name, *line, **options):
        inside = ["ip", "netns", "exec", self.space] if self.space else []
        return super().start(name, *inside, *line, **options)

    def zwilling(self, home, *line, seconds=300, codes=(0,)):
        if home not in self.homes:
            self.homes.append(home)
        try:
            return self.run(self.program, *line, seconds=seconds, home=home, cwd=self.elsewhere, codes=codes)
        except Failed as failure:
            raise Failed(f"{failure}\n{self.last_log.read_text(errors='replace')[-2000:]}") from None

    def with_key(self, home, *line, **options):
        return self.zwilling(home, *line, "--vault", self.vault, "--passphrase-file", self.passphrase, **options)

    def work_for(self, seconds, name):
        """Users of their own; what they were promised."""
        log, stop = self.work / f"{name}.log", self.work / f"{name}.stop"
        process = self.start(None, story.PYTHON, story.EXAMPLE / "town.py", "users", *self.addresses, "--log", log,
                             "--stop-file", stop, "--threads", 1)
        time.sleep(seconds)
        stop.touch()
        process.wait(30)
        return {one["id"] for one in users.read(log)[0] if one["kind"] == users.PERSON}

    def people(self, sockets):
        """Those that a register has, each as often as it is there."""
        said = self.run("psql", "-XqAt", "-h", sockets, "-p", town.PORTS["register-db"] + self.shift, "-U", "postgres", "register",
                        "-c", "SELECT id FROM people", seconds=60, show=False)
        return said.split()

    def activations(self, home):
        return json.loads(self.zwilling(home, "running", "--json"))["running"]

    def end_twins(self):
        for home in self.homes:
            for one in self.activations(home):
                self.zwilling(home, "stop", one["activation"], "--confirm", story.INSTITUTION, "--delete-data", "--accept-loss",
                              seconds=120)


@unittest.skipUnless(os.geteuid() == 0, "networks of their own take root here")
class HandoverTest(unittest.TestCase):

    def setUp(self):
        self.story = Story()
        self.spaces = []
        self.addCleanup(self.clean)
        self.story.places()
        self.story.choose()

    def clean(self):
        try:
            self.assertTrue(self.story.clean_up())
        finally:
            for name in self.spaces:
                subprocess.run(["ip", "netns", "delete", name], check=False)

    def space(self, name):
        name = f"zt-{os.getpid()}-{name}"
        subprocess.run(["ip", "netns", "add", name], check=True)
        self.spaces.append(name)
        subprocess.run(["ip", "-n", name, "link", "set", "lo", "up"], check=True)
        return name

    def test_a_frozen_original_reaches_no_one_and_return_lists_what_it_alone_has(self):
        tale = self.story
        here, there = self.space("here"), self.space("there")
        tale.space = here
        tale.live()
        tale.protect()
        tale.stop_file.touch()
        tale.running.pop("users")[0].wait(30)
        time.sleep(1.5)
        # The twin begins at the last moment that all data sets share, so it may not take what came since
        # though its log is in the vault: nobody has deleted that.
        tale.work_for(1, "shortly-before")
        time.sleep(0.6)
        # What is promised now is in no vault; then everything stands still, and the twin takes over.
        capture = tale.running["protect"][0]
        for process in descendants(capture.pid):
            os.kill(process, signal.SIGSTOP)
        alone = tale.work_for(1, "unseen")
        frozen = [one for state in tale.original.state["services"].values() for one in descendants(state["pid"])]
        for process in frozen:
            os.kill(process, signal.SIGSTOP)
        tale.space = there
        home = tale.elsewhere / "state"
        tale.with_key(home, "activate", "--emergency", "--confirm", story.INSTITUTION, "--platform", "reserve-plain",
                      "--to", tale.twin, "--json")
        twins = tale.work_for(2, "twin")
        for process in frozen + descendants(capture.pid):
            os.kill(process, signal.SIGCONT)
        tale.space = here
        alone |= tale.work_for(1, "woken")
        (tale.town / "more" / "late.py").write_text("print()\n")
        # It learns that it was replaced, and ends.
        self.assertEqual(capture.wait(60), 1, tale.running["protect"][1].read_text())
        self.assertIn("another has the work", tale.running.pop("protect")[1].read_text())
        original = tale.people(tale.town / "run" / "register-db")
        twin = tale.people(tale.twin / "run" / "register-db")
        self.assertTrue(alone <= set(original) and not alone & set(twin))

        home, back, versions = tale.here / "state", tale.work / "back", tale.work / "versions"
        server = f"register-db=host={tale.town / 'run' / 'register-db'} port={town.PORTS['register-db'] + tale.shift} user=postgres"
        tale.with_key(home, "return", "--to", "reserve-plain", "--place", back, "--export", versions, "--original", server, codes=(2,))
        listed = {}
        for name in ["only-original", "only-twin"]:
            path, = versions.glob(f"register-db/**/*people*/{name}.csv")
            with open(path, newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
            listed[name] = {row["id"] for row in rows}
            self.assertEqual({row["changed_by"] for row in rows}, {name.removeprefix("only-")})
        self.assertEqual(listed, {"only-original": set(original) - set(twin), "only-twin": set(twin) - set(original)})
        self.assertEqual(sorted(str(path.relative_to(versions)) for path in versions.glob("programs/**/differences.csv")),
                         ["programs/1/differences.csv", "programs/2/differences.csv"])
        with open(versions / "programs" / "2" / "differences.csv", newline="", encoding="utf-8") as file:
            self.assertEqual([row["path"] for row in csv.DictReader(file)], ["late.py"])
        tale.space = there
        twins |= tale.work_for(1, "twin-again")
        tale.space = here
        # While the original's servers run, it is refused; then it goes on where it was.
        said = tale.with_key(home, "return", "--to", "reserve-plain", "--confirm", story.INSTITUTION, "--json", codes=(1,))
        self.assertIn("still runs", said)
        tale.town_py("stop", "--dir", tale.town, seconds=60)
        answer = json.loads(tale.with_key(
            home, "return", "--to", "reserve-plain", "--confirm", story.INSTITUTION, "--json"))
        self.assertLess(answer["interruption"], 10)
        back_again = tale.work_for(1, "returned")
        there_now = tale.people(back / "run" / "register-db")
        self.assertTrue(twins | back_again <= set(there_now) and not alone & set(there_now))
        self.assertEqual(len(there_now), len(set(there_now)))
        self.assertEqual([one.get("standsSince") is None for one in tale.activations(home)], [False])
        twin_home = tale.elsewhere / "state"
        self.assertEqual([one.get("standsSince") is None for one in tale.activations(twin_home)], [True])
        # What is done is done, also where somebody asks for it again.
        tale.space = here
        said = tale.with_key(home, "return", "--to", "reserve-plain", "--confirm", story.INSTITUTION, "--json")
        self.assertEqual(list(json.loads(said)), ["activation"])
        tale.space = there
        # It has given its work away, and takes it once more.
        tale.space = there
        tale.zwilling(twin_home, "stop", "--confirm", story.INSTITUTION, "--delete-data")
        tale.with_key(twin_home, "move", "--to", "reserve-plain", "--place", tale.work / "moved", "--confirm", story.INSTITUTION)
        moved = tale.work_for(1, "moved")
        there_now = tale.people(tale.work / "moved" / "run" / "register-db")
        self.assertTrue(twins | back_again | moved <= set(there_now))
        self.assertEqual(len(there_now), len(set(there_now)))
        tale.space = None

    def test_a_kill_at_any_moment_of_a_move_resumes_or_rolls_back(self):
        tale, chance = self.story, random.Random(int(os.environ.get("SEED", "1")))
        tale.live()
        tale.protect()
        time.sleep(1)
        tale.destroy()
        homes = [tale.elsewhere / "state", tale.work / "other-state"]
        tale.homes = list(homes)
        tale.activate()
        at, outcomes = 0, []
        for number in range(ROUNDS):
            target, place = homes[1 - at], tale.work / f"twin-{number}"
            line = [tale.program, "move", "--to", "reserve-plain", "--confirm", story.INSTITUTION, "--vault", tale.vault,
                    "--passphrase-file", tale.passphrase, "--json"]
            process = tale.start(None, *line, "--place", place, home=target, cwd=tale.elsewhere)
            victim = chance.choice(["taker", "taker", "giver"])
            time.sleep(chance.uniform(0.2, 6))
            if victim == "taker":
                process.kill()
            else:
                subprocess.run(["pkill", "-KILL", "-f", "zwilling guard --activation"], check=False)
            process.wait(120)
            for _ in range(4):
                if process.returncode == 0:
                    break
                process = tale.start(None, *line, "--place", place, home=target, cwd=tale.elsewhere)
                process.wait(200)
            self.assertEqual(process.returncode, 0, f"round {number}, {victim}: {tale.last_log.read_text()}")
            outcomes.append(victim)
            left = [one for home in homes for one in tale.activations(home) if one.get("standsSince")]
            self.assertEqual(len(left), 1, f"round {number}, {victim}: {left}")
            for one in tale.activations(homes[at]):
                tale.zwilling(homes[at], "stop", one["activation"], "--confirm", story.INSTITUTION, "--delete-data", seconds=120)
            at = 1 - at
        tale.count()
        self.assertEqual(story.faults(tale.counted), [], outcomes)


if __name__ == "__main__":
    unittest.main(failfast=True)
