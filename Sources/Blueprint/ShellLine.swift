// SPDX-License-Identifier: EUPL-1.2

/// A command line as a person wrote it, looked at without running it.
enum ShellLine {
    /// Variables and options that are followed by a password.
    private static let names = ["PASSWORD", "PASSWD", "PASSPHRASE", "PWD", "SECRET", "TOKEN"]
    /// What names the file of a password, or asks for it, and is no password.
    private static let endings = ["FILE", "COMMAND", "FD", "STDIN"]
    /// Tools that take a password right behind `-p`.
    private static let mysql = ["mysql", "mysqldump", "mysqladmin", "mysqlpump", "mariadb", "mariadb-dump", "mariadb-admin"]

    /// Whether it looks as if a password stood in it.
    static func holdsPassword(_ line: String) -> Bool {
        var program = ""
        var isNext = false
        for raw in line.split(whereSeparator: { " \t\n".contains($0) }) {
            let word = raw.drop { "(\"'`".contains($0) }
            if ["|", "||", "&&", ";", "&"].contains(word) {
                program = ""
                continue
            }
            if isNext, isValue(word) { return true }
            isNext = false
            if let equals = word.firstIndex(of: "="), isName(word[..<equals]) {
                if isValue(word[word.index(after: equals)...]) { return true }
            } else if word.hasPrefix("--"), isName(word) {
                isNext = true
            } else if mysql.contains(program), word.hasPrefix("-p"), isValue(word.dropFirst(2)) {
                return true
            } else if hasUser(word) {
                return true
            }
            if program.isEmpty, !word.hasPrefix("-"), !word.contains("=") {
                program = String(word.split(separator: "/").last ?? word)
            }
            if word.hasSuffix(";") { program = "" }
        }
        return false
    }

    private static func isName(_ word: Substring) -> Bool {
        let upper = word.uppercased().filter { $0.isLetter }
        guard !endings.contains(where: upper.hasSuffix), upper != "PWD", upper != "OLDPWD",
            !upper.hasPrefix("NO") else { return false }
        return names.contains(where: upper.hasSuffix)
    }

    /// A variable, or what a command says, stands for a password without being one.
    private static func isValue(_ text: Substring) -> Bool {
        let bare = text.drop { "\"'".contains($0) }
        return !bare.isEmpty && !"$`-\"';|&".contains(bare.first ?? "$")
    }

    /// `scheme://user:password@host`
    private static func hasUser(_ word: Substring) -> Bool {
        guard let start = word.firstRange(of: "://") else { return false }
        let authority = word[start.upperBound...].prefix { $0 != "/" }
        guard let at = authority.lastIndex(of: "@"), let colon = authority[..<at].firstIndex(of: ":")
        else { return false }
        return isValue(authority[..<at][authority.index(after: colon)...])
    }
}
