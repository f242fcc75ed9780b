// SPDX-License-Identifier: EUPL-1.2
import Ground

// What is counted in more than one report.

func files(_ number: some BinaryInteger) -> String {
    counted(number, Words("file", de: "Datei"), Words("files", de: "Dateien"))
}

func directories(_ number: some BinaryInteger) -> String {
    counted(
        number, Words("directory", de: "Verzeichnis"), Words("directories", de: "Verzeichnisse"))
}

func entries(_ number: some BinaryInteger) -> String {
    counted(number, Words("entry", de: "Eintrag"), Words("entries", de: "Einträge"))
}

func packs(_ number: some BinaryInteger) -> String {
    counted(number, Words("pack", de: "Paket"), Words("packs", de: "Pakete"))
}

func chunks(_ number: some BinaryInteger) -> String {
    counted(number, Words("chunk", de: "Stück"), Words("chunks", de: "Stücke"))
}

func records(_ number: some BinaryInteger) -> String {
    counted(number, Words("record", de: "Eintrag"), Words("records", de: "Einträge"))
}

func snapshots(_ number: some BinaryInteger) -> String {
    counted(
        number, Words("snapshot", de: "Sicherungsstand"),
        Words("snapshots", de: "Sicherungsstände"))
}

func keyrings(_ number: some BinaryInteger) -> String {
    counted(number, Words("keyring", de: "Schlüsselring"), Words("keyrings", de: "Schlüsselringe"))
}
