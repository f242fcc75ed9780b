#!/usr/bin/env python3
# SPDX-License-Identifier: EUPL-1.2
"""The register of residents: pages for the office, JSON for other programs.

  GET  /                  search by name
  GET  /person/ID         a person's page
  GET  /register          the form to register, sent by POST
  POST /people            201 with the id once the person is durable
  GET  /people/ID, GET /people?name=…
  GET  /health            200 if the database answers and its tables are there

  DATABASE        connection of libpq, without the password
  PASSWORD_FILE   file of the password
  PORT, ADDRESS   see common.py
"""

import datetime
import html
import urllib.parse
import uuid

import common
from common import Refused

FIELDS = {
    "family_name": "Familienname",
    "given_name": "Vorname",
    "born": "Geburtsdatum",
    "street": "Straße und Hausnummer",
    "postcode": "Postleitzahl",
    "city": "Ort",
}
FOUND_MAX = 50

SCHEMA = """
CREATE TABLE people (
    id uuid PRIMARY KEY,
    family_name text NOT NULL,
    given_name text NOT NULL,
    born date NOT NULL,
    street text NOT NULL,
    postcode text NOT NULL,
    city text NOT NULL,
    registered timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX people_family_name ON people (lower(family_name) text_pattern_ops);
CREATE INDEX people_given_name ON people (lower(given_name) text_pattern_ops);
"""

database = common.Database(["people"], SCHEMA)
COLUMNS = "id::text, " + ", ".join(FIELDS)


def person(row):
    return dict(zip(["id", *FIELDS], map(str, row)))


def find(name):
    """People whose family or given name begins so, or all of "given family"."""
    begin = [part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").lower() + "%"
             for part in name.split(maxsplit=1)]
    if len(begin) == 2:
        where = "lower(given_name) LIKE %s AND lower(family_name) LIKE %s"
    else:
        begin *= 2
        where = "lower(given_name) LIKE %s OR lower(family_name) LIKE %s"
    if not begin:
        return []
    with database.transaction() as cursor:
        cursor.execute(
            f'SELECT {COLUMNS} FROM people WHERE {where}'
            f' ORDER BY family_name COLLATE "de-x-icu", given_name COLLATE "de-x-icu", born, id'
            f' LIMIT {FOUND_MAX}', begin)
        return [person(row) for row in cursor]


def read(number):
    return person(database.row("people", COLUMNS, number))


def register(values):
    """Takes a person into the register; the id is returned once that is durable."""
    fields = {name: " ".join(str(values.get(name) or "").split()) for name in FIELDS}
    for name, value in fields.items():
        if not value or len(value) > 200 or not value.isprintable():
            raise Refused(400, f"{name} is missing or too long")
    try:
        datetime.date.fromisoformat(fields["born"])
    except ValueError:
        raise Refused(400, "born is no date such as 1980-12-31") from None
    number = str(uuid.uuid4())
    with database.transaction() as cursor:
        cursor.execute(
            f"INSERT INTO people (id, {', '.join(FIELDS)}) VALUES (%s{', %s' * len(FIELDS)})",
            [number, *fields.values()])
    return number


class Residents(common.Handler):

    def get(self, parts):
        match parts:
            case ["health"]:
                database.check()
                self.json(200, {"status": "ok"})
            case []:
                self.search_page(self.query.get("name", ""))
            case ["register"]:
                self.page("Anmeldung einer Wohnung", form())
            case ["person", number]:
                self.person_page(read(number))
            case ["people"]:
                self.json(200, {"people": find(self.query.get("name", ""))})
            case ["people", number]:
                self.json(200, read(number))
            case _:
                raise Refused(404, "there is nothing here")

    def post(self, parts):
        match parts:
            case ["people"]:
                self.json(201, {"id": register(self.body_json())})
            case ["register"]:
                values = dict(urllib.parse.parse_qsl(self.body().decode("utf-8", "replace")))
                self.redirect(f"/person/{register(values)}")
            case _:
                raise Refused(404, "there is nothing here")

    def search_page(self, name):
        content = (
            '<form><label for="name">Name</label>'
            f'<input id="name" name="name" value="{html.escape(name)}"> <button>Suchen</button></form>'
            '<p><a href="/register">Anmeldung einer Wohnung</a></p>')
        if name:
            found = find(name)
            rows = "".join(
                f'<tr><td><a href="/person/{one["id"]}">{html.escape(one["family_name"])}, '
                f'{html.escape(one["given_name"])}</a></td><td>{german_date(one["born"])}</td>'
                f'<td>{html.escape(one["street"])}</td></tr>' for one in found)
            content += (
                "<table><tr><th>Name</th><th>Geburtsdatum</th><th>Anschrift</th></tr>"
                f"{rows}</table>" if found else "<p>Niemand dieses Namens ist gemeldet.</p>")
            if len(found) == FOUND_MAX:
                content += f"<p>Nur die ersten {FOUND_MAX} werden gezeigt.</p>"
        self.page("Melderegister", content)

    def person_page(self, one):
        entries = "".join(
            f"<dt>{label}</dt>"
            f"<dd>{german_date(one[name]) if name == 'born' else html.escape(one[name])}</dd>"
            for name, label in FIELDS.items())
        self.page(f"{one['given_name']} {one['family_name']}",
                  f'<dl>{entries}</dl><p><a href="/">Zurück zur Suche</a></p>')


def german_date(text):
    return ".".join(reversed(text.split("-")))


def form():
    inputs = "".join(
        f'<label for="{name}">{label}</label><input id="{name}" name="{name}" required'
        f'{" type=date" if name == "born" else ""}>' for name, label in FIELDS.items())
    return f'<form method="post" action="/register">{inputs}<br><button>Anmelden</button></form>'


if __name__ == "__main__":
    common.serve(Residents)
