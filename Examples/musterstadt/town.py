#!/usr/bin/python3
# SPDX-License-Identifier: EUPL-1.2
"""Runs the original town of Musterstadt on one machine, fills it, sends users to work in it, counts
what they were promised, and destroys it. It knows nothing of Zwilling.

Needs Debian's python3-psycopg2; as containers root, Podman and debootstrap; as processes postgresql-15.
"""

import argparse
import concurrent.futures
import hashlib
import http.client
import io
import json
import os
import pathlib
import pwd
import random
import secrets
import shutil
import signal
import subprocess
import sys
import time

import population
import users
from client import Failed, ask, say

HERE = pathlib.Path(__file__).resolve().parent
ROLE_SQL = HERE.parent.parent / "tools" / "postgres-role.sql"
POSTGRES_IMAGE = "localhost/musterstadt/postgres:15"
APPLICATION_IMAGE = "localhost/musterstadt/application:1"
BASE_IMAGE = "localhost/musterstadt/base:1"
PORTS = {"register-db": 54311, "cases-db": 54312, "documents": 8083, "residents": 8081, "cases": 8082}
# Each cluster has one database, of the role that owns it.
CLUSTERS = {"register-db": "register", "cases-db": "cases"}
APPLICATIONS_USER = "www-data"
START_MAX = 60

HBA = """# Over the socket: root and the server's own user, as postgres and as zwilling.
local  all          postgres           peer map=town
local  all          zwilling           peer map=town
local  replication  postgres,zwilling  peer map=town
local  all          all                scram-sha-256
host   all          all  all           scram-sha-256
"""
SETTINGS = """
wal_level = replica
max_wal_senders = 10
max_replication_slots = 10
shared_buffers = 128MB
timezone = 'Europe/Berlin'
log_timezone = 'Europe/Berlin'
"""


def run(*command, **options):
    """What a command says; what it complains about if it fails."""
    done = subprocess.run(command, text=True, capture_output=True, **options)
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise Failed(f"{' '.join(map(str, command[:3]))}: {' '.join(lines[-3:]) or done.returncode}")
    return done.stdout.strip()


def until(question, what, seconds=START_MAX):
    """Waits until the question is answered with something true."""
    end = time.monotonic() + seconds
    while True:
        try:
            if question():
                return
            error = "not yet"
        except (Failed, OSError, http.client.HTTPException) as failure:
            error = failure
        if time.monotonic() > end:
            raise Failed(f"{what} within {seconds} s: {error}")
        time.sleep(0.1)


# MARK: Platforms

class Processes:
    """The town as plain processes. As root, the servers run as users that may do less."""

    kind = "process"
    address = "127.0.0.1"

    def __init__(self, town):
        self.town = town
        tools = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/postgres"),
                       key=lambda path: int(path.parts[-3]))
        tools = [path for path in tools if path.parts[-3] == "15"] or tools
        if not tools:
            raise Failed("There is no PostgreSQL here: apt-get install postgresql-15")
        self.tools = tools[-1].parent
        root = os.geteuid() == 0
        self.database_user = pwd.getpwnam("postgres") if root else pwd.getpwuid(os.geteuid())
        self.application_user = pwd.getpwnam(APPLICATIONS_USER) if root else self.database_user

    def _as(self, user):
        if os.geteuid() != 0:
            return {}
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}

    def prepare(self):
        pass

    def host(self, service):
        return self.address

    def initialise(self, data, *command):
        run(self.tools / command[0], *command[1:], cwd="/", **self._as(self.database_user))

    def psql(self, service, database, sql):
        return run(self.tools / "psql", *self.town.psql(service, database), input=sql, cwd="/",
                   **self._as(self.database_user))

    def cluster(self, service, *options):
        # Without memory in files of the data directory, a killed server would leave some behind.
        return self._start(service, [self.tools / "postgres", *options,
                                     "-c", "dynamic_shared_memory_type=mmap"], {}, self.database_user)

    def application(self, service, program, environment, paths):
        return self._start(service, ["/usr/bin/python3", self.town.directory / "programs" / program], environment,
                           self.application_user)

    def _start(self, service, command, environment, user):
        with open(self.town.directory / "log" / f"{service}.log", "ab") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
                start_new_session=True, env=os.environ | environment, **self._as(user))
        self.town.started(service, {"pid": process.pid, "since": process_table()[process.pid][1]})

    def running(self, state):
        return process_table().get(state["pid"], (0, None))[1] == state["since"]

    def stop(self, service, state):
        if self.running(state):
            os.kill(state["pid"], signal.SIGINT if service in CLUSTERS else signal.SIGTERM)
            until(lambda: not self.running(state), f"{service} did not stop")

    def kill(self, services, also):
        table = process_table()
        victims = also + [state["pid"] for state in services.values() if self.running(state)]
        for victim in victims:  # grows with the children of its members
            victims += [pid for pid, (parent, _) in table.items() if parent == victim]
        kill(victims)
        for service in services:
            until(lambda: not self.running(services[service]), f"{service} did not die")
        # What a killed PostgreSQL leaves behind in the kernel.
        for service in CLUSTERS:
            try:
                lines = self.town.data(service).joinpath("postmaster.pid").read_text().splitlines()
                run("ipcrm", "-m", lines[6].split()[1])
            except (OSError, IndexError, Failed):
                pass

    def clean_up(self):
        pass


def kill(victims):
    for victim in victims:
        try:
            os.kill(victim, signal.SIGKILL)
        except ProcessLookupError:
            pass


def process_table():
    """Of each process that is no zombie: parent, and when it began."""
    table = {}
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z":
            table[int(path.parent.name)] = (int(fields[1]), int(fields[19]))
    return table


class Containers:
    """The town as containers of Podman on a network of its own, their data below the directory."""

    kind = "podman"

    def __init__(self, town):
        self.town = town
        if os.geteuid() != 0:
            raise Failed("Containers need root.")
        if not shutil.which("podman"):
            raise Failed("There is no Podman here: tools/containers.sh installs it.")

    def prepare(self):
        done = subprocess.run([HERE / "images" / "build.sh"], stdout=subprocess.DEVNULL)
        if done.returncode:
            raise Failed("The images could not be built.")
        ids = run("podman", "run", "--rm", "--pull=never", "--network=none", POSTGRES_IMAGE, "sh", "-c",
                  f"getent passwd postgres {APPLICATIONS_USER}").splitlines()
        users = [pwd.struct_passwd(line.split(":")[:2] + [int(field) for field in line.split(":")[2:4]]
                                   + line.split(":")[4:]) for line in ids]
        self.database_user, self.application_user = users
        if not self._exists("network", self.town.name):
            run("podman", "network", "create", self.town.name)

    def _exists(self, kind, name):
        return subprocess.run(["podman", kind, "exists", name]).returncode == 0

    def _container(self, service):
        return f"{self.town.name}-{service}"

    def host(self, service):
        return self._container(service)

    def initialise(self, data, *command):
        run("podman", "run", "--rm", "--pull=never", "--network=none", "--user=postgres",
            f"--volume={data}:{data}", POSTGRES_IMAGE, *command)

    def psql(self, service, database, sql):
        return run("podman", "exec", "--interactive", "--user=postgres", self._container(service),
                   "psql", *self.town.psql(service, database), input=sql)

    def cluster(self, service, *options):
        self._start(service, "postgres", POSTGRES_IMAGE, ["postgres", *options], {},
                    [self.town.data(service), self.town.run(service)])

    def application(self, service, program, environment, paths):
        self._start(service, APPLICATIONS_USER, APPLICATION_IMAGE,
                    ["python3", f"/opt/musterstadt/{program}"], environment, paths)

    def _start(self, service, user, image, command, environment, paths):
        port = self.town.ports[service]
        run("podman", "run", "--detach", "--pull=never", "--replace", f"--name={self._container(service)}",
            f"--network={self.town.name}", f"--publish=127.0.0.1:{port}:{port}", f"--user={user}",
            "--cap-drop=all", "--security-opt=no-new-privileges", "--log-driver=k8s-file",
            *[f"--volume={path}:{path}" for path in paths],
            *[f"--env={name}={value}" for name, value in environment.items()], image, *command)
        self.town.started(service, {"container": self._container(service)})

    def running(self, state):
        done = subprocess.run(["podman", "inspect", "--format={{.State.Running}}", state["container"]],
                              text=True, capture_output=True)
        return done.stdout.strip() == "true"

    def stop(self, service, state):
        run("podman", "stop", "--ignore", "--time=10", state["container"])
        run("podman", "rm", "--ignore", "--volumes", state["container"])

    def kill(self, services, also):
        names = [self._container(service) for service in PORTS]
        # Podman kills one after the other.
        done = subprocess.run(["podman", "inspect", "--format={{.State.Pid}}", *names],
                              text=True, capture_output=True)
        kill(also + [int(pid) for pid in done.stdout.split() if pid.isdigit() and int(pid) > 0])
        # It may stumble over a container that is just dying.
        until(lambda: run("podman", "rm", "--force", "--ignore", "--time=0", "--volumes", *names) or True,
              "the containers could not be removed", seconds=20)

    def clean_up(self):
        if self._exists("network", self.town.name):
            run("podman", "network", "rm", self.town.name)
        for image in [APPLICATION_IMAGE, POSTGRES_IMAGE, BASE_IMAGE]:
            if self._exists("image", image):
                # Another town may still use it.
                subprocess.run(["podman", "rmi", image], capture_output=True)


# MARK: The town

class Town:
    """What lies where, and what runs, as its directory remembers it."""

    def __init__(self, directory, shift=0):
        self.directory = pathlib.Path(directory).resolve()
        self.file = self.directory / "town.json"
        self.state = {"platform": None, "shift": shift, "services": {}}
        if self.file.exists():
            self.state = json.loads(self.file.read_text())
        shift = self.state["shift"]
        self.name = f"musterstadt-{shift}" if shift else "musterstadt"
        self.ports = {service: port + shift for service, port in PORTS.items()}

    @classmethod
    def existing(cls, directory):
        town = cls(directory)
        if not town.file.exists():
            raise Failed(f"There is no town in {town.directory}.")
        town.platform = {"podman": Containers, "process": Processes}[town.state["platform"]](town)
        return town

    def save(self):
        new = self.file.with_suffix(".new")
        new.write_text(json.dumps(self.state, indent=2) + "\n")
        new.rename(self.file)

    def started(self, service, state):
        self.state["services"][service] = state
        self.save()

    def data(self, service):
        return self.directory / "data" / service

    def run(self, service):
        return self.directory / "run" / service

    def password_file(self, role):
        return self.directory / "secrets" / f"{role}-password"

    def psql(self, service, database):
        return ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", f"--host={self.run(service)}",
                f"--port={self.ports[service]}", "--username=postgres", f"--dbname={database}"]

    def url(self, service):
        return f"http://127.0.0.1:{self.ports[service]}"

    # MARK: Start

    def start(self, wanted):
        if self.file.exists():
            there = Town.existing(self.directory)
            if any(there.platform.running(state) for state in there.state["services"].values()):
                raise Failed(f"The town in {self.directory} runs already.")
            if there.state["services"]:
                there.stop()
                self.state["services"] = {}
        elif self.directory.joinpath("data").exists():
            raise Failed(f"{self.directory} holds something else.")
        self.platform = self.choose(wanted)
        self.directory.mkdir(mode=0o755, parents=True, exist_ok=True)
        self.state["platform"] = self.platform.kind
        self.save()
        for name in ["data", "run", "log", "secrets", "programs"]:
            self.directory.joinpath(name).mkdir(exist_ok=True)
        for program in HERE.joinpath("apps").glob("*.py"):
            shutil.copy(program, self.directory / "programs")
        for service, role in CLUSTERS.items():
            self.start_cluster(service, role)
        store = self.data("documents")
        self.own(store, self.platform.application_user, 0o750)
        self.start_application("documents", {"STORE": store}, [store])
        self.start_application("residents", *self.uses("register-db"))
        environment, paths = self.uses("cases-db")
        environment["DOCUMENTS"] = f"http://{self.platform.host('documents')}:{self.ports['documents']}"
        self.start_application("cases", environment, paths)

    def choose(self, wanted):
        if wanted == "process":
            platform = Processes(self)
        else:
            try:
                platform = Containers(self)
                platform.prepare()
            except Failed as reason:
                if wanted == "podman":
                    raise
                say(f"no containers: {reason}")
                platform = Processes(self)
        say({"podman": "it runs as containers of Podman", "process": "it runs as plain processes"}
            [platform.kind])
        return platform

    def own(self, directory, user, mode):
        directory.mkdir(exist_ok=True)
        directory.chmod(mode)
        os.chown(directory, user.pw_uid, user.pw_gid)

    def write(self, path, text, user, mode=0o600):
        """Writes a file that only its user may read."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, mode)
        with open(descriptor, "w", encoding="utf-8") as file:
            os.fchown(descriptor, user.pw_uid, user.pw_gid)
            file.write(text)

    def start_cluster(self, service, role):
        began = time.monotonic()
        data, user = self.data(service), self.platform.database_user
        if len(str(self.run(service))) > 85:
            raise Failed(f"{self.directory} is too long a path for sockets.")
        self.own(data, user, 0o700)
        self.own(self.run(service), user, 0o755)
        if not data.joinpath("PG_VERSION").exists():
            self.platform.initialise(
                data, "initdb", f"--pgdata={data}", "--username=postgres", "--encoding=UTF8",
                "--locale=C.UTF-8", "--data-checksums", "--auth=reject")
            operators = {"root", user.pw_name}
            self.write(data / "pg_hba.conf", HBA, user)
            self.write(data / "pg_ident.conf", "".join(
                f"town  {name}  {role}\n" for name in sorted(operators)
                for role in ["postgres", "zwilling"]), user)
            configuration = data / "postgresql.conf"
            self.write(configuration, configuration.read_text() + SETTINGS, user)
        listen = "127.0.0.1" if self.platform.kind == "process" else "*"
        self.platform.cluster(
            service, "-D", data, "-c", f"listen_addresses={listen}", "-c", f"port={self.ports[service]}",
            "-c", f"unix_socket_directories={self.run(service)}")
        until(lambda: self.platform.psql(service, "postgres", "SELECT 1"), f"{service} did not answer")
        file = self.password_file(role)
        if not file.exists():
            self.write(file, secrets.token_urlsafe(24) + "\n", self.platform.application_user, 0o400)
        password = file.read_text().strip()
        self.platform.psql(service, "postgres", f"""
            SELECT 'CREATE ROLE {role}' WHERE NOT EXISTS
                (SELECT FROM pg_roles WHERE rolname = '{role}') \\gexec
            ALTER ROLE {role} LOGIN PASSWORD '{password}';
            SELECT 'CREATE DATABASE {role} OWNER {role}' WHERE NOT EXISTS
                (SELECT FROM pg_database WHERE datname = '{role}') \\gexec
            """)
        self.platform.psql(service, "postgres", ROLE_SQL.read_text())
        say(f"{service} answers on port {self.ports[service]} ({time.monotonic() - began:.1f} s)")

    def uses(self, cluster):
        """The settings by which an application finds its database, and the file that it needs."""
        role = CLUSTERS[cluster]
        return {
            "DATABASE": f"host={self.platform.host(cluster)} port={self.ports[cluster]}"
                        f" user={role} dbname={role}",
            "PASSWORD_FILE": self.password_file(role),
        }, [self.password_file(role)]

    def start_application(self, service, environment, paths):
        began = time.monotonic()
        environment["PORT"] = self.ports[service]
        if self.platform.kind == "process":
            environment["ADDRESS"] = self.platform.address
        self.platform.application(service, f"{service}.py",
                                  {name: str(value) for name, value in environment.items()}, paths)
        until(lambda: ask(f"{self.url(service)}/health"), f"{service} did not answer")
        say(f"{service} answers on {self.url(service)} ({time.monotonic() - began:.1f} s)")

    # MARK: Stop, destroy

    def stop(self):
        for service in reversed(PORTS):
            if service in self.state["services"]:
                self.platform.stop(service, self.state["services"][service])
        self.state["services"] = {}
        self.save()

    def destroy(self, also):
        """Nothing is asked and nothing is shut down: it is as if the house had burnt."""
        began = time.monotonic()
        self.platform.kill(self.state["services"], also)
        say(f"all its servers are dead ({time.monotonic() - began:.1f} s)")
        for name in ["data", "run", "log", "secrets", "programs"]:
            until(lambda: remove(self.directory / name), f"{name} could not be deleted", seconds=10)
        self.platform.clean_up()
        self.file.unlink()
        if not any(self.directory.iterdir()):
            self.directory.rmdir()
        say(f"nothing is left of it ({time.monotonic() - began:.1f} s)")

    # MARK: Fill

    def fill(self, people, cases, megabytes, seed, log):
        began = time.monotonic()
        made = population.people(people, seed)
        with self.database("register-db") as database, database.cursor() as cursor:
            cursor.execute("SELECT EXISTS (SELECT FROM people WHERE id = %s)", [made[0]["id"]])
            if cursor.fetchone()[0]:
                raise Failed("The town is filled already.")
            copy(cursor, "people", made)
        say(f"{people} people are registered ({time.monotonic() - began:.1f} s)")
        files = population.cases(made, cases, megabytes * 1_000_000, seed)

        def put(case):
            content = population.document(case["bytes"], random.Random(f"{seed} {case['document']}"))
            answer = ask(f"{self.url('documents')}/documents/{case['document']}", "PUT", content)
            if answer["sha256"] != hashlib.sha256(content).hexdigest():
                raise Failed("The document store took something else.")
            return case | {"sha256": answer["sha256"]}

        with concurrent.futures.ThreadPoolExecutor(8) as threads:
            files = list(threads.map(put, files))
        with self.database("cases-db") as database, database.cursor() as cursor:
            copy(cursor, "cases", files)
        if log:
            promised = users.Log(log)
            for person in made:
                promised.acknowledged(users.PERSON, person["id"], users.fingerprint(person))
            for case in files:
                promised.acknowledged(users.CASE, case["id"], case["sha256"])
        say(f"{cases} cases with {megabytes} MB of documents are filed ({time.monotonic() - began:.1f} s)")

    def database(self, service):
        import psycopg2
        role = CLUSTERS[service]
        return psycopg2.connect(host="127.0.0.1", port=self.ports[service], user=role, dbname=role,
                                password=self.password_file(role).read_text().strip())


def remove(directory):
    """Deletes a directory; fails while one who is just dying still writes into it."""
    if directory.exists():
        shutil.rmtree(directory)
    return True


def copy(cursor, table, rows):
    text = "".join("\t".join(map(str, row.values())) + "\n" for row in rows)
    cursor.copy_from(io.StringIO(text), table, columns=list(rows[0]))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name, help):
        added = commands.add_parser(name, help=help)
        if name not in ["users", "count"]:
            added.add_argument("--dir", default="/srv/musterstadt", help="where the town lies (%(default)s)")
        else:
            added.add_argument("--log", required=True, help="what was acknowledged, in lines of JSON")
            for service in ["residents", "cases"]:
                option = "--register" if service == "residents" else "--cases"
                added.add_argument(option, default=f"http://127.0.0.1:{PORTS[service]}", metavar="URL")
        return added

    start = command("start", "start it; what is not there yet is made")
    start.add_argument("--platform", choices=["auto", "podman", "process"], default="auto")
    start.add_argument("--shift", type=int, default=0, help="added to each port: another town beside one")
    fill = command("fill", "people, cases and documents, always the same")
    fill.add_argument("--people", type=int, default=10_000)
    fill.add_argument("--cases", type=int, default=5_000)
    fill.add_argument("--megabytes", type=int, default=1_000, help="of documents")
    fill.add_argument("--seed", default="musterstadt")
    fill.add_argument("--log", help="note all of it there, as if it had been acknowledged to users")
    work = command("users", "work in it, and note what was acknowledged")
    work.add_argument("--stop-file", required=True, help="they stop when it is there")
    work.add_argument("--threads", type=int, default=2, help="users of each application")
    command("count", "ask for all that was acknowledged")
    command("stop", "stop it; its data stay")
    destroy = command("destroy", "kill it and delete all that it was")
    destroy.add_argument("--also", type=int, action="append", default=[], metavar="PID",
                         help="a process that dies in the same moment")
    arguments = parser.parse_args()
    try:
        match arguments.command:
            case "start":
                Town(arguments.dir, arguments.shift).start(arguments.platform)
            case "fill":
                Town.existing(arguments.dir).fill(arguments.people, arguments.cases, arguments.megabytes,
                                                  arguments.seed, arguments.log)
            case "stop":
                Town.existing(arguments.dir).stop()
            case "destroy":
                Town.existing(arguments.dir).destroy(arguments.also)
            case "users":
                print(json.dumps(users.work(arguments.register, arguments.cases, arguments.log,
                                            arguments.stop_file, arguments.threads)))
            case "count":
                print(json.dumps(users.count(arguments.register, arguments.cases, arguments.log), indent=2))
    except (Failed, OSError) as error:
        say(error)
        sys.exit(1)


if __name__ == "__main__":
    main()
