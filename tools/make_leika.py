#!/usr/bin/env python3
# SPDX-License-Identifier: EUPL-1.2
"""Makes Sources/CBlueprint/leika.tsv out of ozg_service.csv.

The source is kdn-nrw/OZG-Datenbank-NRW (MIT licence), state 2019: give the file as the argument.
Only services with a key of 14 digits are taken; where a key stands twice, its first name.
"""
import csv
import os
import sys

TARGET = os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "Sources", "CBlueprint", "leika.tsv")


def services(path):
    names = {}
    with open(path, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            key, name = row["service_key"].strip(), " ".join(row["name"].split())
            if len(key) == 14 and key.isdigit() and key.startswith("99") and name:
                names.setdefault(key, name)
    return sorted(names.items())


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: make_leika.py OZG_SERVICE_CSV")
    found = services(sys.argv[1])
    with open(TARGET, "w", encoding="utf-8", newline="\n") as file:
        file.write("# kdn-nrw/OZG-Datenbank-NRW, MIT licence, Copyright (c) 2020 Gert Hammes, state 2019\n")
        file.writelines(f"{key}\t{name}\n" for key, name in found)
    print(f"{len(found)} services")


if __name__ == "__main__":
    main()
