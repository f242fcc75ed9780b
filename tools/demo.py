#!/usr/bin/python3
# SPDX-License-Identifier: EUPL-1.2
"""A town loses everything while people work in it, and its twin goes on: Musterstadt runs for real on
this machine, is protected and rehearsed, destroyed under load, and activated from vault and passphrase.

Whatever it makes is removed at the end, also after Ctrl-C. Exit code 1 when a service did not come back
or more was lost than the blueprint allows.
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
TOOLS = pathlib.Path(__file__).resolve().parent
EXAMPLE = TOOLS.parent / "Examples" / "musterstadt"
sys.path.insert(0, str(EXAMPLE))

import town  # noqa: E402  (found through the line above)
import users  # noqa: E402
from client import Failed  # noqa: E402

PYTHON = "/usr/bin/python3"
INSTITUTION = "Stadt Musterstadt"
PASSPHRASE = "demo: seven twins on one bench"
PLATFORMS = {"podman": "reserve", "process": "reserve-plain"}
WORDS = {"podman": "containers of Podman", "process": "plain processes"}
# Seconds of work that may be lost: the `rpo` of the databases, and of the documents without which no
# case comes back.
ALLOWED = {users.PERSON: 1, users.CASE: 60}
NAMES = {users.PERSON: "people", users.CASE: "cases"}
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


class Interrupted(BaseException):
    """Ctrl-C, or its like."""


# MARK: What can be tested without a town

def blueprint(text, directory, vault, shift, platform):
    """The blueprint of the example, for a town that lies elsewhere."""
    text = text.replace("/srv/musterstadt", str(directory)).replace("/mnt/backup/vault", str(vault))
    text = re.sub(r"\b(5431[12]|808[123])\b", lambda port: str(int(port[1]) + shift), text)
    if platform == "process":  # there are no images, and nobody to run them
        text = re.sub(r"(?m)^ *image: .*\n|^ *- \{id: reserve, .*\n", "", text)
        text = re.sub(r'image: "[^"]*", ', "", text).replace("[reserve, reserve-plain]", "[reserve-plain]")
    return text


def faults(counted):
    """What went worse than the blueprint allows, by the answer of `town.py count`."""
    found = []
    for kind, name in NAMES.items():
        one = counted["kinds"][kind]
        if one["lost_seconds"] > ALLOWED[kind]:
            found.append(f"{name} of {one['lost_seconds']} s are missing; {ALLOWED[kind]} s are allowed.")
        if not one["outages"] or "end" not in one["outages"][-1]:
            found.append(f"The work with {name} did not go on.")
    for key, what in {"people_different": "people are not as they were registered",
                      "cases_document_missing": "cases are there without their document",
                      "cases_document_different": "cases have another document"}.items():
        if counted[key]:
            found.append(f"{len(counted[key])} {what}, such as {counted[key][0]}.")
    return found


def rows(steps, begin, destroyed, outages):
    """What happened when, for `chart`: seconds since the disaster.

    `steps` are those of the activation, which began at `begin`."""
    members = {}
    for step in steps:
        if step["kind"] != "served":
            members.setdefault(step["what"], {"bytes": step["bytes"]})[step["kind"]] = (
                begin + step["at"] - step["seconds"], begin + step["at"])
    made = [("the original", [(0, destroyed, "x")])]
    for name, member in members.items():
        if "stands" not in member and member["bytes"] < 1_000_000:
            continue
        bars = []
        if "brought" in member:
            bars.append((*member["brought"], "="))
        if "stands" in member:
            stands = member["stands"][1]
            bars += [(member.get("started", member["stands"])[0], stands, "-"), (stands, None, "#")]
        made.append((name, bars))
    for kind, seconds in outages.items():
        made.append((f"users: {NAMES[kind]}", [(0, seconds, "."), (seconds, None, "#")]))
    return made


def chart(lines, end, width=54):
    """Bars as text; those without an end go on to the right."""
    label = max(len(name) for name, _ in lines) + 2
    step = next(step for step in [1, 2, 5, 10, 20, 30, 60, 120, 300, 600] if end / step <= 9)
    scale = width / end
    axis = [" "] * (width + 6)
    for tick in range(0, int(end) + 1, step):
        place = round(tick * scale)
        axis[place:place + len(str(tick))] = str(tick)
    drawn = [" " * label + "".join(axis).rstrip() + " s"]
    for name, bars in lines:
        cells = [" "] * width
        for begin, until, mark in bars:
            first = min(int(begin * scale), width - 1)
            last = width if until is None else max(round(until * scale), first + 1)
            cells[first:last] = mark * (min(last, width) - first)
        drawn.append(f"{name:{label}}{''.join(cells)}".rstrip())
    return drawn


def period(seconds):
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"


# MARK: The story

class Demo:

    def __init__(self, options):
        self.options = options
        self.program = pathlib.Path(options.program).resolve()
        self.tty = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self.environment = {name: value for name, value in os.environ.items()
                            if not name.startswith(("ZWILLING_", "LC_", "LANG"))}
        self.environment |= {"LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
        self.running = {}
        self.times = []
        self.work = self.images_before = self.last_log = None

    def places(self):
        """Three places that have nothing in common but this machine."""
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="zwilling-demo.", dir=self.options.dir)).resolve()
        if not re.fullmatch(r"[\w./-]+", str(self.work)):
            raise Failed(f"{self.work} has characters that do not suit a blueprint; choose another --dir.")
        self.work.chmod(0o755)  # the town's servers are other users
        self.here, self.site, self.elsewhere, self.logs = [
            self.work / name for name in ["here", "site", "elsewhere", "logs"]]
        temporary = self.work / "tmp"  # what Podman leaves when it is interrupted
        for place in [self.here, self.site, self.elsewhere, self.logs, temporary]:
            place.mkdir()
        self.environment["TMPDIR"] = str(temporary)
        self.town, self.vault, self.twin = self.here / "town", self.site / "vault", self.elsewhere / "twin"
        self.user_log, self.stop_file = self.work / "users.log", self.work / "users.stop"
        self.passphrase = self.work / "passphrase"
        self.passphrase.touch(0o600)
        self.passphrase.write_text(PASSPHRASE + "\n")
        free = shutil.disk_usage(self.work).free // 1_000_000
        needed = 5 * self.options.megabytes + 2_000
        if free < needed:
            raise Failed(f"{self.options.dir} has {free} MB left, and {needed} are needed: --dir, or --small.")

    # MARK: Commands

    def shown(self, line):
        text = shlex.join(map(str, line)).replace(str(self.program), "zwilling")
        text = text.replace(f"{PYTHON} {EXAMPLE}/", "").replace(f"{PYTHON} {TOOLS}/", "")
        return text.replace(f"{self.work}/", "")

    def run(self, *line, seconds, home=None, cwd=None, show=True, codes=(0,)):
        """What a command prints; what else it says goes into a log, which is shown if it fails."""
        process = self.start(None, *line, home=home, cwd=cwd, show=show, stdout=subprocess.PIPE)
        try:
            output, _ = process.communicate(timeout=seconds)
        except BaseException as error:
            self.end(process)
            if isinstance(error, subprocess.TimeoutExpired):
                raise Failed(f"{self.shown(line[:2])} did not end within {seconds} s.") from None
            raise
        if process.returncode not in codes:
            with open(self.last_log, "a", encoding="utf-8") as log:
                log.write(output)
            raise Failed(f"{self.shown(line[:2])} failed (exit code {process.returncode}).")
        return output

    def start(self, name, *line, home=None, cwd=None, show=True, stdout=None):
        """Starts a command in a group of its own, so that Ctrl-C reaches nobody but this program."""
        if show:
            self.say(f"  $ {self.shown(line)}{' &' if name else ''}", dim=True)
        environment = self.environment | ({"ZWILLING_HOME": str(home)} if home else {})
        self.last_log = self.logs / f"{len(list(self.logs.iterdir())):02}.log"
        with open(self.last_log, "wb") as log:
            process = subprocess.Popen(
                list(map(str, line)), stdin=subprocess.DEVNULL, stdout=stdout or log, stderr=log,
                env=environment, cwd=cwd or self.work, start_new_session=True, text=True)
        if name:
            self.running[name] = process, self.last_log
        return process

    def end(self, process, patience=60):
        """Asks it to end, then makes it."""
        for number, seconds in [(signal.SIGTERM, patience), (signal.SIGKILL, 10)]:
            if process.poll() is not None:
                break
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(seconds)

    def alive(self):
        for name, (process, log) in self.running.items():
            if process.poll() is not None:
                self.last_log = log
                raise Failed(f"{name} ended by itself (exit code {process.returncode}).")

    def until(self, question, what, seconds):
        end = time.monotonic() + seconds
        while not question():
            self.alive()
            if time.monotonic() > end:
                raise Failed(f"{what} within {seconds} s.")
            time.sleep(0.2)

    def say(self, text, dim=False):
        try:
            print(f"\x1b[2m{text}\x1b[0m" if dim and self.tty else text, flush=True)
        except BrokenPipeError:  # nobody listens any more, such as `head`
            sys.stdout = open(os.devnull, "w", encoding="utf-8")
            os.kill(os.getpid(), signal.SIGTERM)

    @contextlib.contextmanager
    def step(self, title, timed=True):
        self.say(f"\n\x1b[1m{title}\x1b[0m" if self.tty else f"\n== {title} ==")
        began = time.monotonic()
        yield
        if timed:
            self.times.append((title, time.monotonic() - began))

    # MARK: Steps

    def choose(self):
        """Whether containers can run here, and ports that nobody has."""
        wanted = self.options.platform
        if wanted == "auto" and os.geteuid() != 0:
            self.say("No containers: they need root here.")
            wanted = "process"
        if wanted != "process":
            try:
                said = self.run(TOOLS / "containers.sh", self.work / "containers.conf", seconds=600, show=False)
                for name, value in re.findall(r"export (\w+)=(.*)", said):
                    self.environment[name] = os.environ[name] = shlex.split(value)[0]
                self.images_before = self.images()
            except Failed as failure:
                if wanted == "podman":
                    raise
                self.say(f"No containers: {failure}")
                wanted = "process"
        self.wanted = wanted
        self.shift = next((shift for shift in range(0, 5_000, 100)
                           if all(map(is_free, (port + shift for port in town.PORTS.values())))), None)
        if self.shift is None:
            raise Failed("No ports are free for a town.")

    def images(self):
        return {image for image in [town.APPLICATION_IMAGE, town.POSTGRES_IMAGE, town.BASE_IMAGE]
                if subprocess.run(["podman", "image", "exists", image], timeout=60).returncode == 0}

    def town_py(self, command, *arguments, seconds, **options):
        return self.run(PYTHON, EXAMPLE / "town.py", command, *arguments, seconds=seconds, **options)

    def live(self):
        size = self.options
        self.town_py("start", "--dir", self.town, "--platform", self.wanted, "--shift", self.shift, seconds=900)
        for reason in re.findall(r"no containers: (.*)", self.last_log.read_text(errors="replace")):
            self.say(f"No containers: {reason}")
        self.original = town.Town.existing(self.town)
        self.kind = self.original.platform.kind
        self.town_py("fill", "--dir", self.town, "--people", size.people, "--cases", size.cases,
                     "--megabytes", size.megabytes, "--log", self.user_log, seconds=900)
        self.addresses = ["--register", self.original.url("residents"), "--cases", self.original.url("cases")]
        self.start("users", PYTHON, EXAMPLE / "town.py", "users", *self.addresses, "--log", self.user_log,
                   "--stop-file", self.stop_file, "--threads", size.threads)
        self.say(f"It runs as {WORDS[self.kind]}: two databases, a document store, two applications.")
        self.say("People work in it from now on, and note each promise that they are given.")

    def protect(self):
        home = self.here / "state"
        for name in ["people.csv", "registration.bpmn"]:
            shutil.copy(EXAMPLE / name, self.here)
        (self.here / "institution.yaml").write_text(blueprint(
            (EXAMPLE / "institution.yaml").read_text(), self.town, self.vault, self.shift, self.kind))
        self.run(self.program, "check", seconds=60, home=home, cwd=self.here)
        self.run(self.program, "vault", "create", self.vault, "--sheet", self.work / "sheet.html",
                 "--passphrase-file", self.passphrase, seconds=60, home=home)
        self.start("protect", self.program, "protect", "--continuous", home=home, cwd=self.here)

        def protected():
            answer = json.loads(self.run(self.program, "status", "--json", seconds=60, home=home, cwd=self.here,
                                         show=False, codes=range(4)) or "{}")
            sets = answer.get("dataSets", [])
            return sets and all(one["state"] == "in-time" for one in sets) and (
                self.kind == "process" or "images" in answer)

        self.until(protected, "Not everything was protected", 600)
        size = sum(file.stat().st_size for file in self.vault.rglob("*") if file.is_file())
        self.say(f"All of it is in the vault, {size // 1_000_000} MB; from now on the databases to the second,"
                 " documents every minute.")

    def standing(self):
        """By what a change to the original would show."""
        services = self.original.state["services"]
        if self.kind == "podman":
            names = [state["container"] for state in services.values()]
            servers = town.run("podman", "inspect", "--format={{.Id}} {{.State.StartedAt}}", *names)
        else:
            servers = [self.original.platform.running(state) for state in services.values()]
        return servers, [self.original.platform.psql(
            cluster, "postgres", "SELECT slot_name FROM pg_replication_slots WHERE NOT temporary ORDER BY 1")
            for cluster in town.CLUSTERS]

    def drill(self):
        own = [] if os.geteuid() == 0 else ["--user", "--map-current-user", "--keep-caps"]
        if subprocess.run(["unshare", *own, "--net", "ip", "link", "set", "lo", "up"],
                          capture_output=True, timeout=60).returncode:
            self.say("No drill: this user can make no network of its own here. As root it goes.")
            return
        before, writes_before = self.standing(), len(users.read(self.user_log)[0])
        report = json.loads(self.run(
            self.program, "drill", "--vault", self.vault, "--platform", PLATFORMS[self.kind],
            "--passphrase-file", self.passphrase, "--to", self.work / "rehearsal", "--json",
            seconds=600, home=self.work / "rehearsal-state", codes=(0, 1)))
        found = [fault["english"] for fault in report["faults"]
                 + [fault for one in report["services"] for fault in one["faults"]]]
        if found or any("fault" in trial for trial in report["trials"]):
            raise Failed("\n  ".join(["The drill did not pass.", *dict.fromkeys(found)]))
        self.say(f"The town came up a second time, in a network that leads nowhere: {len(report['services'])} services"
                 f" went on, the last after {period(report['standsAfter'])}; {len(report['trials'])} trials passed.")
        writes, outages = users.read(self.user_log)
        left = [name for kind in ["ps -a", "network ls", "volume ls"] for name in self.podman_names(kind)
                if report["id"] in name] + [str(path) for path in self.work.glob("rehearsal")]
        if self.standing() != before or any(outages.values()) or report["traces"] or left:
            raise Failed(f"The drill touched the original, or left something: {outages} {report['traces']} {left}")
        self.say(f"Meanwhile the original gave {len(writes) - writes_before} more promises and refused none;"
                 " the same servers run as before, and nothing of the drill is left.")

    def podman_names(self, kind):
        if self.kind != "podman":
            return []
        what = "Names" if kind == "ps -a" else "Name"
        return town.run("podman", *kind.split(), f"--format={{{{.{what}}}}}").split()

    def wait(self):
        self.say(f"For {self.options.work} s. Documents are captured once a minute, so the disaster finds some that are not.")
        end = time.monotonic() + self.options.work
        self.until(lambda: time.monotonic() > end, "", self.options.work + 60)

    def destroy(self):
        protect, _ = self.running.pop("protect")
        self.burnt = time.time()
        self.town_py("destroy", "--dir", self.town, "--also", protect.pid, seconds=120)
        protect.wait(10)
        shutil.rmtree(self.here)
        if self.kind == "podman" and self.images() - {town.BASE_IMAGE}:
            raise Failed("Another town uses the images on this machine, so that they could not be destroyed.")
        self.gone = time.time()
        also = ", its images" if self.kind == "podman" else ""
        self.say(f"All servers were killed at work; data, programs, passwords{also}, the blueprint and Zwilling's"
                 " own keys were deleted. The users keep trying.")

    def activate(self):
        answer = json.loads(self.run(
            self.program, "activate", "--emergency", "--confirm", INSTITUTION, "--vault", self.vault,
            "--platform", PLATFORMS[self.kind], "--passphrase-file", self.passphrase, "--to", self.twin, "--json",
            seconds=900, home=self.elsewhere / "state", cwd=self.elsewhere, codes=(0, 3)))
        self.activated = time.time()
        self.answer = answer

        def back():
            outages = users.read(self.user_log)[1]
            return all(outages[kind] and "end" in outages[kind][-1] for kind in NAMES)

        self.until(back, "The users could not go on", 60)
        self.say(f"All of it stands {period(answer['seconds'])} after vault and passphrase were at hand;"
                 " the users work on, at the same addresses.")

    def come_back(self):
        """To a new machine of the town, while people go on working in the twin."""
        time.sleep(min(self.options.work, 5))  # of work in the twin
        self.here.mkdir()
        outages = {kind: len(users.read(self.user_log)[1][kind]) for kind in NAMES}
        answer = json.loads(self.run(
            self.program, "return", "--to", PLATFORMS[self.kind], "--confirm", INSTITUTION, "--vault", self.vault,
            "--passphrase-file", self.passphrase, "--place", self.here / "returned", "--json", seconds=900,
            home=self.here / "state", cwd=self.here))

        def seen():
            now = users.read(self.user_log)[1]
            return {kind: now[kind][number:] for kind, number in outages.items()}

        self.until(lambda: all(one and "end" in one[-1] for one in seen().values()), "The users could not go on", 60)
        self.waited = max(one["end"] - one["begin"] for all_ in seen().values() for one in all_)
        self.say(f"The town has its work back {period(answer['seconds'])} after it was called for; people had to wait"
                 f" {period(self.waited)}, and the twin has ended by itself.")

    def count(self):
        time.sleep(min(self.options.work, 5))  # of work in the town
        self.stop_file.touch()
        process, _ = self.running.pop("users")
        process.wait(30)
        self.counted = json.loads(self.town_py("count", *self.addresses, "--log", self.user_log, seconds=900))
        self.say(f"{self.counted['acknowledged']} promises were looked up, each case with its document.")

    def read_twice(self):
        """The documents, byte for byte, by two programs that share no code."""
        options = ["--passphrase-file", self.passphrase]
        first, second = self.work / "first", self.work / "second"
        done = json.loads(self.run(
            self.program, "restore", "latest", "--data", "documents", "--vault", self.vault, "--to", first, "--json",
            *options, seconds=900, home=self.elsewhere / "state", codes=(0, 3)))
        self.run(PYTHON, "-B", self.vault / "rescue.py", self.vault, "--snapshot", done["snapshot"][:12], "--to", second,
                 *options, seconds=1_800, codes=(0, 3))
        trees = [f"{tree}{self.town}/data/documents" for tree in [first, second]]
        self.say(self.run(PYTHON, TOOLS / "compare_trees.py", *trees, seconds=900, show=False).strip())

    def leave(self):
        for home in [self.elsewhere / "state", self.here / "state"]:
            self.run(self.program, "stop", "--confirm", INSTITUTION, "--delete-data", seconds=120, home=home)

    # MARK: Report

    def report(self):
        size = self.options
        # The disaster's, and not what came when the work went back.
        outages = {kind: max(self.counted["kinds"][kind]["outages"], key=lambda one: one.get("end", 1e12) - one["begin"])
                   for kind in NAMES}
        began = min(outage["begin"] for outage in outages.values())
        ends = {kind: outage["end"] - began for kind, outage in outages.items()}
        begin = self.activated - self.answer["seconds"] - began
        end = max(*ends.values(), self.activated - began) * 1.08
        self.say(f"{size.people} people, {size.cases} cases, {size.megabytes} MB of documents;"
                 f" original and twin as {WORDS[self.kind]}\n")
        for title, seconds in self.times:
            self.say(f"  {title:44}{period(seconds):>8}")
        self.say("\nSeconds since the disaster:\n")
        for line in chart(rows(self.answer["steps"], begin, self.gone - began, ends), end):
            self.say(f"  {line}")
        self.say("\n  x destroyed   = brought back   - starting   # at work   . users are refused\n")
        for one in self.answer["services"]:
            self.say(f"  {one['service']:24}went on after {period(begin + one['standsAfter']):>7}")
        self.say("")
        for kind, name in NAMES.items():
            one = self.counted["kinds"][kind]
            self.say(f"  {name:7}{one['acknowledged']:7} promised {one['missing']:6} missing:"
                     f" the last {period(one['lost_seconds'])} before the disaster, {ALLOWED[kind]} s allowed")
        gone = self.gone - began
        self.say(f"\n  Destroyed -> serving again: {period(max(ends.values()))} after the first refused user,"
                 f" {period(max(ends.values()) - gone)} after the last of the original was gone")
        self.say(f"  Back again, from twin to town:   people had to wait {period(self.waited)}")
        found = faults(self.counted)
        for fault in found:
            self.say(f"  NOT WELL: {fault}")
        if not found:
            self.say("  Every other promise was kept, and every case has its document.")
        return not found

    def next(self):
        self.say("""What to try next, with data of your own:
  make package                               a .deb and a .tar.gz in dist/ to install
  zwilling vault create /mnt/DISK/vault      asks for a passphrase
  zwilling protect ~/Documents               again and again
  zwilling init --template gemeinde          describe your institution; zwilling check says what is missing
  zwilling protect --continuous              all that it names; zwilling status: how old each copy is
  zwilling drill                             rehearse, as often as you like
  zwilling move --to PLATFORM                the running work, to this machine, within seconds
  docs/operations.md                         the first vault, timers, checks, the crisis""")

    def tell(self):
        with self.step("1 The town works"):
            self.live()
        with self.step("2 It is protected"):
            self.protect()
        with self.step("3 A drill, beside the users at work"):
            self.drill()
        with self.step("4 The town goes on working"):
            self.wait()
        with self.step("5 Everything is destroyed, under load"):
            self.destroy()
        with self.step("6 The twin, from vault and passphrase alone"):
            self.activate()
        with self.step("7 The town takes its work back, while people work"):
            self.come_back()
        with self.step("8 What was promised, and what is there"):
            self.count()
        with self.step("9 Two readers, the same bytes"):
            self.read_twice()
        with self.step("10 Twin and town are ended"):
            self.leave()
        with self.step("Report", timed=False):
            return self.report()

    # MARK: The end

    def clean_up(self):
        """Ends and removes whatever is there, however far the story came; true if all of it went."""
        for process, _ in self.running.values():
            self.end(process)
        well = True
        for part in [self.end_twins, self.end_town, self.remove_images, self.remove_files]:
            try:
                part()
            except (Failed, OSError, subprocess.SubprocessError, ValueError) as error:
                self.say(f"Something is left of {self.work}: {error}")
                well = False
        return well

    def end_twins(self):
        for home in [self.elsewhere / "state", self.here / "state", self.work / "rehearsal-state"]:
            if home.exists():
                answer = json.loads(self.run(self.program, "running", "--json", seconds=60, home=home, show=False))
                for one in answer["running"]:
                    self.run(self.program, "stop", one["activation"], "--confirm", INSTITUTION, "--delete-data",
                             seconds=120, home=home, show=False)

    def end_town(self):
        if (self.town / "town.json").exists():
            self.town_py("destroy", "--dir", self.town, seconds=120, show=False)

    def remove_images(self):
        """All but the base, which town.py keeps in ~/.cache/musterstadt, since it takes a network."""
        if self.images_before is not None:
            for image in self.images() - self.images_before:
                subprocess.run(["podman", "rmi", image], capture_output=True, timeout=60)

    def remove_files(self):
        if self.options.keep:
            self.say(f"\nVault, passphrase and logs are kept in {self.work}")
        else:
            shutil.rmtree(self.work)


def is_free(port):
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(("", port))
            return True
        except OSError:
            return False


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="500 people, 200 cases, 20 MB, and little work")
    parser.add_argument("--people", type=int)
    parser.add_argument("--cases", type=int)
    parser.add_argument("--megabytes", type=int, help="of documents")
    parser.add_argument("--work", type=int, metavar="SECONDS", help="how long the town works before the disaster")
    parser.add_argument("--platform", choices=["auto", "podman", "process"], default="auto")
    parser.add_argument("--program", default=TOOLS.parent / ".build-package" / "zwilling")
    parser.add_argument("--dir", default=os.environ.get("TMPDIR", "/var/tmp"), help="where there is room (%(default)s)")
    parser.add_argument("--keep", action="store_true", help="keep vault, passphrase and logs")
    options = parser.parse_args()
    options.threads = 1 if options.small else 2
    usual = (500, 200, 20, 2) if options.small else (10_000, 5_000, 1_000, 75)
    for name, value in zip(["people", "cases", "megabytes", "work"], usual):
        if getattr(options, name) is None:
            setattr(options, name, value)

    def interrupt(number, _):
        raise Interrupted(number)

    for number in SIGNALS:
        signal.signal(number, interrupt)
    demo = Demo(options)
    code = 1
    try:
        demo.places()
        demo.choose()
        code = 0 if demo.tell() else 1
    except Interrupted as error:
        code = 128 + error.args[0]
        demo.say("\nInterrupted.")
    except (Failed, OSError, subprocess.SubprocessError) as error:
        demo.say(f"\nThe demo failed: {error}")
        if demo.last_log and demo.last_log.exists():
            demo.say("".join(f"  {line}" for line in open(demo.last_log, errors="replace").readlines()[-15:]))
    finally:
        for number in SIGNALS:  # not SIG_IGN, which the programs started from here would inherit
            signal.signal(number, lambda *_: None)
        if demo.work and not demo.clean_up():
            code = code or 1
    if code == 0:
        with demo.step("All that it made is gone" if not options.keep else "The town is gone", timed=False):
            demo.next()
    sys.exit(code)


if __name__ == "__main__":
    main()
