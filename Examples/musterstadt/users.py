# SPDX-License-Identifier: EUPL-1.2
"""People who work with the town's programs, and remember each promise that they were given."""

import base64
import collections
import concurrent.futures
import hashlib
import http.client
import json
import os
import random
import signal
import threading
import time
import uuid

import population
from client import Failed, ask

FIELDS = ["family_name", "given_name", "born", "street", "postcode", "city"]
PERSON, CASE = "person", "case"
# Seconds between two things that one user does, and between two attempts while it does not go.
PAUSE = 0.02
RETRY = 0.2


def fingerprint(person):
    return hashlib.sha256(json.dumps([person[name] for name in FIELDS]).encode()).hexdigest()


class Log:
    """What was acknowledged, line by line, and when each program was away."""

    def __init__(self, path):
        self.file = open(path, "a", encoding="utf-8")
        self.lock = threading.Lock()
        self.away = {}
        self.succeeded = collections.defaultdict(float)
        self.count = collections.Counter()

    def _write(self, **entry):
        self.file.write(json.dumps(entry) + "\n")
        self.file.flush()

    def acknowledged(self, kind, number, sha256):
        with self.lock:
            now = time.time()
            self._write(kind=kind, id=number, time=now, sha256=sha256)
            self.count[kind] += 1
            self.succeeded[kind] = now
            if kind in self.away:
                self._write(kind="outage", of=kind, event="end", time=now)
                del self.away[kind]

    def failed(self, kind, began, error):
        """Notes the begin of an outage, unless others succeeded since this attempt began."""
        with self.lock:
            if kind not in self.away and began >= self.succeeded[kind]:
                self.away[kind] = time.time()
                self._write(kind="outage", of=kind, event="begin", time=self.away[kind],
                            error=str(error))


def work(residents, cases, path, stop_file, threads):
    """Registers people and files cases until there is a stop file."""
    log = Log(path)
    stop = threading.Event()
    known = collections.deque(maxlen=1000)
    for name in [signal.SIGTERM, signal.SIGINT]:
        signal.signal(name, lambda *_: stop.set())

    def register(chance):
        person = population.person(chance)
        number = ask(f"{residents}/people", "POST", person)["id"]
        log.acknowledged(PERSON, number, fingerprint(person))
        known.append(number)
        if chance.random() < 0.1:
            ask(f"{residents}/?name={person['given_name'][0]}".encode("ascii", "ignore").decode())

    def file_case(chance):
        size = min(int(chance.lognormvariate(10.5, 1)), 2_000_000)
        content = population.document(size, chance)
        resident = known[-1] if known else str(uuid.uuid4())
        answer = ask(f"{cases}/cases", "POST", {
            "resident": resident, "subject": chance.choice(population.SUBJECTS),
            "document": base64.b64encode(content).decode()})
        if answer["sha256"] == hashlib.sha256(content).hexdigest():
            log.acknowledged(CASE, answer["id"], answer["sha256"])

    def user(kind, action):
        chance = random.Random()
        while not stop.is_set():
            began = time.time()
            try:
                action(chance)
                stop.wait(PAUSE)
            except (Failed, OSError, http.client.HTTPException, ValueError, KeyError) as error:
                log.failed(kind, began, error)
                stop.wait(RETRY)

    users = [threading.Thread(target=user, args=each, daemon=True)
             for each in [(PERSON, register), (CASE, file_case)] for _ in range(threads)]
    for each in users:
        each.start()
    while not stop.is_set():
        if os.path.exists(stop_file):
            stop.set()
        stop.wait(0.1)
    for each in users:
        each.join(timeout=6)
    return {"acknowledged": dict(log.count)}


def read(path):
    """The acknowledged writes of a log, and the outages of each kind."""
    writes, outages = [], collections.defaultdict(list)
    with open(path, encoding="utf-8") as file:
        for line in file:
            if not line.endswith("\n"):
                break
            entry = json.loads(line)
            if entry["kind"] != "outage":
                writes.append(entry)
            elif entry["event"] == "begin":
                outages[entry["of"]].append({"begin": entry["time"]})
            else:
                outage = outages[entry["of"]][-1]
                outage["end"] = entry["time"]
                outage["seconds"] = round(entry["time"] - outage["begin"], 3)
    return writes, outages


def look(residents, cases, entry):
    """Whether what was acknowledged is there, as it was; for a case, its document too."""

    def get(url):
        for attempt in range(3):
            try:
                return ask(url, seconds=20)
            except Failed as failure:
                if failure.status == 404:
                    return None
                error = failure
            except (OSError, http.client.HTTPException) as failure:
                error = failure
            time.sleep(0.5)
        raise Failed(f"{url} gives no answer: {error}")

    if entry["kind"] == PERSON:
        found = get(f"{residents}/people/{entry['id']}")
        if found is None:
            return "missing"
        return "there" if fingerprint(found) == entry["sha256"] else "different"
    found = get(f"{cases}/cases/{entry['id']}")
    if found is None:
        return "missing"
    content = get(f"{cases}/cases/{entry['id']}/document")
    if content is None:
        return "document missing"
    same = found["sha256"] == entry["sha256"] == hashlib.sha256(content).hexdigest()
    return "there" if same else "document different"


def lost_seconds(writes, missing, outages):
    """From the oldest that is missing to the last that was acknowledged before the outage after it."""
    if not missing:
        return 0
    oldest = min(entry["time"] for entry in missing)
    ends = [outage["begin"] for outage in outages if outage["begin"] >= oldest] or [float("inf")]
    return round(max(entry["time"] for entry in writes if entry["time"] <= max(ends[0], oldest)) - oldest, 3)


def count(residents, cases, path):
    """Asks the town, or its twin, for all that was acknowledged."""
    writes, outages = read(path)
    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        states = list(threads.map(lambda entry: look(residents, cases, entry), writes))
    kinds = {}
    for kind in [PERSON, CASE]:
        mine = [entry for entry in writes if entry["kind"] == kind]
        missing = [entry for entry, state in zip(writes, states)
                   if entry["kind"] == kind and state == "missing"]
        kinds[kind] = {
            "acknowledged": len(mine),
            "missing": len(missing),
            "lost_seconds": lost_seconds(mine, missing, outages[kind]),
            "outages": outages[kind],
        }

    def all_of(state):
        return [entry["id"] for entry, each in zip(writes, states) if each == state]

    return {
        "acknowledged": len(writes),
        "missing": len(all_of("missing")),
        "kinds": kinds,
        "people_different": all_of("different"),
        "cases_document_missing": all_of("document missing"),
        "cases_document_different": all_of("document different"),
    }
