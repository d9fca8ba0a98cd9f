import ClerkFFI
import Foundation

/// Codes and values in words, as the terminal phone and Android word them.
public struct Wording: Sendable {
    /// Today, by the chain's calendar.
    public let today: CivilDate
    private let texts: Texts

    /// The chain's clock, whatever the phone is set to.
    let zone: TimeZone

    public init(_ texts: Texts, today: CivilDate, zone: TimeZone) {
        self.texts = texts
        self.zone = zone
        self.today = today
    }

    /// The text of a key; the key itself if there is none.
    public subscript(key: String) -> String { texts.filled(key, [:]) }

    /// The text of a key with its places filled.
    public subscript(key: String, values: [String: any CustomStringConvertible]) -> String {
        texts.filled(key, values.mapValues { "\($0)" })
    }

    /// The text of a code; the code itself if there is none, so that a newer hub's is not lost.
    public func code(_ group: String, _ code: String) -> String { texts.find("\(group).\(code)") ?? code }

    /// The key of a code's text; none: there is no such text.
    private func key(_ group: String, _ code: String) -> String? {
        texts.find("\(group).\(code)").map { _ in "\(group).\(code)" }
    }

    /// The text of a case of one of the core's enums.
    public func code<T>(_ group: String, of value: T) -> String { code(group, codeName(value)) }

    // MARK: Dates

    /// A date as people say it: today, yesterday, tomorrow, without the year if it is this one.
    public func date(_ day: CivilDate) -> String {
        switch Days.between(today, day) {
        case 0: self["date.today"]
        case 1: self["date.tomorrow"]
        case -1: self["date.yesterday"]
        default: day.prefix(4) == today.prefix(4) ? String(day.dropFirst(5)) : day
        }
    }

    /// A day that is one touch away.
    public func near(_ day: CivilDate) -> String {
        let days = Days.between(today, day) ?? 0
        return days > 1 ? self["act.in_days", ["n": days]] : date(day)
    }

    /// An instant: the time of day, with its date if it is not today.
    public func instant(_ atMs: Int64) -> String {
        let (day, time) = Days.local(atMs, in: zone)
        return day == today ? time : "\(date(day)) \(time)"
    }

    // MARK: Reasons

    /// Why something was not done, and what to do.
    public func failure(_ failure: Failure) -> String { reason(failure.code, failure.values) }

    /// Why nothing was done for one of a group.
    public func refused(_ one: RefusedOne) -> String { reason(one.code, one.values) }

    /// Why the gate says no, or not now.
    public func gate(_ reason: GateReason) -> String { self.reason("gate.\(codeName(reason))") }

    /// The words of a reason. One without a text shows its code and values.
    public func reason(_ code: String, _ values: [WordingValue] = []) -> String {
        if let key = ["refused.\(code)", code].first(where: { texts.find($0) != nil }) {
            return texts.filled(key, worded(values))
        }
        let details = values.map { "\($0.name): \($0.value)" }.joined(separator: ", ")
        return self["refused.unknown", ["code": code, "details": details]]
    }

    // MARK: Values

    /// Values in words, each by what the core says it is. A code's text may name the others.
    private func worded(_ values: [WordingValue]) -> [String: String] {
        let plain = Dictionary(values.map { ($0.name, value($0)) }) { _, last in last }
        return Dictionary(
            values.map { one in
                guard case .code(let group) = one.kind, let key = key(group, one.value) else {
                    return (one.name, value(one))
                }
                return (one.name, texts.filled(key, plain))
            }
        ) { _, last in last }
    }

    private func value(_ one: WordingValue) -> String {
        switch one.kind {
        case .text: one.value
        case .day: date(one.value)
        case .instant: Int64(one.value).map(instant) ?? one.value
        case .wait(let n, let unit): self["wait.\(unit)", ["n": n]]
        case .code(let group): code(group, one.value)
        }
    }

    // MARK: Tasks and what to say

    /// Why this member is on the list, and what matters about the task now.
    public func why(_ task: TaskRow) -> String { joined(([task.why] + task.also).map(said)) }

    /// What the core says, in words; the code itself if there are none.
    public func said(_ say: Say) -> String {
        guard let key = key(say.group, say.code) else { return say.code }
        return texts.filled(key, worded(say.values)).trimmingCharacters(in: .whitespaces)
    }

    // MARK: Members

    /// Sex and age.
    public func about(_ member: MemberRow) -> String {
        joined([member.sex.map { code("sex", $0) }, member.age.map { self["show.age", ["n": $0]] }], by: " ")
    }

    /// The number with its middle hidden, or that there is none.
    public func phone(_ masked: String?) -> String { masked ?? self["show.no_phone"] }

    /// Where values should lie: by number, or by context where a number has several targets.
    public func targets(_ bands: [TargetBand]) -> String {
        joined(bands.map { target($0.context.map { code("context", $0) } ?? code("field", $0.field), $0) })
    }

    private func target(_ name: String, _ band: TargetBand) -> String {
        func number(_ value: UInt16) -> String { fixedPoint(Int(value), band.decimals) }
        guard let from = band.from else { return self["reading.target_to", ["name": name, "to": number(band.to)]] }
        return self["reading.target", ["name": name, "from": number(from), "to": number(band.to)]]
    }

    /// What a member tends to.
    public func leanings(_ leanings: LeaningsRow) -> String {
        joined([
            leanings.brand.map { self["show.brand", ["brand": $0]] }, leanings.price.map { code("price", $0) },
            leanings.rhythmDays.map { self["show.rhythm", ["days": $0]] },
        ])
    }

    /// What a round of sync does now.
    public func progress(_ progress: SyncProgress?) -> String {
        guard let progress else { return self["sync.connecting"] }
        return self["sync.\(codeName(progress.stage))", ["done": progress.done, "total": progress.total]]
    }
}

/// What is there of the parts, in one line.
public func joined(_ parts: [String?], by between: String = " · ") -> String {
    parts.compactMap(\.self).filter { !$0.isEmpty }.joined(separator: between)
}

/// The code of a case of one of the core's enums: `agreedToVisit` is `agreed_to_visit`.
public func codeName<T>(_ value: T) -> String {
    "\(value)".reduce(into: "") { code, letter in
        code += letter.isUppercase ? "_" + letter.lowercased() : String(letter)
    }
}

/// The case of this code; none: it is a newer core's.
public func ofCode<T: CaseIterable>(_ code: String) -> T? { T.allCases.first { codeName($0) == code } }

/// Fen as yuan, with thousands apart.
public func yuan(_ fen: Int64) -> String {
    let rest = fen.magnitude % 100
    return "\(fen < 0 ? "-" : "")¥\(thousands(fen.magnitude / 100)).\(rest < 10 ? "0" : "")\(rest)"
}

/// A count, with thousands apart.
public func thousands(_ count: UInt64) -> String {
    var grouped = ""
    for (at, digit) in String(count).reversed().enumerated() {
        if at > 0, at % 3 == 0 { grouped.append(",") }
        grouped.append(digit)
    }
    return String(grouped.reversed())
}

/// Thousandths as the shortest decimal.
public func decimal(_ milli: Int64) -> String {
    var rest = String(milli.magnitude % 1000 + 1000).dropFirst()
    while rest.last == "0" { rest.removeLast() }
    return "\(milli < 0 ? "-" : "")\(milli.magnitude / 1000)\(rest.isEmpty ? "" : ".\(rest)")"
}

/// A number in its smallest unit, with this many places behind the point.
func fixedPoint(_ value: Int, _ decimals: UInt8) -> String {
    guard decimals > 0 else { return "\(value)" }
    let unit = (0..<decimals).reduce(1) { unit, _ in unit * 10 }
    return "\(value / unit).\(String(unit + value % unit).dropFirst())"
}

/// Bytes as MB, floored.
public func megabytes(_ bytes: UInt64) -> String { fixedPoint(Int(bytes / 100_000), 1) }
