#!/usr/bin/env python3
# SPDX-License-Identifier: EUPL-1.2
"""The document store: keeps what it has once taken, and never changes it.

  PUT /documents/ID   201 once the document is durable, 409 if there is one of that name
  GET /documents/ID
  GET /health         200 if documents can be written

  STORE     directory of the documents
  PORT, ADDRESS   see common.py
"""

import hashlib
import os
import re
import tempfile
import threading

import common
from common import Refused

STORE = os.environ["STORE"]
# What is not whole yet has a name that no document can have.
UNFINISHED = ".unfinished-"
naming = threading.Lock()


def sync_directory():
    descriptor = os.open(STORE, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Documents(common.Handler):

    def get(self, parts):
        if parts == ["health"]:
            if not os.access(STORE, os.W_OK | os.X_OK):
                raise Refused(503, "the store cannot be written")
            return self.json(200, {"status": "ok"})
        try:
            with open(self.place(parts), "rb") as file:
                content = file.read()
        except FileNotFoundError:
            raise Refused(404, "there is no such document") from None
        self.send(200, "application/octet-stream", content)

    def put(self, parts):
        place = self.place(parts)
        if os.path.exists(place):
            raise Refused(409, "a document is never overwritten")
        digest = hashlib.sha256()
        descriptor, unfinished = tempfile.mkstemp(prefix=UNFINISHED, dir=STORE)
        try:
            with open(descriptor, "wb") as file:
                for block in self.blocks():
                    digest.update(block)
                    file.write(block)
                file.flush()
                os.fsync(file.fileno())
            with naming:
                if os.path.exists(place):
                    raise Refused(409, "a document is never overwritten")
                os.rename(unfinished, place)
        except BaseException:
            os.unlink(unfinished)
            raise
        sync_directory()
        self.json(201, {"id": parts[1], "sha256": digest.hexdigest()})

    def place(self, parts):
        if len(parts) != 2 or parts[0] != "documents":
            raise Refused(404, "there is nothing here")
        if not re.fullmatch(r"[0-9A-Za-z][0-9A-Za-z._-]{0,99}", parts[1]):
            raise Refused(400, "this is no name of a document")
        return os.path.join(STORE, parts[1])


if __name__ == "__main__":
    os.makedirs(STORE, exist_ok=True)
    for name in os.listdir(STORE):
        if name.startswith(UNFINISHED):
            os.unlink(os.path.join(STORE, name))
    common.serve(Documents)
