# SPDX-License-Identifier: EUPL-1.2
"""The PostgreSQL cluster of bench_postgres.py, and the programs that copy it or follow its log."""

import contextlib
import glob
import os
import pwd
import re
import shutil
import subprocess
import time

from bench_tools import BenchFailure, Tool, Zwilling, sizes_below

USER = "postgres"
SECONDS_MAX = 600
SETTINGS = """
listen_addresses = ''
unix_socket_directories = '{sockets}'
port = {port}
shared_buffers = {buffers}
max_wal_size = 8GB
checkpoint_timeout = 1h
autovacuum = off
wal_level = replica
logging_collector = off
"""


def server_program(name):
    found = sorted(
        glob.glob(f"/usr/lib/postgresql/*/bin/{name}"),
        key=lambda path: int(path.split("/")[4]))
    path = found[-1] if found else shutil.which(name)
    if not path:
        raise BenchFailure(f"There is no {name} here; tools/setup.sh test installs PostgreSQL.")
    return path


def said(command):
    answer = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    if answer.returncode != 0:
        raise BenchFailure(
            f"{' '.join(command)} ended with {answer.returncode}:\n"
            f"{answer.stdout[-1000:]}{answer.stderr[-1000:]}")
    return answer.stdout.strip()


def as_server(*command):
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return list(command)
    return ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--init-groups", *command]


def wait_until(is_true, what):
    end = time.monotonic() + SECONDS_MAX
    while not is_true():
        if time.monotonic() > end:
            raise BenchFailure(f"Waited {SECONDS_MAX} s in vain: {what}")
        time.sleep(0.1)


class Cluster:
    """A running server, which ends with its context."""

    def __init__(self, data, place, port):
        self.data = data
        self.place = place
        self.sockets = place
        self.port = port

    @classmethod
    @contextlib.contextmanager
    def new(cls, place):
        os.mkdir(place)
        if os.geteuid() == 0:
            user = pwd.getpwnam(USER)
            os.chown(place, user.pw_uid, user.pw_gid)
        cluster = cls(os.path.join(place, "data"), place, 5432)
        said(as_server(
            server_program("initdb"), "-D", cluster.data, "-U", USER, "-A", "trust",
            "--no-sync", "-E", "UTF8", "--locale=C"))
        cluster.configure("postgresql.conf", "1GB")
        with cluster.running():
            yield cluster

    @classmethod
    @contextlib.contextmanager
    def restored(cls, data, original):
        """The same with a data directory that came back, beside the original."""
        cluster = cls(data, original.place, original.port + 1)
        cluster.configure("postgresql.conf", "128MB")
        with cluster.running():
            # It first plays its log, and takes no questions meanwhile.
            wait_until(cluster.is_ready, "the restored cluster does not come up")
            yield cluster

    def configure(self, name, buffers):
        with open(os.path.join(self.data, name), "a", encoding="utf-8") as file:
            file.write(SETTINGS.format(sockets=self.sockets, port=self.port, buffers=buffers))

    @contextlib.contextmanager
    def running(self):
        control = as_server(server_program("pg_ctl"), "-D", self.data, "-w", "-t", "300")
        said([*control, "-l", os.path.join(self.place, f"log.{self.port}"), "start"])
        try:
            yield
        finally:
            said([*control, "-m", "immediate", "stop"])

    @property
    def address(self):
        return ["-h", self.sockets, "-p", str(self.port), "-U", USER]

    def query(self, text):
        return said([
            server_program("psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", *self.address,
            "-c", text, "postgres"])

    def is_ready(self):
        answer = subprocess.run(
            [server_program("pg_isready"), "-q", *self.address], check=False)
        return answer.returncode == 0

    def version(self):
        return said([server_program("postgres"), "--version"])

    @property
    def databases(self):
        """What a backup has to read, without the log."""
        return os.path.join(self.data, "base")

    def size(self):
        return sum(sizes_below(self.databases))

    # Content

    def fill(self, scale, database="postgres"):
        if database != "postgres":
            self.query(f"CREATE DATABASE {database}")
        said([server_program("pgbench"), "-i", "-q", "-s", str(scale), *self.address, database])
        self.query("CHECKPOINT")

    def change(self, scale):
        """The first hundredth of the rows of the largest table."""
        self.query(
            f"UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid <= {scale * 1000}")
        self.query("CHECKPOINT")

    def counts(self):
        return self.query("SELECT count(*), sum(abalance) FROM pgbench_accounts")

    def transactions_per_second(self, seconds, database):
        answer = said([
            server_program("pgbench"), "-n", "-c", "4", "-T", str(seconds), *self.address,
            database])
        found = re.search(r"tps = ([0-9.]+)", answer)
        if not found:
            raise BenchFailure(f"pgbench names no tps:\n{answer[-1000:]}")
        return float(found[1])

    # Log

    def log_bytes(self):
        return int(self.query("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')"))

    def wait_for(self, follower):
        """Until it has all log that there is."""
        end = self.query("SELECT pg_current_wal_flush_lsn()")
        asked = (
            f"SELECT count(*) FROM pg_stat_replication WHERE write_lsn >= '{end}'"
            f" AND application_name = '{follower.name}'")
        wait_until(lambda: self.query(asked) != "0", f"{follower.name} does not catch up")


class Follower:
    """A program that runs until it is told to end."""

    def __init__(self, process):
        self.process = process

    def processor_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def wait_until_calm(self, seconds):
        """Until it has had next to nothing to do for so long."""
        last, since = self.processor_seconds(), time.monotonic()
        end = since + SECONDS_MAX
        while time.monotonic() - since < seconds:
            time.sleep(0.5)
            now = self.processor_seconds()
            # It may look around now and then, and be rounded.
            if now - last > 0.03:
                since = time.monotonic()
            last = now
            if time.monotonic() > end:
                raise BenchFailure(f"It has not come to rest within {SECONDS_MAX} s.")


@contextlib.contextmanager
def following(command, environment, directory, log):
    with open(log, "wb") as output:
        process = subprocess.Popen(
            command, env=environment, cwd=directory, stdin=subprocess.DEVNULL, stdout=output,
            stderr=subprocess.STDOUT)
        try:
            yield Follower(process)
            if process.poll() is not None:
                with open(log, "rb") as file:
                    tail = file.read()[-2000:].decode(errors="replace")
                raise BenchFailure(f"{' '.join(command)} ended by itself:\n{tail}")
        finally:
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class Twin(Zwilling):
    brings_log = True

    def __init__(self, program, place, cluster):
        super().__init__(program, place)
        self.blueprint = os.path.join(place, "institution.yaml")
        with open(self.blueprint, "w", encoding="utf-8") as file:
            file.write(
                "institution: Measured\ndata:\n"
                f"  - {{id: db, kind: postgres, connection: host={cluster.sockets}"
                f" port={cluster.port} user={USER}}}\n")

    def protect(self, is_first):
        return self.run("protect", "--file", self.blueprint)

    def restore(self, target):
        return self.run("restore", "latest", "--data", "db", "--to", target, *self.key())

    def data_below(self, target):
        return os.path.join(target, "pgdata")

    def following(self):
        return following(
            [self.program, "protect", "--continuous", "--file", self.blueprint], self.environment,
            self.place, os.path.join(self.place, "log"))

    def wait_for_base(self):
        def has_base():
            with open(os.path.join(self.place, "log"), encoding="utf-8") as file:
                return "db: captured" in file.read()
        wait_until(has_base, "zwilling takes no base")


class PgBackRest(Tool):
    name = "pgBackRest"
    version_word = "version"
    brings_log = False

    def __init__(self, program, place, cluster):
        self.cluster = cluster
        super().__init__(program, place)

    def variables(self):
        config = os.path.join(self.place, "pgbackrest.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write(
                f"[global]\nrepo1-path={self.repository}\nlog-path={self.place}\n"
                f"lock-path={self.place}/lock\nspool-path={self.place}/spool\n"
                f"log-level-file=off\nlog-level-console=warn\nprocess-max={os.cpu_count()}\n"
                "compress-type=zst\nstart-fast=y\narchive-check=n\narchive-copy=n\n"
                f"[bench]\npg1-path={self.cluster.data}\npg1-user={USER}\n"
                f"pg1-socket-path={self.cluster.sockets}\npg1-port={self.cluster.port}\n")
        return {"PGBACKREST_CONFIG": config, "PGBACKREST_STANZA": "bench"}

    def create(self):
        return self.run("stanza-create")

    def protect(self, is_first):
        return self.run("backup", f"--type={'full' if is_first else 'incr'}")

    def restore(self, target):
        os.mkdir(target)
        return self.run("restore", f"--pg1-path={target}")

    def version(self):
        answer = said([self.program, "version"])
        return answer.splitlines()[0]


class Receivewal:
    name = "pg_receivewal"

    def __init__(self, place, cluster):
        self.place = place
        self.program = server_program(self.name)
        self.cluster = cluster
        os.mkdir(place)
        said([self.program, *self.connection(), "--create-slot"])

    def connection(self):
        return [*self.cluster.address, "--slot=bench"]

    def following(self):
        # What it got before is of no use any more.
        for name in os.listdir(self.place):
            if not name.endswith(".partial"):
                os.unlink(os.path.join(self.place, name))
        return following(
            [self.program, *self.connection(), "-D", self.place, "--status-interval=1"],
            os.environ, self.place, f"{self.place}.log")
