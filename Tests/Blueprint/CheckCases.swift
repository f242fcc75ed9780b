// SPDX-License-Identifier: EUPL-1.2
import Blueprint
import Testing

/// What is changed in the whole town, and what is said about it: place, severity, message, remedy.
struct CheckCase: Sendable, CustomTestStringConvertible {
    let code: Finding.Code
    /// The file that is changed.
    let file: String
    let old: String
    let new: String
    let said: String

    init(
        _ code: Finding.Code, in file: String = "institution.yaml", _ old: String, _ new: String,
        _ said: String
    ) {
        (self.code, self.file, self.old, self.new, self.said) = (code, file, old, new, said)
    }

    var testDescription: String { "\(code.rawValue): \(new)" }
}

extension CheckCase {
    static let all = reading + tables + exports + processes + references + structures + services
        + applications + data

    static let reading: [CheckCase] = [
        CheckCase(.notYAML, "kind: municipality", "kind: [municipality",
            "institution.yaml:3:4: error: This is not YAML: did not find expected ',' or ']'.\nLook at the indentation, colons and quotes here and in the line above."),
        CheckCase(.notYAML, "kind: municipality", "kind: a\nkind: b",
            "institution.yaml:3:1: error: This is not YAML: the key \"kind\" stands here twice.\nLook at the indentation, colons and quotes here and in the line above."),
        CheckCase(.notYAML, "kind: municipality", "kind: *nothing",
            "institution.yaml:2:7: error: This is not YAML: *nothing stands for nothing.\nLook at the indentation, colons and quotes here and in the line above."),
        CheckCase(.notYAML, "kind: municipality", "---\nkind: a",
            "institution.yaml:2:1: error: This is not YAML: a second document begins here.\nLook at the indentation, colons and quotes here and in the line above."),
        CheckCase(.notYAML, "kind: municipality", "kind: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
            "institution.yaml:2:38: error: This is not YAML: too many levels.\nLook at the indentation, colons and quotes here and in the line above."),
        CheckCase(.keyIsNoText, "kind: municipality", "[kind]: municipality",
            "institution.yaml:2:1: error: A key must be a word.\nWrite it as \"word: value\"."),
        CheckCase(.missingKey, "institution: Musterstadt\n", "",
            "institution.yaml:1:1: error: \"institution\" is missing here.\nAdd \"institution: …\" (its name)."),
        CheckCase(.missingKey, "kind: command, dump: pg_dump fach,", "kind: command,",
            "institution.yaml:42:5: error: \"dump\" is missing here.\nAdd \"dump: …\" (shell command whose output is captured; anything but exit code 0 means no snapshot)."),
        CheckCase(.unknownKey, "quiesce:", "quiece:",
            "institution.yaml:34:5: error: There is no key \"quiece\" here.\nDid you mean \"quiesce\"?"),
        CheckCase(.unknownKey, "kind: municipality", "colour: green",
            "institution.yaml:2:1: error: There is no key \"colour\" here.\nKnown here: institution, kind, ags, vault, units, roles, people, structures-from, services, applications, data, platforms, image-policy, lease."),
        CheckCase(.unknownKey, "paths: [/srv/akten]", "paths: [/srv/akten]\n    dump: x",
            "institution.yaml:46:5: error: This key is for data sets of kind \"command\".\nKnown here: id, kind, host, rpo, protection, categories, paths, exclude, one-file-system, complete-marker."),
        CheckCase(.unknownWord, "kind: files", "kind: filse",
            "institution.yaml:44:11: error: \"filse\" is nothing that \"kind\" can be.\nDid you mean \"files\"? Possible: files, command, postgres, secret."),
        CheckCase(.unknownWord, "kind: podman", "kind: zeppelin",
            "institution.yaml:52:22: error: \"zeppelin\" is nothing that \"kind\" can be.\nPossible: podman, process, kubernetes."),
        CheckCase(.wrongValue, "name: Bürgeramt", "name: [Bürgeramt]",
            "institution.yaml:7:21: error: \"name\" must be a text.\nFor example \"name: words\"."),
        CheckCase(.wrongValue, "name: Bürgeramt", "name: \"\"",
            "institution.yaml:7:21: error: \"name\" must be a text that is not empty.\nFor example \"name: words\"."),
        CheckCase(.wrongValue, "essential: true", "essential: perhaps",
            "institution.yaml:10:74: error: \"essential\" must be true or false.\nFor example \"essential: true\"."),
        CheckCase(.wrongValue, "ports: [8080]", "ports: [http]",
            "institution.yaml:27:13: error: \"ports\" must be a number.\nFor example \"ports: 8080\"."),
        CheckCase(.wrongValue, "tcp: 631", "tcp: 70000",
            "institution.yaml:40:45: error: \"tcp\" must be a port from 1 to 65535.\nFor example \"tcp: 8080\"."),
        CheckCase(.wrongValue, "secrets: [{data: pw, as: environment DB_PASSWORD}]", "secrets: pw",
            "institution.yaml:32:14: error: \"secrets\" must be a list, each of its items after a dash.\nFor example \"secrets: [{id: first}]\"."),
        CheckCase(.wrongValue, "secrets: [{data: pw, as: environment DB_PASSWORD}]", "secrets: [pw]",
            "institution.yaml:32:15: error: \"secrets\" must be an item with keys.\nFor example \"secrets: [{id: first}]\"."),
        CheckCase(.wrongValue, "protection: {confidentiality: high}", "protection: high",
            "institution.yaml:49:17: error: \"protection\" must be keys with values.\nFor example \"protection: {confidentiality: high}\"."),
        CheckCase(.wrongValue, "environment: {LANG: de_DE.UTF-8,", "environment: {LANG: [de],",
            "institution.yaml:30:27: error: \"environment\" must be names with one value each.\nFor example \"environment: {LANG: de_DE.UTF-8}\"."),
        CheckCase(.wrongValue, "timeout: 10 min", "timeout: ten",
            "institution.yaml:42:75: error: \"timeout\" must be a span of time in s, min, h, d or w.\nFor example \"timeout: 4 h\"."),
        CheckCase(.wrongValue, "id: akten\n", "id: Akten\n",
            "institution.yaml:43:9: error: \"id\" must be up to 63 small letters a to z, digits and dashes.\nFor example \"id: wohngeld-db\"."),
        CheckCase(.wrongValue, "stateless: true", "stateless: true, cores: many",
            "institution.yaml:40:75: error: \"cores\" must be a number from 1 to 1024.\nFor example \"cores: 2\"."),
        CheckCase(.wrongValue, "stateless: true", "stateless: true, memory: 4 gigs",
            "institution.yaml:40:76: error: \"memory\" must be a size in MiB, GiB or TiB.\nFor example \"memory: 4 GiB\"."),
        CheckCase(.wrongValue, "file: /etc/fach/pw", "file: pw",
            "institution.yaml:50:34: error: \"file\" must be a path that begins with /.\nFor example \"file: /srv/akten\"."),
        CheckCase(.wrongValue, "vault: /mnt/vault", "vault: vault",
            "institution.yaml:4:8: error: \"vault\" must be a path that begins with /, or s3://HOST/BUCKET.\nFor example \"vault: /mnt/backup/vault\"."),
        CheckCase(.wrongValue, "paths: [/srv/akten]", "paths: [akten]",
            "institution.yaml:45:13: error: \"paths\" must be paths that begin with /.\nFor example \"paths: [/srv/akten]\"."),
        CheckCase(.wrongValue, "[D2, D3]", "[D2, D9]",
            "institution.yaml:48:22: error: \"categories\" must be one of D0, D1 … D7.\nFor example \"categories: [D2, D4]\"."),
        CheckCase(.wrongValue, "country: DE", "country: Germany",
            "institution.yaml:52:71: error: \"country\" must be a country's two capital letters, or EU.\nFor example \"country: DE\"."),
        CheckCase(.wrongValue, "{LANG: de_DE.UTF-8,", "{2LANG: de_DE.UTF-8,",
            "institution.yaml:30:21: error: \"environment\" must be names of letters, digits and _.\nFor example \"environment: {TIME_ZONE: Europe/Berlin}\"."),
        CheckCase(.wrongValue, "http: /status", "http: status",
            "institution.yaml:28:20: error: \"http\" must be what follows the port in an address, from / on.\nFor example \"http: /status\"."),
        CheckCase(.wrongValue, "as: environment DB_PASSWORD", "as: variable DB_PASSWORD",
            "institution.yaml:32:30: error: \"as\" must be \"environment NAME\" or \"file PATH\".\nFor example \"as: environment DB_PASSWORD\"."),
        CheckCase(.fileMissing, "from: fach.conf", "from: other.conf",
            "institution.yaml:31:44: error: There is no file \"other.conf\" that can be read (up to 4 MiB).\nPut it beside the blueprint."),
        CheckCase(.fileMissing, "wohngeld.bpmn", "other.bpmn",
            "institution.yaml:22:14: error: There is no file \"other.bpmn\" that can be read (up to 4 MiB).\nPut it beside the blueprint."),
        CheckCase(.fileElsewhere, "wohngeld.bpmn", "../wohngeld.bpmn",
            "institution.yaml:22:14: error: \"../wohngeld.bpmn\" does not lie beside the blueprint.\nPut it there, and name it by a path without \"..\" and not from \"/\" on."),
        CheckCase(.notStructures, "[people.csv,", "[fach.conf,",
            "institution.yaml:5:19: error: \"fach.conf\" is neither a table nor an export of a directory.\nExport it as CSV or LDIF; its name ends in .csv or .ldif."),
    ]

    static let tables: [CheckCase] = [
        CheckCase(.notCSV, in: "people.csv", table, "\n\n",
            "people.csv:1:1: error: This is not CSV: there is no line with headings.\nBegin with a line such as \"name;unit;mail\"."),
        CheckCase(.notCSV, in: "people.csv", "Weiß", "\"Weiß",
            "people.csv:3:18: error: This is not CSV: this quote is never closed.\nClose it, or take it out."),
        CheckCase(.notCSV, in: "people.csv", "Groß", "Gr\"oß",
            "people.csv:2:9: error: This is not CSV: a quote stands in the middle of a cell.\nPut the whole cell in quotes, and write quotes in it twice."),
        CheckCase(.notCSV, in: "people.csv", "Groß", "\"Groß\" x",
            "people.csv:2:13: error: This is not CSV: text stands after the closing quote.\nPut the whole cell in quotes, and write quotes in it twice."),
        CheckCase(.notCSV, in: "people.csv", "Groß", "\0",
            "people.csv:2:7: error: This is not CSV: a NUL stands here.\nExport it again as CSV; this is another format."),
        CheckCase(.notCSV, in: "people.csv", "Groß;", "Groß;;",
            "people.csv:2:1: error: This is not CSV: this line has another number of cells than the headings.\nLook for a separator too many or too few; put cells that hold one in quotes."),
        CheckCase(.columnMissing, in: "people.csv", "Nachname", "Ortsteil",
            "people.csv:1:1: error: No column holds names.\nCall one \"name\", or two \"first name\" and \"last name\"."),
        CheckCase(.columnIgnored, in: "people.csv", "Mail", "Mial",
            "people.csv:1:84: hint: Nothing is read from these columns: Mial.\nDid you mean \"mail\"?"),
        CheckCase(.columnIgnored, in: "people.csv", "Mail", "Besoldungsgruppe",
            "people.csv:1:84: hint: Nothing is read from these columns: Besoldungsgruppe.\nThe headings that are known are in docs/blueprint.md; else leave them out."),
        CheckCase(.cellEmpty, in: "people.csv", "Carla;Groß;Standesamt;Bürgeramt", ";;;",
            "people.csv:2:1: error: This line names neither a person nor a unit.\nFill in the name, or take the line out."),
        CheckCase(.noIDFromName, in: "people.csv", "Carla;Groß", "カ;ラ",
            "people.csv:2:1: error: No id can be made of \"カ ラ\".\nGive one in a column \"id\" or as \"uid\": small letters a to z, digits and dashes."),
        CheckCase(.secondHolder, in: "people.csv", "Bürgeramt;Standesbeamtin;", "Bürgeramt;leitung;",
            "people.csv:2:33: error: The role \"leitung\" has a holder already: anna.\nLet one of them stand in: in a table under \"deputy for\", in a group as \"member\" beside an \"owner\"."),
        CheckCase(.duplicateID, in: "people.csv", "Carla;Groß", "Anna;",
            "people.csv:2:1: error: There is a person \"anna\" already, at institution.yaml:12:10.\nGive one of them another id."),
    ]

    static let exports: [CheckCase] = [
        CheckCase(.notLDIF, in: "staff.ldif", "uid: emil\n", "uid emil\n",
            "staff.ldif:9:1: error: This is not LDIF: this line has no colon.\nWrite it as \"attribute: value\"; continue a line with a blank."),
        CheckCase(.notLDIF, in: "staff.ldif", "dn: uid=emil,", "uid: emil,",
            "staff.ldif:7:1: error: This is not LDIF: an entry must begin with \"dn:\".\nBegin it so, and leave an empty line between entries only."),
        CheckCase(.notLDIF, in: "staff.ldif", "version: 1", " version: 1",
            "staff.ldif:1:1: error: This is not LDIF: this line continues nothing.\nTake out the blank at its beginning."),
        CheckCase(.notLDIF, in: "staff.ldif", "RW1pbCBNw7xsbGVy", "RW1p!CBN",
            "staff.ldif:10:6: error: This is not LDIF: this is not base64.\nExport it again, or write one colon where the value is text."),
        CheckCase(.notLDIF, in: "staff.ldif", "title: Sach", "jpegPhoto:< file:///x Sach",
            "staff.ldif:14:1: error: This is not LDIF: this value lies in another file.\nExport it with the values themselves."),
        CheckCase(.notLDIF, in: "staff.ldif", "objectClass: groupOfNames", "changetype: delete",
            "staff.ldif:23:1: error: This is not LDIF: this is a list of changes.\nExport the entries, for example with \"ldapsearch -LLL\"."),
        CheckCase(.notLDIF, in: "staff.ldif", "version: 1", "version: 2",
            "staff.ldif:1:10: error: This is not LDIF: this version of LDIF is not known.\nExport it as version 1."),
        CheckCase(.memberUnknown, in: "staff.ldif", "member: uid=emil", "member: uid=emilia",
            "staff.ldif:26:9: warning: The export has no person \"uid=emilia,ou=Kämmerei,dc=example\".\nExport the people along with the groups, or take this out."),
        CheckCase(.passwordsInDirectory, in: "staff.ldif", "title: Sach", "userPassword: Sach",
            "staff.ldif:14:15: warning: The export holds passwords (userpassword).\nExport only what is needed: dn, objectClass, cn, uid, mail, mobile, ou, title, manager, member, owner."),
        CheckCase(.noIDFromName, in: "staff.ldif", "uid: fritz\ncn: Fritz Schulz", "cn: Φ",
            "staff.ldif:19:5: error: No id can be made of \"Φ\".\nGive one in a column \"id\" or as \"uid\": small letters a to z, digits and dashes."),
    ]

    static let processes: [CheckCase] = [
        CheckCase(.notXML, in: "wohngeld.bpmn", "UTF-8", "EBCDIC",
            "wohngeld.bpmn:1:1: error: This is not XML: its encoding is not known.\nSave it as UTF-8."),
        CheckCase(.notXML, in: "wohngeld.bpmn", process, "<?xml version=\"1.0\"?>\n",
            "wohngeld.bpmn:1:1: error: This is not XML: there is no element in it.\nExport it again from the program that made it."),
        CheckCase(.notXML, in: "wohngeld.bpmn", "</b:definitions>", "</b:definitions> x",
            "wohngeld.bpmn:5:18: error: This is not XML: something stands outside the one element.\nExport it again from the program that made it."),
        CheckCase(.notXML, in: "wohngeld.bpmn", "</b:process>", "</b:process x>",
            "wohngeld.bpmn:4:64: error: This is not XML: a tag is not well formed.\nExport it again from the program that made it."),
        CheckCase(.notXML, in: "wohngeld.bpmn", "id=\"t\"", "name=\"t\"",
            "wohngeld.bpmn:4:38: error: This is not XML: an attribute is not well formed, or stands here twice.\nExport it again from the program that made it."),
        CheckCase(.notXML, in: "wohngeld.bpmn", "<b:process", "<c:process",
            "wohngeld.bpmn:4:3: error: This is not XML: nothing says what this prefix means.\nExport it again from the program that made it."),
        CheckCase(.notXML, in: "wohngeld.bpmn", "&amp;", "&uuml;",
            "wohngeld.bpmn:4:49: error: This is not XML: this entity is not known.\nExport it again from the program that made it."),
        CheckCase(.notXML, in: "wohngeld.bpmn", "</b:process>", "</b:task>",
            "wohngeld.bpmn:4:64: error: This is not XML: another element ends here than begun last.\nExport it again from the program that made it."),
        CheckCase(.notXML, in: "wohngeld.bpmn", "</b:definitions>", "",
            "wohngeld.bpmn:2:1: error: This is not XML: this is never closed.\nExport it again from the program that made it."),
        CheckCase(.notXML, in: "wohngeld.bpmn", "<!-- one step -->", "<!DOCTYPE x>",
            "wohngeld.bpmn:3:3: error: This is not XML: a document type is not taken.\nTake out the line with DOCTYPE."),
        CheckCase(.notXML, in: "wohngeld.bpmn", "<b:task", String(repeating: "<b:task>", count: 200) + "<b:task",
            "wohngeld.bpmn:4:1605: error: This is not XML: too many levels.\nExport it again from the program that made it."),
        CheckCase(.notBPMN, in: "wohngeld.bpmn", "BPMN/20100524/MODEL", "DMN/20100524/MODEL",
            "wohngeld.bpmn:2:1: error: This is not BPMN 2.0: it begins with \"definitions\" of \"http://www.omg.org/spec/DMN/20100524/MODEL\".\nExport it as BPMN 2.0 XML; an XProzess holds it as a zip in base64."),
        CheckCase(.noProcess, in: "wohngeld.bpmn", "  <b:process id=\"p\"><b:task id=\"t\" name=\"Prüfen &amp; zahlen\"/></b:process>", "",
            "wohngeld.bpmn:2:1: warning: There is no process in it.\nIs it the right file?"),
    ]

    static let references: [CheckCase] = [
        CheckCase(.duplicateID, "{id: kasse, parent: amt}", "{id: amt}",
            "institution.yaml:8:10: error: There is a unit \"amt\" already, at institution.yaml:7:10.\nGive one of them another id."),
        CheckCase(.reservedID, "{id: db,", "{id: blueprint,",
            "institution.yaml:42:10: error: The blueprint itself goes by this name.\nChoose another id."),
        CheckCase(.reservedID, "{id: db,", "{id: images,",
            "institution.yaml:42:10: error: The container images go by this name.\nChoose another id."),
        CheckCase(.fileMissing, "kind: municipality", "image-policy: policy.json",
            "institution.yaml:2:15: error: There is no file \"policy.json\" that can be read (up to 4 MiB).\nPut it beside the blueprint."),
        CheckCase(.danglingReference, "parent: amt", "parent: ant",
            "institution.yaml:8:25: error: There is no unit \"ant\".\nDid you mean \"amt\"?"),
        CheckCase(.danglingReference, "applications: [fach]", "applications: [fahc]",
            "institution.yaml:23:20: error: There is no application \"fahc\".\nDid you mean \"fach\"?"),
        CheckCase(.danglingReference, "name: druck}", "name: druk}",
            "institution.yaml:38:35: error: There is no application \"druk\".\nDid you mean \"druck\"?"),
        CheckCase(.danglingReference, "data: [db,", "data: [dbb,",
            "institution.yaml:33:12: error: There is no data set \"dbb\".\nDid you mean \"db\"?"),
        CheckCase(.danglingReference, "{data: pw,", "{data: pww,",
            "institution.yaml:32:22: error: There is no data set \"pww\".\nDid you mean \"pw\"?"),
        CheckCase(.danglingReference, "deputies: [bernd]", "deputies: [zoe]",
            "institution.yaml:10:55: error: There is no person \"zoe\".\nDescribe it, or take the reference out."),
        CheckCase(.danglingReference, "manager: bernd", "manager: brend",
            "institution.yaml:12:76: error: There is no person \"brend\".\nDid you mean \"bernd\"?"),
        CheckCase(.danglingReference, "platforms: [saal]", "platforms: [saall]",
            "institution.yaml:36:17: error: There is no platform \"saall\".\nDid you mean \"saal\"?"),
        CheckCase(.circularReference, "{id: amt, name: Bürgeramt}", "{id: amt, parent: kasse, name: Bürgeramt}",
            "institution.yaml:8:25: error: This leads in a circle: amt → kasse → amt.\nTake out one of them: what would have to be there first?"),
        CheckCase(.circularReference, "reachable: [\"home: Gasse 1\"]", "reachable: [\"home: Gasse 1\"], manager: anna",
            "institution.yaml:13:76: error: This leads in a circle: anna → bernd → anna.\nTake out one of them: what would have to be there first?"),
        CheckCase(.circularReference, "stateless: true}", "stateless: true, needs: [{kind: application, name: fach}]}",
            "institution.yaml:38:35: error: This leads in a circle: druck → fach → druck.\nTake out one of them: what would have to be there first?"),
    ]

    static let structures: [CheckCase] = [
        CheckCase(.badAGS, "\"05962024\"", "5962024",
            "institution.yaml:3:6: error: \"5962024\" is no AGS.\nIt has eight digits; put them in quotes, as the first may be 0."),
        CheckCase(.nobodyInRole, "holder: anna, ", "",
            "institution.yaml:10:10: warning: Nobody has the essential role \"leitung\".\nName a \"holder\"."),
        CheckCase(.noDeputy, "roles:\n", "roles:\n  - {id: b, holder: bernd, deputies: [bernd], essential: true}\n",
            "institution.yaml:10:10: warning: Nobody stands in for the essential role \"b\".\nName somebody else under \"deputies\"."),
        CheckCase(.notReachable, ", reachable: [0170 1]", "",
            "institution.yaml:12:10: warning: Anna Muster, needed as \"leitung\", cannot be reached without the office network.\nAdd \"reachable\", for example a private telephone."),
        CheckCase(.noRoles, ", essential: true", "",
            "institution.yaml:1:1: hint: There is no essential role: in a crisis nobody is known to be in charge.\nDescribe at least one under \"roles\"."),
    ]

    static let services: [CheckCase] = [
        CheckCase(.rtoAboveMTPD, "rto: 1 d", "rto: 3 d",
            "institution.yaml:19:10: error: The RTO of 3 d is longer than the MTPD of 2 d.\nIt must go on before the damage is unbearable: shorten \"rto\", or reconsider \"mtpd\"."),
        CheckCase(.essentialWithoutTimes, "    rpo: 4 h\n", "",
            "institution.yaml:15:9: warning: Service \"wohngeld\" may be gone for 2 d only, but nothing says in which time it must be back or how much may be lost.\nAdd \"rto\" and \"rpo\"."),
        CheckCase(.rpoTooLong, "    exclude: \"*.tmp\"\n    rpo: 1 h", "    rpo: 1 d",
            "institution.yaml:46:10: warning: The copy of \"akten\" may be 1 d old, but service \"wohngeld\" must not lose more than 4 h.\nShorten the \"rpo\" of the data set."),
        CheckCase(.leikaForm, "\"99107023017000\"", "\"9910702301700\"",
            "institution.yaml:16:12: error: \"9910702301700\" is no LeiKa key.\nIt has 14 digits and begins with 99; \"zwilling leika WORD\" finds it. Leave it out for what is no public service."),
        CheckCase(.leikaUnknown, "99107023017000", "99107023071000",
            "institution.yaml:16:12: warning: LeiKa key 99107023071000 is not in the list of 2019 that Zwilling carries.\nDid you mean 99107023017000 (Wohngeld Bewilligung)? It may be newer: compare it with fimportal.de, and give the key of 2019 as \"leika-earlier\"."),
        CheckCase(.leikaUnknown, "99107023017000", "99999999999999",
            "institution.yaml:16:12: warning: LeiKa key 99999999999999 is not in the list of 2019 that Zwilling carries.\nDid you mean 99107023000000 (Wohngeld)? It may be newer: compare it with fimportal.de, and give the key of 2019 as \"leika-earlier\"."),
        CheckCase(.serviceWithoutMeans, "    process: wohngeld.bpmn\n    applications: [fach]\n", "",
            "institution.yaml:15:9: hint: Nothing says how service \"wohngeld\" is produced, so nobody can tell whether it would go on.\nAdd \"applications\" or \"process\"."),
        CheckCase(.noMTPD, "    mtpd: 2 d\n", "",
            "institution.yaml:15:9: hint: Without \"mtpd\" nobody can tell what must come back first: wohngeld.\nSay how long they may be gone, for example \"mtpd: 3 d\"."),
        CheckCase(.noServices, "services:", "services: []\nx:",
            "institution.yaml:1:1: hint: There is no service: nobody can tell what would go on without the original.\nDescribe what others get from you under \"services\"."),
    ]

    static let applications: [CheckCase] = [
        CheckCase(.unprotectedApplication, ", stateless: true", "",
            "institution.yaml:40:10: warning: Nothing of application \"druck\" is protected.\nName its data sets under \"data\", or say \"stateless: true\"."),
        CheckCase(.quiesceWithoutResume, "    resume: systemctl start fach\n", "",
            "institution.yaml:34:14: error: What is made to hold still must be let go on.\nAdd \"resume\"."),
        CheckCase(.needWithoutName, ", name: druck}", "}",
            "institution.yaml:38:9: error: Which application does \"fach\" need?\nAdd \"name\"."),
        CheckCase(.needWithoutStandIn, ", stand-in: Fax", "",
            "institution.yaml:39:9: warning: \"fach\" needs mail, and nothing takes its place when that is gone.\nAdd \"stand-in\": what people do or which program runs instead."),
        CheckCase(.needWithoutStandIn, "name: druck}", "name: druck, provider: Kreis}",
            "institution.yaml:38:9: warning: \"fach\" needs application \"druck\", and nothing takes its place when that is gone.\nAdd \"stand-in\": what people do or which program runs instead."),
        CheckCase(.healthFromOne, "{tcp: 631}", "{tcp: 631, command: lpstat}",
            "institution.yaml:40:39: error: Health is asked for by \"http\", \"tcp\" or \"command\".\nName exactly one of them."),
        CheckCase(.healthWithoutPort, "ports: [8080]", "ports: [8080, 8443]",
            "institution.yaml:28:13: error: On which port is \"fach\" to be asked? It has 2.\nAdd \"port\"."),
        CheckCase(.secretInConfiguration, "DB_PASSWORD_FILE: /run/pw", "ADMIN_PASSWORD: x",
            "institution.yaml:30:56: error: \"ADMIN_PASSWORD\" looks like a secret, and everybody may read a blueprint.\nMake it a data set of kind secret, and hand it over under \"secrets\" as \"environment ADMIN_PASSWORD\"."),
        CheckCase(.secretInConfiguration, "DB_PASSWORD_FILE: /run/pw", "DB: postgres://u:p@db/x",
            "institution.yaml:30:44: error: \"DB\" looks like a secret, and everybody may read a blueprint.\nMake it a data set of kind secret, and hand it over under \"secrets\" as \"environment DB\"."),
        CheckCase(.notASecret, "{data: pw,", "{data: db,",
            "institution.yaml:32:22: error: \"db\" is of kind command.\nName a data set of kind secret."),
        CheckCase(.placedTwice, "DB_PASSWORD_FILE: /run/pw", "DB_PASSWORD: \"\"",
            "institution.yaml:32:30: error: Something else is put there already: environment DB_PASSWORD.\nChoose another place."),
        CheckCase(.noImage, "image: druck, ", "",
            "institution.yaml:40:10: hint: Without \"image\" nobody can start these elsewhere: druck.\nName the container image, with its digest where it must be the same, or under \"process\" a command."),
        CheckCase(.noServer, "kind: command, dump: pg_dump fach, load: psql fach, timeout: 10 min,", "kind: postgres, connection: user=zw,",
            "institution.yaml:42:10: hint: Without \"server\" nobody can start these in containers: db.\nName a container image with the same PostgreSQL, such as \"server: {image: …}\"."),
        CheckCase(.trialFromOne, "stateless: true", "stateless: true, trials: [{name: prints}]",
            "institution.yaml:40:77: error: A trial asks by \"http\", \"sql\" or \"command\".\nName exactly one of them."),
        CheckCase(.trialFromOne, "stateless: true", "stateless: true, trials: [{name: prints, command: lpstat, http: /}]",
            "institution.yaml:40:77: error: A trial asks by \"http\", \"sql\" or \"command\".\nName exactly one of them."),
        CheckCase(.wrongValue, "stateless: true", "stateless: true, trials: [{name: prints, http: status, port: 631}]",
            "institution.yaml:40:98: error: \"http\" must be what follows the port in an address, from / on.\nFor example \"http: /status\"."),
        CheckCase(.missingKey, "stateless: true", "stateless: true, trials: [{name: prints, sql: select 1}]",
            "institution.yaml:40:77: error: \"data\" is missing here.\nAdd \"data: …\" (the data set of the query)."),
        CheckCase(.queryOfNoCluster, "stateless: true", "stateless: true, trials: [{name: prints, sql: select 1, data: akten}]",
            "institution.yaml:40:113: error: \"akten\" is of kind files, which answers no query.\nName a data set of kind postgres."),
        CheckCase(.healthWithoutPort, "stateless: true", "stateless: true, trials: [{name: prints, http: /}]",
            "institution.yaml:40:77: error: On which port is \"druck\" to be asked? It has 0.\nAdd \"port\"."),
        CheckCase(.unknownPlaceholder, "LANG: de_DE.UTF-8", "DB: \"host={host:dv}\"",
            "institution.yaml:30:25: error: Nothing here is called {host:dv}.\nDid you mean {host:db}?"),
        CheckCase(.unknownPlaceholder, "image: druck, ", "image: druck, command: \"run {file:/etc/druck.conf}\", ",
            "institution.yaml:40:40: error: Nothing here is called {file:/etc/druck.conf}.\nDescribe it, or take it out."),
        CheckCase(.danglingReference, "stateless: true", "stateless: true, mounts: [{data: aktn, at: /srv}]",
            "institution.yaml:40:84: error: There is no data set \"aktn\".\nDid you mean \"akten\"?"),
        CheckCase(.noHealth, "health: {tcp: 631}, ", "",
            "institution.yaml:40:10: hint: Without \"health\" nobody can tell whether these work again: druck.\nAdd for example \"health: {tcp: 8080}\"."),
        CheckCase(.noPlatforms, "platforms:\n  - {id: saal", "x:\n  - {id: saal",
            "institution.yaml:1:1: hint: There is no platform: when the original is gone, nobody knows where to start anything.\nDescribe one under \"platforms\"."),
        CheckCase(.platformOfNobody, "    platforms: [saal]\n", "",
            "institution.yaml:51:10: hint: No application is said to run on these: saal.\nName them under \"platforms\" of an application."),
    ]

    static let data: [CheckCase] = [
        CheckCase(.secretFromOne, "file: /etc/fach/pw,", "",
            "institution.yaml:50:5: error: A secret comes from a \"file\" or from a \"command\".\nName exactly one of them."),
        CheckCase(.passwordInBlueprint, "{id: pw, kind: secret, file: /etc/fach/pw,", "{id: pw, kind: postgres, connection: \"host=x password=y\",",
            "institution.yaml:50:42: error: A password does not belong here.\nPut it into ~/.pgpass of the user that protects, or name another file with \"passfile=FILE\"."),
        CheckCase(.excludeRepeatsPath, "exclude: \"*.tmp\"", "exclude: /srv/akten/tmp",
            "institution.yaml:46:14: warning: This pattern matches nothing: it begins below \"/srv/akten\".\nWrite \"/tmp\"."),
        CheckCase(.noPattern, "exclude: \"*.tmp\"", "exclude: [\"*.tmp\", \"[a\"]",
            "institution.yaml:46:24: error: \"[a\" is no pattern: its [ is never closed.\nClose it with ], or write \\[ for the character itself."),
        CheckCase(.noPattern, "exclude: \"*.tmp\"", "exclude: '[[:letter:]]'",
            "institution.yaml:46:14: error: \"[[:letter:]]\" is no pattern: there is no such class of characters.\nKnown are alnum, alpha, blank, cntrl, digit, graph, lower, print, punct, space, upper and xdigit, as in [[:digit:]]."),
        CheckCase(.noPattern, "exclude: \"*.tmp\"", "exclude: 'a\\'",
            "institution.yaml:46:14: error: \"a\\\" is no pattern: nothing follows the \\ at its end.\nWrite \\\\ for the character itself."),
        CheckCase(.noPattern, "exclude: \"*.tmp\"", "exclude: a//b",
            "institution.yaml:46:14: error: \"a//b\" is no pattern: a name in it is empty.\nTake out what is too much of ! and /; for everything write *."),
        CheckCase(.noPattern, "exclude: \"*.tmp\"", "exclude: ./a",
            "institution.yaml:46:14: error: \"./a\" is no pattern: nothing is named \".\" or \"..\".\nName it from the protected directory on: /logs instead of ./logs."),
        CheckCase(.noPattern, "exclude: \"*.tmp\"", "exclude: \"#a\"",
            "institution.yaml:46:14: error: \"#a\" is no pattern.\nTake it out; a # at the start needs a \\ before it."),
        CheckCase(.needTooLow, "confidentiality: high", "confidentiality: normal",
            "institution.yaml:49:35: warning: \"akten\" holds data of category D3, whose need for confidentiality is at least high.\nAdd \"protection: {confidentiality: high}\"."),
        CheckCase(.dataOfNobody, "data: [db, akten, pw]", "data: [db, pw]",
            "institution.yaml:43:9: hint: No application uses \"akten\", so it counts for no service.\nName it under \"data\" of an application."),
        CheckCase(.noRPO, ", rpo: 1 w", "",
            "institution.yaml:50:10: hint: Without \"rpo\" nobody is warned when the copy of \"pw\" gets old.\nSay how old it may be, for example \"rpo: 1 d\"."),
        CheckCase(.hostMissing, "rpo: 1 w}", "rpo: 1 w, host: fach01}",
            "institution.yaml:42:10: warning: Others say on which host they lie; these would be captured by every host that protects: db, akten.\nAdd \"host: NAME\" to each."),
        CheckCase(.passwordInCommand, "dump: pg_dump fach", "dump: PGPASSWORD=geheim pg_dump fach",
            "institution.yaml:42:35: warning: This command looks as if it held a password.\nLet the tool read it from a file of its own, such as ~/.my.cnf or ~/.pgpass."),
        CheckCase(.noCategories, ", categories: D2", "",
            "institution.yaml:42:10: hint: Without \"categories\" nobody can tell where these may lie: db.\nAdd for example \"categories: [D2]\" (personal data)."),
        CheckCase(.noData, "data:\n  - {id: db", "x:\n  - {id: db",
            "institution.yaml:1:1: hint: There is no data set: nothing will be protected.\nDescribe one under \"data\"."),
    ]
}

/// A file of other bytes, and what is said about it.
struct ByteCase: Sendable, CustomTestStringConvertible {
    let code: Finding.Code
    let file: String
    let bytes: @Sendable () -> [UInt8]
    let said: String

    var testDescription: String { "\(code.rawValue): \(said)" }

    private static func foreign(_ text: String) -> [UInt8] { Array(text.utf8) + [0xe4, 0x0a] }

    static let all: [ByteCase] = [
        ByteCase(
            code: .tooLarge, file: "institution.yaml",
            bytes: { [UInt8](repeating: 0x20, count: Blueprint.bytesMax + 1) },
            said: "institution.yaml:1:1: error: The blueprint is larger than 4 MiB.\nIs it the right file?"),
        ByteCase(
            code: .notUTF8, file: "institution.yaml", bytes: { foreign("institution: Bü") },
            said: "institution.yaml:1:16: error: The blueprint is not UTF-8.\nSave it as UTF-8."),
        ByteCase(code: .notAMapping, file: "institution.yaml", bytes: { Array("- a".utf8) },
            said: "institution.yaml:1:1: error: A blueprint consists of keys and values.\nBegin with \"institution: NAME\", or let \"zwilling init\" write one."),
        ByteCase(
            code: .notYAML, file: "institution.yaml",
            bytes: {
                var text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
                for level in 1..<12 {
                    let alias = [String](repeating: "*a\(level - 1)", count: 9)
                    text += "a\(level): &a\(level) [\(alias.joined(separator: ", "))]\n"
                }
                return Array(text.utf8)
            },
            said: "institution.yaml:6:10: error: This is not YAML: too many values.\nLook at the indentation, colons and quotes here and in the line above."),
        ByteCase(code: .notCSV, file: "people.csv", bytes: { foreign("name\nB") },
            said: "people.csv:2:2: error: This is not CSV: this byte is not UTF-8.\nSave it as \"CSV UTF-8\"."),
        ByteCase(
            code: .notCSV, file: "people.csv",
            bytes: { Array("name".utf8) + [UInt8](repeating: 0x3b, count: 2_000_000) },
            said: "people.csv:1:2000005: error: This is not CSV: the table is larger than any institution.\nIs it the right file?"),
        ByteCase(code: .notLDIF, file: "staff.ldif", bytes: { foreign("dn: B") },
            said: "staff.ldif:1:6: error: This is not LDIF: this byte is not UTF-8.\nExport it again; values that are no text belong in base64."),
        ByteCase(
            code: .notLDIF, file: "staff.ldif",
            bytes: { [UInt8](repeating: 0x0a, count: 2_000_001) },
            said: "staff.ldif:2000001:1: error: This is not LDIF: the directory is larger than any institution.\nIs it the right file?"),
        ByteCase(code: .notXML, file: "wohngeld.bpmn", bytes: { foreign("<x>") },
            said: "wohngeld.bpmn:1:4: error: This is not XML: this byte is not UTF-8.\nSave it as UTF-8."),
        ByteCase(code: .notXML, file: "wohngeld.bpmn", bytes: { Array("<x><>".utf8) },
            said: "wohngeld.bpmn:1:4: error: This is not XML: a tag is not well formed.\nExport it again from the program that made it."),
    ]
}
