// SPDX-License-Identifier: EUPL-1.2
import CCompanions
import Files
import Ground

/// The plain files that lie in every vault, so that it can be opened where nothing else is left:
/// an explanation, the second reader with the format it was written from, and this program.
enum Companions {
    static func all() throws(Trouble) -> [(name: String, bytes: [UInt8])] {
        [
            (name: "README.txt", bytes: Array(readMe.utf8)),
            (name: "rescue.py", bytes: rescue),
            (name: "format.md", bytes: format),
            (name: programName, bytes: try program()),
        ]
    }

    static var programName: String { "program/zwilling-linux-\(Machine.processor())" }

    private static var rescue: [UInt8] {
        // Safe because the C file gives start and size of the same constant array.
        unsafe Array(
            UnsafeBufferPointer(start: zwilling_rescue_py_start(), count: zwilling_rescue_py_size))
    }

    private static var format: [UInt8] {
        // Safe because the C file gives start and size of the same constant array.
        unsafe Array(
            UnsafeBufferPointer(start: zwilling_format_md_start(), count: zwilling_format_md_size))
    }

    /// The one that is running, whatever has become of its file meanwhile.
    private static func program() throws(Trouble) -> [UInt8] {
        do throws(SystemError) {
            return try Machine.readWhole(Array("/proc/self/exe".utf8), upTo: 256 << 20)
        } catch {
            throw error.trouble(
                Words("Cannot read this program itself", de: "Dieses Programm ist nicht lesbar:"))
        }
    }

    /// In both languages: who finds the directory in twenty years need not be who made it.
    private static let readMe = """
        THIS DIRECTORY IS A ZWILLING VAULT
        ==================================

        It holds a sealed copy ("twin") of files, as they were at several moments. Nothing in it
        can be read without the passphrase. Do not change, rename or remove anything in here; to
        move the vault, copy the whole directory.

        To get the data back you need this directory and the passphrase, nothing else. The recovery
        sheet, printed when the vault was made, tells where the passphrase is and shows the
        fingerprints to compare.

        With the program that lies in here (Linux):

            cp program/zwilling-linux-x86_64 /tmp/zwilling && chmod +x /tmp/zwilling
            /tmp/zwilling snapshots --vault .
            /tmp/zwilling restore latest --vault . --to /where/it/shall/go

        Without it, with Python 3.11 or newer (Debian has it since version 12):

            python3 rescue.py . --list
            python3 rescue.py . --to /where/it/shall/go

        rescue.py was written from format.md alone and shares no code with the program.
        format.md says what every byte in here means.


        DIESES VERZEICHNIS IST EIN ZWILLING-TRESOR
        ==========================================

        Es enthält eine versiegelte Kopie („Zwilling“) von Dateien, wie sie zu mehreren Zeitpunkten
        waren. Ohne die Passphrase ist nichts davon lesbar. Hier bitte nichts ändern, umbenennen
        oder löschen; zum Umziehen das ganze Verzeichnis kopieren.

        Um die Daten zurückzuholen, braucht man dieses Verzeichnis und die Passphrase, sonst
        nichts. Das Wiederherstellungsblatt, das beim Anlegen gedruckt wurde, sagt, wo die
        Passphrase ist, und nennt die Fingerabdrücke zum Vergleichen.

        Mit dem Programm, das hier liegt (Linux):

            cp program/zwilling-linux-x86_64 /tmp/zwilling && chmod +x /tmp/zwilling
            /tmp/zwilling snapshots --vault .
            /tmp/zwilling restore latest --vault . --to /wohin/es/soll

        Ohne das Programm, mit Python ab 3.11 (in Debian ab Version 12 enthalten):

            python3 rescue.py . --list
            python3 rescue.py . --to /wohin/es/soll

        rescue.py wurde allein nach format.md geschrieben und teilt keinen Code mit dem Programm.
        format.md sagt, was jedes Byte hier bedeutet (auf Englisch).

        """.replacing("program/zwilling-linux-x86_64", with: programName)
}
