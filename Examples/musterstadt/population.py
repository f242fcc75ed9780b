# SPDX-License-Identifier: EUPL-1.2
"""Makes up the people of Musterstadt, their cases and their documents: always the same for a seed."""

import datetime
import random
import uuid

GIVEN = """Anna Maria Lena Emma Mia Hannah Sophie Marie Lea Leonie Clara Ida Frieda Greta Mathilda Charlotte
Johanna Katharina Ursula Monika Petra Sabine Renate Karin Brigitte Ingrid Helga Gisela Christa Elisabeth
Gerda Ayşe Fatma Olga Svetlana Agnieszka Paul Jonas Finn Leon Luis Elias Noah Ben Felix Maximilian Emil Anton
Karl Friedrich Jakob Moritz Oskar Jürgen Peter Wolfgang Klaus Hans Günter Manfred Uwe Bernd Dieter Horst
Werner Heinz Thomas Stefan Andreas Matthias Jörg Sören Björn Mehmet Mustafa Ivan Piotr Tomasz""".split()
FAMILY = """Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch Bauer
Richter Klein Wolf Schröder Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Lange Schmitt Werner
Schmitz Krause Meier Lehmann Schmid Schulze Maier Köhler Herrmann König Walter Mayer Huber Kaiser Fuchs
Peters Lang Scholz Möller Weiß Jung Hahn Schubert Vogel Friedrich Keller Günther Frank Berger Winkler Roth
Beck Lorenz Baumann Franke Albrecht Schuster Simon Ludwig Böhm Winter Kraus Martin Schumacher Krämer Vogt
Stein Jäger Otto Sommer Groß Seidel Heinrich Brandt Haas Schreiber Graf Schulte Dietrich Ziegler Kuhn Kühn
Pohl Engel Horn Busch Bergmann Thomas Voigt Sauer Arnold Wolff Pfeiffer Yılmaz Kaya Demir Şahin Nowak
Kowalski Wiśniewski Iwanow Petrow Nguyen""".split()
STREETS = """Hauptstraße Bahnhofstraße Schulstraße Gartenstraße Dorfstraße Bergstraße Birkenweg Lindenstraße
Kirchstraße Waldstraße Ringstraße Amselweg Wiesenweg Goethestraße Schillerstraße Mühlenweg Feldstraße
Jahnstraße Friedhofstraße Rosenweg Ahornweg Buchenweg Eichenweg Lerchenweg Marktplatz Mozartstraße
Burgstraße Poststraße Industriestraße Uferstraße Brunnenstraße Talstraße Schlossstraße Parkstraße""".split()
SUBJECTS = [
    "Bauantrag Einfamilienhaus", "Bauantrag Carport", "Bauantrag Dachausbau", "Nutzungsänderung Ladenlokal",
    "Hilfe zum Lebensunterhalt", "Grundsicherung im Alter", "Eingliederungshilfe", "Hilfe zur Pflege",
    "Wohngeld Erstantrag", "Wohngeld Weiterleistung", "Widerspruch gegen Bescheid", "Nachreichung Unterlagen",
]
# Letters as often as German has them: bytes at random become something that compresses like text.
LETTERS = bytes.maketrans(bytes(range(256)), (
    "e" * 36 + "n" * 21 + "i" * 16 + "s" * 15 + "r" * 15 + "a" * 14 + "t" * 13 + "d" * 11 + "h" * 10
    + "u" * 9 + "l" * 8 + "c" * 7 + "g" * 7 + "m" * 6 + "o" * 6 + "b" * 4 + "w" * 4 + "f" * 4 + "k" * 3
    + "z" * 3 + "v" * 2 + "p" * 2 + "." * 3 + "," * 2 + "\n" * 2).ljust(256)[:256].encode())


def person(chance):
    """One whom the register can take."""
    born = datetime.date(1930, 1, 1) + datetime.timedelta(chance.randrange(96 * 365))
    family = chance.choice(FAMILY)
    if chance.random() < 0.08:
        family += "-" + chance.choice(FAMILY)
    return {
        "family_name": family,
        "given_name": chance.choice(GIVEN),
        "born": born.isoformat(),
        "street": f"{chance.choice(STREETS)} {chance.randint(1, 140)}{chance.choice(['', '', '', 'a', 'b'])}",
        "postcode": "12345",
        "city": "Musterstadt",
    }


def number(chance):
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))


def moment(chance):
    """Some moment of the last years."""
    begin = datetime.datetime(2022, 1, 3, 8, tzinfo=datetime.timezone.utc)
    return (begin + datetime.timedelta(chance.randrange(1400), chance.randrange(9 * 3600))).isoformat()


def people(count, seed):
    chance = random.Random(f"{seed} people")
    return [{"id": number(chance)} | person(chance) | {"registered": moment(chance)}
            for _ in range(count)]


def cases(residents, count, total, seed):
    """Cases whose documents have `total` bytes together: many small ones, a few large."""
    chance = random.Random(f"{seed} cases")
    weights = [chance.lognormvariate(0, 1.1) for _ in range(count)]
    sizes = [int(total * weight / sum(weights)) for weight in weights]
    if sizes:
        sizes[-1] += total - sum(sizes)
    return [{
        "id": number(chance),
        "resident": chance.choice(residents)["id"],
        "subject": chance.choice(SUBJECTS),
        "document": number(chance),
        "bytes": size,
        "opened": moment(chance),
    } for size in sizes]


def document(size, chance):
    """A letter, and the scan that belongs to it: what compresses to a half, and what does not."""
    letter = int(size * chance.uniform(0.1, 0.7))
    return chance.randbytes(letter).translate(LETTERS) + chance.randbytes(size - letter)
