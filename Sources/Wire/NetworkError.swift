// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import NIOCore

/// What Linux says of networks, by its numbers (asm-generic/errno.h).
enum NetworkError: Int32 {
    case denied = 13
    case addressTaken = 98
    case addressAbsent = 99
    case networkUnreachable = 101
    case reset = 104
    case timedOut = 110
    case refused = 111
    case hostUnreachable = 113

    init?(_ error: IOError) { self.init(rawValue: error.errnoCode) }

    private var words: Words? {
        switch self {
        case .denied: nil
        case .addressTaken:
            Words("another program listens there", de: "dort lauscht schon ein anderes Programm")
        case .addressAbsent:
            Words(
                "this machine does not have that address",
                de: "dieser Rechner hat die Adresse nicht")
        case .networkUnreachable, .hostUnreachable:
            Words("no way leads there", de: "dorthin führt kein Weg")
        case .reset:
            Words("the other end broke off", de: "die Gegenseite hat abgebrochen")
        case .timedOut: Words("nobody answers", de: "niemand antwortet")
        case .refused: Words("nobody listens there", de: "dort lauscht niemand")
        }
    }

    static func words(_ error: IOError) -> Words {
        NetworkError(error)?.words
            ?? SystemError(code: error.errnoCode, operation: "socket", path: []).words
    }
}
