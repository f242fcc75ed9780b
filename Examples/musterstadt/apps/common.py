# SPDX-License-Identifier: EUPL-1.2
"""What the three programs of Musterstadt share: answering over HTTP, a database that may be away, and
pages. All settings come from the environment.

  PORT      where to answer
  ADDRESS   the address to answer on (else all)
"""

import contextlib
import html
import json
import os
import queue
import signal
import sys
import threading
import urllib.parse
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BODY_MAX = 256 << 20
CONNECTIONS_MAX = 16


def log(message):
    print(message, file=sys.stderr, flush=True)


class Refused(Exception):
    """A request that gets no more than a status and a sentence for an answer."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


class Handler(BaseHTTPRequestHandler):
    """Calls `get`, `put` or `post` with the parts of the path; what they raise becomes an answer."""

    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_GET(self):
        self._answer("get")

    def do_PUT(self):
        self._answer("put")

    def do_POST(self):
        self._answer("post")

    def _answer(self, method):
        self.answered = False
        url = urllib.parse.urlsplit(self.path)
        self.query = dict(urllib.parse.parse_qsl(url.query))
        self.left = 0
        try:
            length = self.headers.get("Content-Length", "0")
            if "Transfer-Encoding" in self.headers or not length.isdecimal():
                raise Refused(411, "the length must be said")
            if int(length) > BODY_MAX:
                raise Refused(413, "too large")
            self.left = int(length)
            action = getattr(self, method, None)
            if action is None:
                raise Refused(405, "not possible here")
            action([urllib.parse.unquote(part) for part in url.path.split("/") if part])
        except Refused as refused:
            self.fail(refused.status, str(refused))
        except (BrokenPipeError, ConnectionResetError, TimeoutError):
            self.close_connection = True
        except Exception as error:  # whatever happens to one request, the others go on
            log(f"{self.command} {self.path}: {type(error).__name__}: {error}")
            self.fail(500, "an error, see the log")

    def fail(self, status, message):
        """Answers that it cannot be done, if nothing has been said yet. Who still sends is heard out,
        for else the answer would not reach them."""
        self.close_connection = True
        if not self.answered:
            with contextlib.suppress(OSError):
                for _ in self.blocks():
                    pass
                self.json(status, {"error": message})

    def blocks(self):
        """The body of the request, block by block."""
        while self.left:
            block = self.rfile.read(min(self.left, 1 << 20))
            if not block:
                raise ConnectionResetError("the body ended too early")
            self.left -= len(block)
            yield block

    def body(self):
        return b"".join(self.blocks())

    def body_json(self):
        try:
            value = json.loads(self.body())
        except ValueError:
            raise Refused(400, "this is no JSON") from None
        if not isinstance(value, dict):
            raise Refused(400, "a JSON object is expected")
        return value

    def send(self, status, kind, content, headers=()):
        self.answered = True
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers:
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)

    def json(self, status, value):
        self.send(status, "application/json", json.dumps(value, ensure_ascii=False).encode() + b"\n")

    def page(self, title, content, status=200):
        """Answers with a page; `content` is HTML."""
        text = PAGE.format(title=html.escape(title), content=content)
        self.send(status, "text/html; charset=utf-8", text.encode())

    def redirect(self, place):
        self.send(303, "text/plain", b"", [("Location", place)])

    def log_message(self, format, *values):
        if self.path != "/health":
            log(f"{self.address_string()} {format % values}")


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request, client_address):
        log(f"{client_address[0]}: {sys.exc_info()[1]}")


def serve(handler):
    """Answers until SIGTERM. Requests under way are dropped: nobody was told that they succeeded."""
    server = Server((os.environ.get("ADDRESS", ""), int(os.environ["PORT"])), handler)

    def stop(number, frame):
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    log(f"answering on port {server.server_port}")
    server.serve_forever(poll_interval=0.1)
    log("stopped")
    os._exit(0)


class Database:
    """Connections to a database that may go away and come back, or come back as another server.

    The schema is made once, in a database that has never had one. A table that is missing later is
    not made again, empty: that would hide its loss.
    """

    def __init__(self, tables, schema):
        import psycopg2
        self.driver = psycopg2
        self.tables = tables
        self.schema = schema
        self.ready = False
        self.idle = queue.LifoQueue()
        self.room = threading.BoundedSemaphore(CONNECTIONS_MAX)

    @contextlib.contextmanager
    def transaction(self):
        """A cursor. What is done with it is durable when the block has ended without an error."""
        away = (self.driver.OperationalError, self.driver.InterfaceError)
        if not self.room.acquire(timeout=10):
            raise Refused(503, "too many requests at once")
        connection = None
        try:
            connection = self._connection()
            with connection, connection.cursor() as cursor:
                yield cursor
            self.idle.put(connection)
        except away as error:
            log(f"database: {str(error).strip()}")
            if connection is not None:
                connection.close()
            raise Refused(503, "the database does not answer") from None
        except BaseException:
            if connection is not None:
                connection.close()
            raise
        finally:
            self.room.release()

    def _connection(self):
        while True:
            try:
                connection = self.idle.get_nowait()
            except queue.Empty:
                break
            try:
                connection.cursor().execute("SELECT 1")
                return connection
            except self.driver.Error:
                connection.close()
        with open(os.environ["PASSWORD_FILE"], encoding="utf-8") as file:
            password = file.read().strip()
        connection = self.driver.connect(
            os.environ["DATABASE"], password=password, connect_timeout=3, tcp_user_timeout=5000,
            keepalives_idle=5, keepalives_interval=2, keepalives_count=2)
        if not self.ready:
            self._make_schema(connection)
        return connection

    def _make_schema(self, connection):
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(1)")
            cursor.execute("SELECT to_regclass('schema_version') IS NULL")
            if cursor.fetchone()[0]:
                cursor.execute(self.schema)
                cursor.execute("CREATE TABLE schema_version AS SELECT 1 AS version")
                log("the schema was made")
        self.ready = True

    def row(self, table, columns, number):
        """The row with this id."""
        missing = Refused(404, "there is nothing of this number")
        try:
            number = str(uuid.UUID(number))
        except ValueError:
            raise missing from None
        with self.transaction() as cursor:
            cursor.execute(f"SELECT {columns} FROM {table} WHERE id = %s", [number])
            row = cursor.fetchone()
        if row is None:
            raise missing
        return row

    def check(self):
        """Raises unless the database answers, takes writes and has its tables."""
        with self.transaction() as cursor:
            cursor.execute("SELECT pg_is_in_recovery()")
            if cursor.fetchone()[0]:
                raise Refused(503, "the database takes no writes yet")
            for table in self.tables:
                cursor.execute("SELECT to_regclass(%s) IS NULL", [table])
                if cursor.fetchone()[0]:
                    raise Refused(503, f"the table {table} is missing")


PAGE = """<!DOCTYPE html>
<html lang="de">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} – Stadt Musterstadt</title>
<style>
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 50rem; margin: 0 auto; padding: 1rem; color: #1a1a1a }}
header {{ border-bottom: .25rem solid #004b87; margin-bottom: 1rem }}
label, dt {{ display: block; font-weight: 600; margin-top: .75rem }}
dd {{ margin: 0 }}
input, button {{ font: inherit; padding: .4rem .6rem }}
button {{ margin-top: 1rem; background: #004b87; color: #fff; border: 0 }}
table {{ border-collapse: collapse; width: 100% }}
th, td {{ text-align: left; padding: .3rem .5rem; border-bottom: 1px solid #ccc }}
</style>
</head>
<body>
<header><p>Stadt Musterstadt</p></header>
<main>
<h1>{title}</h1>
{content}
</main>
</body>
</html>
"""
