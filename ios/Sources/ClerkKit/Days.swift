import ClerkFFI
import Foundation

/// Civil dates, which cross the boundary as ISO texts, for what a screen does with them.
public enum Days {
    private static func calendar(_ zone: TimeZone) -> Calendar {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        return calendar
    }

    /// The instant at which the day begins, in a zone; none: it is not a date.
    public static func date(of day: CivilDate, in zone: TimeZone = .current) -> Date? {
        let parts = day.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, day.count == 10, let year = Int(parts[0]), let month = Int(parts[1]),
            let number = Int(parts[2])
        else { return nil }
        let asked = DateComponents(year: year, month: month, day: number)
        guard let date = calendar(zone).date(from: asked), self.day(of: date, in: zone) == day else { return nil }
        return date
    }

    /// The day of an instant, in a zone.
    public static func day(of date: Date, in zone: TimeZone = .current) -> CivilDate {
        let parts = calendar(zone).dateComponents([.year, .month, .day], from: date)
        return "\(padded(parts.year, 4))-\(padded(parts.month, 2))-\(padded(parts.day, 2))"
    }

    /// How many days from one to the other.
    public static func between(_ from: CivilDate, _ to: CivilDate) -> Int? {
        guard let from = date(of: from, in: utc), let to = date(of: to, in: utc) else { return nil }
        return Int((to.timeIntervalSince(from) / 86_400).rounded())
    }

    /// The day and the time of day of an instant, in a zone.
    public static func local(_ atMs: Int64, in zone: TimeZone) -> (day: CivilDate, time: String) {
        let date = Date(timeIntervalSince1970: Double(atMs) / 1000)
        let parts = calendar(zone).dateComponents([.hour, .minute], from: date)
        return (day(of: date, in: zone), "\(padded(parts.hour, 2)):\(padded(parts.minute, 2))")
    }

    private static let utc = TimeZone(secondsFromGMT: 0) ?? .current

    private static func padded(_ number: Int?, _ digits: Int) -> String {
        let text = String(number ?? 0)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
}
