#!/usr/bin/python3
# SPDX-License-Identifier: EUPL-1.2
"""How long people cannot work while a town moves, or returns: Musterstadt's twin goes from one place
to the next and back, while people work in it, and each of their promises is looked up at the end.

Both places are on this machine and share nothing but the vault. Prints each interruption as the people
saw it, the median, and what is missing or there twice; exit code 1 where anything is.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

import demo as story
from client import Failed  # found through demo
import users


class Moves(story.Demo):

    def move(self, number, source, target):
        """One move; the longest time in which either kind of work did not go, as the users saw it."""
        begun = time.time()
        answer = json.loads(self.run(
            self.program, self.options.by, "--to", story.PLATFORMS[self.kind], "--confirm", story.INSTITUTION, "--vault", self.vault,
            "--passphrase-file", self.passphrase, "--place", self.work / f"twin-{number}", "--json",
            seconds=600, home=target, cwd=self.elsewhere, show=number == 1))
        time.sleep(2)  # so that the users are seen at work again
        outages = users.read(self.user_log)[1]
        seen = [one["end"] - one["begin"] for kind in story.NAMES for one in outages[kind]
                if one["begin"] > begun and "end" in one]
        if not seen:
            raise Failed("No user noticed anything, which cannot be.")
        old = json.loads(self.run(self.program, "running", "--json", seconds=60, home=source, show=False))["running"]
        for one in old:
            self.run(self.program, "stop", one["activation"], "--confirm", story.INSTITUTION, "--delete-data",
                     seconds=120, home=source, show=False)
        self.say(f"  {self.options.by} {number}: {max(seen):.2f} s for the users, {answer['interruption']:.2f} s by its own count,"
                 f" {answer['seconds']:.1f} s in all")
        return max(seen)

    def measure(self):
        self.live()
        self.protect()
        time.sleep(2)
        if self.kind == "podman":
            self.until(lambda: '"images"' in self.run(
                self.program, "snapshots", "--json", seconds=60, home=self.here / "state", cwd=self.here, show=False),
                       "The images were not captured", 300)
        self.destroy()
        self.activate()
        homes = [self.elsewhere / "state", self.work / "other-state"]
        seen = []
        for number in range(1, self.options.moves + 1):
            seen.append(self.move(number, homes[(number - 1) % 2], homes[number % 2]))
        self.count()
        found = story.faults(self.counted)
        missing = {name: self.counted["kinds"][kind]["missing"] for kind, name in story.NAMES.items()}
        self.say(f"\n{len(seen)} times {self.options.by} ({self.kind}): median {statistics.median(seen):.2f} s, longest {max(seen):.2f} s."
                 f" Promises not kept, all of before the disaster: {missing}")
        for fault in found:
            self.say(f"NOT WELL: {fault}")
        return not found

    def end_twins(self):
        super().end_twins()
        home = self.work / "other-state"
        if home.exists():
            for one in json.loads(self.run(self.program, "running", "--json", seconds=60, home=home, show=False))["running"]:
                self.run(self.program, "stop", one["activation"], "--confirm", story.INSTITUTION, "--delete-data",
                         seconds=120, home=home, show=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moves", type=int, default=10)
    parser.add_argument("--by", choices=["move", "return"], default="move")
    parser.add_argument("--platform", choices=["auto", "podman", "process"], default="process")
    parser.add_argument("--program", default=story.TOOLS.parent / ".build-package" / "zwilling")
    parser.add_argument("--dir", default=os.environ.get("TMPDIR", "/var/tmp"))
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    options.people, options.cases, options.megabytes, options.work, options.threads = 500, 200, 20, 2, 1
    moves, code = Moves(options), 1
    try:
        moves.places()
        moves.choose()
        code = 0 if moves.measure() else 1
    except (Failed, OSError, subprocess.SubprocessError) as error:
        moves.say(f"\nIt failed: {error}")
        if moves.last_log and moves.last_log.exists():
            moves.say("".join(f"  {line}" for line in open(moves.last_log, errors="replace").readlines()[-15:]))
    finally:
        if moves.work and not moves.clean_up():
            code = 1
    sys.exit(code)


if __name__ == "__main__":
    main()
