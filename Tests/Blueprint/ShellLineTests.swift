// SPDX-License-Identifier: EUPL-1.2
import Blueprint
import Foundation
import Testing

@Suite("Passwords in commands")
struct ShellLineTests {
    private static func warns(_ line: String) -> Bool {
        let quoted = line.replacingOccurrences(of: "'", with: "''")
        let text = "institution: X\ndata:\n  - {id: a, kind: command, dump: '\(quoted)'}\n"
        return read(text).findings.contains { $0.code == .passwordInCommand }
    }

    @Test("What looks like one is warned of", arguments: [
        "mysqldump -u root -pgeheim db", "cd /x; /usr/bin/mysqldump -p'geheim' db", "PGPASSWORD=geheim pg_dump x",
        "export PGPASSWORD=geheim && pg_dump x", "tool --password=geheim", "tool --password geheim",
        "tool --db-password='geheim'", "curl https://me:geheim@host/x", "a | mariadb-dump -pX y",
    ])
    func holds(line: String) { #expect(Self.warns(line)) }

    @Test("What names where it is kept is not", arguments: [
        "mysqldump --all-databases --single-transaction", "mysqldump -p db", "pg_dump -p 5432 x", "pg_dump -p5432 x",
        "PGPASSFILE=/etc/pgpass pg_dump x", "pg_dump --no-password x", "tool --password-file /etc/x",
        "tool --password-file=/etc/x", "PGPASSWORD=$(cat /etc/x) pg_dump x", "tool --password \"$P\"", "cd $PWD && ls",
        "mysqldump db | ssh -p22 host", "curl https://host/x", "cp -p a b",
    ])
    func clean(line: String) { #expect(!Self.warns(line)) }
}
