#!/usr/bin/env python3
# SPDX-License-Identifier: EUPL-1.2
"""Cases with their documents. The document goes to the store first and the case refers to it only
then, so that there is never a case whose document is not durable.

  GET  /                    list of cases
  GET  /case/ID             a case's page
  POST /cases               201 with id and sha256 once both are durable; JSON with "resident",
                            "subject" and "document" (base64)
  GET  /cases/ID, GET /cases/ID/document
  GET  /health              200 if database and store answer

  DATABASE        connection of libpq, without the password
  PASSWORD_FILE   file of the password
  DOCUMENTS       URL of the document store
  MAIL_HOST, MAIL_PORT (else 25), MAIL_FROM, MAIL_TO
                  where notices of new cases go; without MAIL_HOST there are none
  PORT, ADDRESS   see common.py
"""

import base64
import binascii
import email.message
import hashlib
import html
import http.client
import os
import queue
import smtplib
import threading
import urllib.error
import urllib.request
import uuid

import common
from common import Refused, log

LISTED = 100

SCHEMA = """
CREATE TABLE cases (
    id uuid PRIMARY KEY,
    resident uuid NOT NULL,
    subject text NOT NULL,
    document text NOT NULL,
    sha256 text NOT NULL,
    bytes bigint NOT NULL,
    opened timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX cases_opened ON cases (opened);
"""

database = common.Database(["cases"], SCHEMA)
COLUMNS = ["id", "resident", "subject", "document", "sha256", "bytes", "opened"]
notices = queue.Queue(maxsize=1000)


def store(path, method="GET", content=None):
    """What the document store answers."""
    request = urllib.request.Request(
        os.environ["DOCUMENTS"].rstrip("/") + path, data=content, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read()
    except urllib.error.HTTPError as error:
        if error.code == 404:
            raise Refused(404, "the store does not have this document") from None
        log(f"document store: {error}")
    except (OSError, http.client.HTTPException) as error:
        log(f"document store: {error}")
    raise Refused(503, "the document store does not answer")


def read(number):
    row = database.row("cases", ", ".join(COLUMNS), number)
    return dict(zip(COLUMNS, row), opened=row[-1].isoformat())


def open_case(values):
    try:
        resident = str(uuid.UUID(str(values.get("resident"))))
        document = base64.b64decode(str(values.get("document") or ""), validate=True)
    except (ValueError, binascii.Error):
        raise Refused(400, "resident or document is not what it should be") from None
    subject = " ".join(str(values.get("subject") or "").split())
    if not subject or len(subject) > 200 or not subject.isprintable():
        raise Refused(400, "subject is missing or too long")
    number, name = str(uuid.uuid4()), str(uuid.uuid4())
    sha256 = hashlib.sha256(document).hexdigest()
    store(f"/documents/{name}", "PUT", document)
    with database.transaction() as cursor:
        cursor.execute(
            "INSERT INTO cases (id, resident, subject, document, sha256, bytes)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            [number, resident, subject, name, sha256, len(document)])
    if "MAIL_HOST" in os.environ:
        try:
            notices.put_nowait((number, subject))
        except queue.Full:
            log(f"no notice of case {number}: too many wait")
    return {"id": number, "sha256": sha256}


def send_notices():
    """Sends what waits, one after the other. Whether that works is of no concern to any case."""
    while True:
        number, subject = notices.get()
        try:
            message = email.message.EmailMessage()
            message["From"] = os.environ.get("MAIL_FROM", "vorgang@musterstadt.example")
            message["To"] = os.environ.get("MAIL_TO", "buergerbuero@musterstadt.example")
            message["Subject"] = f"Neuer Vorgang: {subject}"
            message.set_content(f"Neuer Vorgang: {subject}\nVorgangsnummer {number}\n")
            with smtplib.SMTP(os.environ["MAIL_HOST"], int(os.environ.get("MAIL_PORT", "25")),
                              timeout=5) as server:
                server.send_message(message)
        except Exception as error:  # one notice is lost, the next may go
            log(f"no notice of case {number}: {error}")


class Cases(common.Handler):

    def get(self, parts):
        match parts:
            case ["health"]:
                database.check()
                store("/health")
                self.json(200, {"status": "ok"})
            case []:
                self.list_page()
            case ["case", number]:
                self.case_page(read(number))
            case ["cases", number]:
                self.json(200, read(number))
            case ["cases", number, "document"]:
                content = store(f"/documents/{read(number)['document']}")
                self.send(200, "application/octet-stream", content)
            case _:
                raise Refused(404, "there is nothing here")

    def post(self, parts):
        if parts != ["cases"]:
            raise Refused(404, "there is nothing here")
        self.json(201, open_case(self.body_json()))

    def list_page(self):
        with database.transaction() as cursor:
            cursor.execute(
                f"SELECT id, subject, to_char(opened, 'DD.MM.YYYY HH24:MI'), bytes FROM cases"
                f" ORDER BY opened DESC, id LIMIT {LISTED}")
            rows = "".join(
                f'<tr><td><a href="/case/{number}">{html.escape(subject)}</a></td><td>{opened}</td>'
                f"<td>{size // 1024} KiB</td></tr>" for number, subject, opened, size in cursor)
        self.page("Vorgänge", f"<p>Die neuesten {LISTED}.</p><table><tr><th>Betreff</th>"
                              f"<th>Eröffnet</th><th>Dokument</th></tr>{rows}</table>")

    def case_page(self, one):
        self.page(one["subject"], (
            f"<dl><dt>Vorgangsnummer</dt><dd>{one['id']}</dd>"
            f"<dt>Einwohner</dt><dd>{one['resident']}</dd>"
            f"<dt>Eröffnet</dt><dd>{one['opened']}</dd>"
            f'<dt>Dokument</dt><dd><a href="/cases/{one["id"]}/document">{one["bytes"]} Bytes</a>, '
            f"SHA-256 {one['sha256']}</dd></dl>"
            '<p><a href="/">Alle Vorgänge</a></p>'))


if __name__ == "__main__":
    threading.Thread(target=send_notices, daemon=True).start()
    common.serve(Cases)
