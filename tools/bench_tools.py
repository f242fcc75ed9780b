# SPDX-License-Identifier: EUPL-1.2
"""The three programs that bench.py compares, and how one run of a program is measured."""

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass

PASSPHRASE = "only for measuring"


class BenchFailure(Exception):
    """A program did not do what was to be measured."""


@dataclass(frozen=True)
class Measured:
    seconds: float
    peak_bytes: int  # of the process, or of the largest child that it waited for


def measure(command, environment, directory, log):
    """Run to the end and measure. `log` gets what the program says, and is shown if it fails."""
    os.sync()  # what others have left to be written is not this one's work
    with open(log, "wb") as output:
        begun = time.monotonic()
        process = subprocess.Popen(
            command, env=environment, cwd=directory, stdin=subprocess.DEVNULL, stdout=output,
            stderr=subprocess.STDOUT)
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        seconds = time.monotonic() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        with open(log, "rb") as said:
            tail = said.read()[-2000:].decode(errors="replace")
        raise BenchFailure(f"{' '.join(command)} ended with {process.returncode}:\n{tail}")
    return Measured(seconds, usage.ru_maxrss * 1024)


def sizes_below(place):
    return [
        os.lstat(os.path.join(directory, name)).st_size
        for directory, _, names in os.walk(place) for name in names]


class Tool:
    """One program with one repository in `place`; everything else it keeps lies in there too."""

    name = ""
    version_word = "--version"

    def __init__(self, program, place):
        self.program = program
        self.place = place
        self.repository = os.path.join(place, "repository")
        os.makedirs(place)
        self.environment = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": place, "TMPDIR": place,
            "LANG": "C.UTF-8", **self.variables(),
        }

    def variables(self):
        raise NotImplementedError

    def run(self, *arguments, directory=None):
        return measure(
            [self.program, *arguments], self.environment, directory or self.place,
            os.path.join(self.place, "log"))

    def start(self):
        """What it takes to begin and to end."""
        return self.run(self.version_word)

    def version(self):
        answer = subprocess.run(
            [self.program, self.version_word], capture_output=True, text=True, check=True,
            env=self.environment)
        line = answer.stdout.splitlines()[0].strip()
        return line if line.startswith(self.name) else f"{self.name} {line}"

    def size(self):
        """Bytes and number of the files of the repository."""
        sizes = sizes_below(self.repository)
        return sum(sizes), len(sizes)

    def companions_size(self):
        """Bytes of what is in the repository beside the data, to read it with."""
        return 0

    def remove(self):
        shutil.rmtree(self.place)


class Zwilling(Tool):
    name = "zwilling"

    def variables(self):
        self.passphrase = os.path.join(self.place, "passphrase")
        with open(self.passphrase, "w", encoding="ascii") as file:
            file.write(PASSPHRASE)
        os.chmod(self.passphrase, 0o600)
        return {
            "ZWILLING_HOME": os.path.join(self.place, "state"),
            "ZWILLING_VAULT": self.repository,
        }

    def create(self):
        sheet = os.path.join(self.place, "sheet.html")
        return self.run("vault", "create", self.repository, "--sheet", sheet, *self.key())

    def key(self):
        return "--passphrase-file", self.passphrase

    def protect(self, path, *options):
        return self.run("protect", path, *options)

    def restore(self, target):
        return self.run("restore", "latest", "--to", target, *self.key())

    def verify(self):
        return self.run("verify", "--read-data", *self.key())

    def companions_size(self):
        data = ("packs", "records", "keyring")
        return self.size()[0] - sum(
            sum(sizes_below(os.path.join(self.repository, part))) for part in data)

    def unlock(self):
        """What every command with the passphrase needs at least, for its key derivation."""
        return self.run("snapshots", *self.key())


class Restic(Tool):
    name = "restic"
    version_word = "version"

    def variables(self):
        return {
            "RESTIC_REPOSITORY": self.repository, "RESTIC_PASSWORD": PASSPHRASE,
            "RESTIC_CACHE_DIR": os.path.join(self.place, "cache"),
        }

    def create(self):
        return self.run("init")

    def protect(self, path):
        return self.run("backup", path)

    def restore(self, target):
        return self.run("restore", "latest", "--target", target)

    def verify(self):
        return self.run("check", "--read-data")

    def unlock(self):
        return self.run("snapshots")


class Borg(Tool):
    name = "borg"

    def variables(self):
        self.count = 0
        return {
            "BORG_REPO": self.repository, "BORG_PASSPHRASE": PASSPHRASE,
            "BORG_BASE_DIR": os.path.join(self.place, "base"),
        }

    def create(self):
        return self.run("init", "--encryption", "repokey-blake2")

    def protect(self, path):
        self.count += 1
        return self.run("create", "--compression", "zstd,3", f"::a{self.count}", path)

    def restore(self, target):
        os.makedirs(target)
        return self.run("extract", f"::a{self.count}", directory=target)

    def verify(self):
        return self.run("check", "--verify-data")

    def unlock(self):
        return self.run("list")


def makers(program):
    """(class, program) of every tool that is here."""
    found = [(Zwilling, program)]
    for peer in (Restic, Borg):
        path = shutil.which(peer.name)
        if path:
            found.append((peer, path))
        else:
            print(f"{peer.name} is not here and is left out.", file=sys.stderr)
    return found
