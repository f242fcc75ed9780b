// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground

// Numbers and times as people read them, in their language and time zone.

/// With a mark every three digits: 78,579 or 78.579.
func figure(_ number: some BinaryInteger) -> String {
    let digits = Array(String(number))
    var text = ""
    for (index, digit) in digits.enumerated() {
        if index > 0, (digits.count - index).isMultiple(of: 3) {
            text += say(",", de: ".")
        }
        text.append(digit)
    }
    return text
}

/// A number with the noun for one or for several.
func counted(_ number: some BinaryInteger, _ one: Words, _ several: Words) -> String {
    figure(number) + " " + say(number == 1 ? one : several)
}

/// One figure after the point.
private func tenths(_ value: Double) -> String {
    let rounded = UInt64((value * 10).rounded())
    return "\(rounded / 10)" + say(".", de: ",") + "\(rounded % 10)"
}

/// Bytes in binary units: 1.2 GiB.
func size(_ bytes: some BinaryInteger) -> String {
    var value = Double(bytes)
    // 1023.95 would come out as "1024.0".
    guard value >= 1023.5 else { return "\(bytes) B" }
    for unit in ["KiB", "MiB", "GiB", "TiB", "PiB"] {
        value /= 1024
        if value < 1023.95 { return tenths(value) + " " + unit }
    }
    return tenths(value / 1024) + " EiB"
}

/// How long it took and, where anything was moved, how fast.
func pace(_ bytes: some BinaryInteger, in seconds: Double) -> String {
    bytes == 0 ? duration(seconds) : "\(duration(seconds)), \(rate(bytes, in: seconds))"
}

func rate(_ bytes: some BinaryInteger, in seconds: Double) -> String {
    size(UInt64(Double(bytes) / max(seconds, 0.001))) + "/s"
}

func duration(_ seconds: Double) -> String {
    if seconds < 9.95 { return tenths(max(seconds, 0)) + " s" }
    let whole = Int(min(seconds.rounded(), 1e15))
    if whole < 60 { return "\(whole) s" }
    if whole < 3600 { return "\(whole / 60) min \(twoDigits(whole % 60)) s" }
    return "\(whole / 3600) h \(twoDigits(whole / 60 % 60)) min"
}

private func padded(_ number: Int, to count: Int) -> String {
    let digits = String(abs(number))
    let zeros = String(repeating: "0", count: max(0, count - digits.count))
    return (number < 0 ? "-" : "") + zeros + digits
}

private func twoDigits(_ number: Int) -> String { padded(number, to: 2) }

private func clockText(_ time: LocalTime, between: String, fraction: String) -> String {
    let day = "\(padded(time.year, to: 4))-\(twoDigits(time.month))-\(twoDigits(time.day))"
    let clock = "\(twoDigits(time.hour)):\(twoDigits(time.minute)):\(twoDigits(time.second))"
    return day + between + clock + fraction
}

private func offsetText(_ time: LocalTime) -> String {
    let minutes = abs(time.offset) / 60
    return (time.offset < 0 ? "-" : "+")
        + "\(twoDigits(minutes / 60)):\(twoDigits(minutes % 60))"
}

/// Local time with its distance from UTC: 2025-11-23 17:12:53 +01:00.
func localTime(_ moment: Moment) -> String {
    guard let time = LocalTime(moment) else { return "@\(moment.seconds)" }
    return clockText(time, between: " ", fraction: "") + " " + offsetText(time)
}

/// The same to the millisecond, rounded up: typed again it brings back what is meant.
func exactTime(_ moment: Moment) -> String {
    let moment = moment.millisecondAfter
    guard let time = LocalTime(moment) else { return "@\(moment.seconds)" }
    let fraction = "." + padded(Int(moment.nanoseconds / 1_000_000), to: 3)
    return clockText(time, between: " ", fraction: fraction) + " " + offsetText(time)
}

/// The same for programs (RFC 3339), to the nanosecond where there are any.
func isoTime(_ moment: Moment) -> String {
    guard let time = LocalTime(moment) else { return "@\(moment.seconds)" }
    let nanoseconds = Int(moment.nanoseconds)
    let fraction = nanoseconds == 0 ? "" : "." + padded(nanoseconds, to: 9)
    return clockText(time, between: "T", fraction: fraction) + offsetText(time)
}

/// The day alone, for what is printed on paper.
func localDay(_ moment: Moment) -> String { String(localTime(moment).prefix(10)) }

/// Hex digits in groups of four, so that people can compare them.
func inGroups(_ hex: String) -> String {
    var text = ""
    for (index, digit) in hex.enumerated() {
        if index > 0, index.isMultiple(of: 4) { text += " " }
        text.append(digit)
    }
    return text
}
