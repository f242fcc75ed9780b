// SPDX-License-Identifier: EUPL-1.2
import Glibc
import Ground

extension SystemError {
    /// The reason in plain words. What a backup does not meet comes from the C library, in English.
    package var words: Words {
        wordsOfSpace ?? wordsOfAccess ?? wordsOfNames ?? wordsOfDevices ?? wordsOfLimits
            ?? Words(libraryText, de: libraryText)
    }

    private var wordsOfSpace: Words? {
        switch code {
        case ENOSPC:
            Words("no space left on the device",
                de: "kein Platz mehr auf dem Datenträger")
        case EDQUOT: Words("quota used up", de: "Kontingent ausgeschöpft")
        case EFBIG: Words("file too large", de: "Datei zu groß")
        case EMLINK: Words("too many links", de: "zu viele Verweise")
        default: nil
        }
    }

    private var wordsOfAccess: Words? {
        switch code {
        case EROFS: Words("read-only file system", de: "Dateisystem lässt sich nur lesen")
        case EACCES: Words("permission denied", de: "keine Berechtigung")
        case EPERM: Words("operation not permitted", de: "Vorgang nicht erlaubt")
        case EBUSY: Words("in use", de: "wird gerade benutzt")
        case EAGAIN where isLease:
            Words("another program holds it and does not let go of it (lease)",
                de: "ein anderes Programm hält sie fest und gibt sie nicht frei (Lease)")
        case EAGAIN: Words("busy at the moment", de: "im Moment belegt")
        case ETXTBSY: Words("the program is running", de: "das Programm läuft gerade")
        case ENOKEY:
            Words("encrypted, and its key is not loaded",
                de: "verschlüsselt, und der Schlüssel ist nicht geladen")
        default: nil
        }
    }

    private var wordsOfNames: Words? {
        switch code {
        case ENOENT: Words("no such file or directory", de: "Datei oder Verzeichnis fehlt")
        case EEXIST: Words("exists already", de: "gibt es schon")
        case ENOTDIR: Words("not a directory", de: "kein Verzeichnis")
        case EISDIR: Words("is a directory", de: "ist ein Verzeichnis")
        case ENOTEMPTY: Words("directory not empty", de: "Verzeichnis ist nicht leer")
        case ELOOP:
            Words("a symlink, or too many of them", de: "ein symbolischer Verweis, oder zu viele")
        case ENAMETOOLONG: Words("name too long", de: "Name zu lang")
        case EINVAL: Words("invalid name or value", de: "ungültiger Name oder Wert")
        case EILSEQ:
            Words("the file system does not take this name",
                de: "das Dateisystem nimmt diesen Namen nicht an")
        case EXDEV: Words("on another file system", de: "auf einem anderen Dateisystem")
        case ESPIPE: Words("cannot be read at will", de: "lässt sich nicht beliebig lesen")
        default: nil
        }
    }

    private var wordsOfDevices: Words? {
        switch code {
        case EIO, EREMOTEIO: Words("I/O error", de: "Ein-/Ausgabefehler")
        case ENXIO: Words("no such device or address", de: "Gerät oder Adresse fehlt")
        case ENODEV: Words("no such device", de: "Gerät fehlt")
        case ENOMEDIUM: Words("no medium in the drive", de: "kein Medium im Laufwerk")
        case EUCLEAN, EBADMSG:
            Words("the file system is damaged", de: "das Dateisystem ist beschädigt")
        case ESTALE: Words("stale file handle", de: "veralteter Dateiverweis")
        case ENOTCONN:
            Words("the file system is not connected", de: "das Dateisystem ist nicht verbunden")
        case ETIMEDOUT: Words("timed out", de: "Zeit abgelaufen")
        case EHOSTDOWN, EHOSTUNREACH:
            Words("the server cannot be reached", de: "der Server ist nicht erreichbar")
        default: nil
        }
    }

    private var wordsOfLimits: Words? {
        switch code {
        case EMFILE: Words("too many open files", de: "zu viele offene Dateien")
        case ENFILE:
            Words("too many open files in the system", de: "zu viele offene Dateien im System")
        case ENOMEM: Words("out of memory", de: "kein Speicher mehr")
        case EOVERFLOW: Words("value too large", de: "Wert zu groß")
        case ERANGE, E2BIG: Words("too much data", de: "zu viele Daten")
        case ENODATA: Words("no such attribute", de: "Attribut fehlt")
        case ENOTSUP, ENOSYS, ENOTTY:
            Words("not supported by the file system", de: "das Dateisystem kann das nicht")
        default: nil
        }
    }

    /// Nothing else keeps an open of the local system from being done at once.
    private var isLease: Bool { code == EAGAIN && operation == "openat" }

    private var libraryText: String {
        // Safe because the text belongs to this thread until its next call, and is copied here.
        guard let text = unsafe strerror(code) else { return "errno \(code)" }
        return unsafe String(cString: text)
    }

    /// What to do next, where that does not depend on what was tried.
    var usualAdvice: Words? {
        switch code {
        case EMFILE, ENFILE:
            // The limit that anybody may raise is raised already.
            Words("Allow more open files: \"ulimit -Hn\" shows how many there may be, "
                    + "LimitNOFILE= sets it for a service.",
                de: "Mehr offene Dateien erlauben: „ulimit -Hn“ zeigt die Grenze, LimitNOFILE= "
                    + "setzt sie für einen Dienst.")
        case EAGAIN where isLease:
            Words("A file server such as Samba holds it for a computer that has it open: close it "
                    + "there, or see what keeps the server.",
                de: "Ein Dateiserver wie Samba hält sie für einen Rechner, der sie offen hat: sie "
                    + "dort schließen oder nachsehen, was den Server aufhält.")
        case EIO, EREMOTEIO, EUCLEAN, EBADMSG:
            Words("The disk may be failing: look into \"dmesg\", and check the file system.",
                de: "Der Datenträger ist vielleicht defekt: in „dmesg“ nachsehen und das "
                    + "Dateisystem prüfen.")
        case ESTALE, ENOTCONN, EHOSTDOWN, EHOSTUNREACH, ENODEV, ENXIO, ETIMEDOUT:
            Words("Check that the disk or server is connected, and mount it again.",
                de: "Prüfen, ob Datenträger oder Server verbunden ist, und neu einhängen.")
        default: adviceByKind
        }
    }

    private var adviceByKind: Words? {
        switch kind {
        case .full:
            Words("Free some space there, or choose another place.",
                de: "Dort Platz schaffen oder einen anderen Ort wählen.")
        case .readOnly:
            Words("Mount it for writing, or choose another place.",
                de: "Zum Schreiben einhängen oder einen anderen Ort wählen.")
        case .denied:
            Words("Run Zwilling as a user who may do this, for example with \"sudo\".",
                de: "Zwilling als Benutzer starten, der das darf, zum Beispiel mit „sudo“.")
        case .missing:
            Words("Check how it is spelt, and that its disk is mounted.",
                de: "Schreibweise prüfen, und ob der Datenträger eingehängt ist.")
        case .exists:
            Words("Choose another name, or move away what is there.",
                de: "Einen anderen Namen wählen oder das Vorhandene wegräumen.")
        case .busy:
            Words("Try again in a moment.", de: "Gleich noch einmal versuchen.")
        default: nil
        }
    }
}
