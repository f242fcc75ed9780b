// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground

/// A moment as people write it: `2026-11-25 14:30`, `2026-11-25T14:30:05.25+01:00`, in local time
/// where it does not say otherwise; nil for any other text.
func moment(from text: some StringProtocol) -> Moment? {
    var rest = text[...]
    func digits(_ count: Int) -> Int? {
        let found = rest.prefix { $0.isASCII && $0.isNumber }.prefix(count)
        guard found.count == count else { return nil }
        rest = rest.dropFirst(count)
        return Int(found)
    }
    func skip(_ wanted: String) -> Bool {
        guard let first = rest.first, wanted.contains(first) else { return false }
        rest = rest.dropFirst()
        return true
    }
    guard let year = digits(4), skip("-"), let month = digits(2), skip("-"), let day = digits(2)
    else { return nil }
    var (hour, minute, second, nanoseconds) = (0, 0, 0, UInt32(0))
    if skip("T ") {
        guard let hours = digits(2), skip(":"), let minutes = digits(2) else { return nil }
        (hour, minute) = (hours, minutes)
        if skip(":") {
            guard let seconds = digits(2) else { return nil }
            second = seconds
            if skip(".,") {
                let fraction = rest.prefix { $0.isASCII && $0.isNumber }
                guard !fraction.isEmpty else { return nil }
                rest = rest.dropFirst(fraction.count)
                let nine = (String(fraction) + "000000000").prefix(9)
                nanoseconds = UInt32(nine) ?? 0
            }
        }
    }
    var offset: Int?
    if skip(" "), rest.isEmpty { return nil }
    if skip("Zz") {
        offset = 0
    } else if let sign = rest.first, sign == "+" || sign == "-" {
        rest = rest.dropFirst()
        guard let hours = digits(2), hours <= 15 else { return nil }
        var minutes = 0
        if !rest.isEmpty {
            _ = skip(":")
            guard let found = digits(2), found < 60 else { return nil }
            minutes = found
        }
        offset = (sign == "-" ? -1 : 1) * (hours * 3600 + minutes * 60)
    }
    guard rest.isEmpty else { return nil }
    return LocalTime.moment(
        year, month, day, hour, minute, second, nanoseconds: nanoseconds, offset: offset)
}
