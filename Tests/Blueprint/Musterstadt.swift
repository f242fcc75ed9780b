// SPDX-License-Identifier: EUPL-1.2
import Blueprint
import Ground

/// Reads a blueprint from a text; files beside it are those named.
func read(
    _ text: String, files: [String: String] = [:]
) -> (blueprint: Blueprint?, findings: [Finding]) {
    Blueprint.read(Array(text.utf8), name: "institution.yaml") { name in
        files[name].map { Array($0.utf8) }
    }
}

/// A whole small institution without anything to complain about.
let town = """
    institution: Musterstadt
    kind: municipality
    ags: "05962024"
    vault: /mnt/vault
    structures-from: [people.csv, staff.ldif]
    units:
      - {id: amt, name: Bürgeramt}
      - {id: kasse, parent: amt}
    roles:
      - {id: leitung, unit: amt, holder: anna, deputies: [bernd], essential: true}
    people:
      - {id: anna, name: Anna Muster, unit: amt, reachable: [0170 1], manager: bernd}
      - {id: bernd, name: Bernd Muster, reachable: ["home: Gasse 1"]}
    services:
      - id: wohngeld
        leika: "99107023017000"
        unit: amt
        mtpd: 2 d
        rto: 1 d
        rpo: 4 h
        emergency: read-only
        process: wohngeld.bpmn
        applications: [fach]
    applications:
      - id: fach
        image: registry.example/fach:1
        ports: [8080]
        health: {http: /status, within: 2 min}
        configuration:
          environment: {LANG: de_DE.UTF-8, DB_PASSWORD_FILE: /run/pw}
          files: [{path: /etc/fach.conf, from: fach.conf}]
        secrets: [{data: pw, as: environment DB_PASSWORD}]
        data: [db, akten, pw]
        quiesce: systemctl stop fach
        resume: systemctl start fach
        platforms: [saal]
        needs:
          - {kind: application, name: druck}
          - {kind: mail, stand-in: Fax}
      - {id: druck, image: druck, health: {tcp: 631}, stateless: true}
    data:
      - {id: db, kind: command, dump: pg_dump fach, load: psql fach, timeout: 10 min, rpo: 1 h, categories: D2}
      - id: akten
        kind: files
        paths: [/srv/akten]
        exclude: "*.tmp"
        rpo: 1 h
        categories: [D2, D3]
        protection: {confidentiality: high}
      - {id: pw, kind: secret, file: /etc/fach/pw, rpo: 1 w}
    platforms:
      - {id: saal, kind: podman, host: reserve, operator: Stadt, country: DE, jurisdiction: DE}
    """

let table = #"""
    Vorname;Nachname;Einheit;Übergeordnete Einheit;Rolle;Vertretung für;Telefon privat;Mail
    Carla;Groß;Standesamt;Bürgeramt;Standesbeamtin;;0171 2|Gasse 2, Musterstadt;c@example.org
    "Dörte ""Dodo""";Weiß;Standesamt;;;Standesbeamtin|leitung;0171 3;
    """#

let export = """
    version: 1
    # made by ldapsearch
    dn: ou=Kämmerei,dc=example
    objectClass: organizationalUnit
    ou: Kämmerei

    dn: uid=emil,ou=Kämmerei,dc=example
    objectClass: inetOrgPerson
    uid: emil
    cn:: RW1pbCBNw7xsbGVy
    mail: emil@
     example.org
    mobile: 0171 4
    title: Sachbearbeiter
    manager: uid=fritz,ou=Kämmerei,dc=example

    dn: uid=fritz,ou=Kämmerei,dc=example
    objectClass: inetOrgPerson
    uid: fritz
    cn: Fritz Schulz

    dn: cn=Kassenleitung,dc=example
    objectClass: groupOfNames
    cn: Kassenleitung
    owner: UID=fritz, OU=Kämmerei, DC=example
    member: uid=emil,ou=Kämmerei,dc=example
    member: uid=fritz,ou=Kämmerei,dc=example
    """

let process = """
    <?xml version="1.0" encoding="UTF-8"?>
    <b:definitions xmlns:b="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d">
      <!-- one step -->
      <b:process id="p"><b:task id="t" name="Prüfen &amp; zahlen"/></b:process>
    </b:definitions>
    """

/// What lies beside it.
let beside = [
    "wohngeld.bpmn": process, "people.csv": table, "staff.ldif": export, "fach.conf": "a = b\n",
]
