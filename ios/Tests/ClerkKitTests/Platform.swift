import ClerkFFI
import ClerkKit
import Foundation
import Testing

/// A key for tests: the same byte thirty-two times; after it was destroyed, the next byte.
final class TestVault: PhoneVault, @unchecked Sendable {
    private let lock = NSLock()
    private var byte: UInt8
    private let length: Int
    private var ends = 0

    init(byte: UInt8 = 7, length: Int = 32) {
        self.byte = byte
        self.length = length
    }

    /// How often it was destroyed.
    var destroyed: Int { lock.withLock { ends } }

    func databaseKey() throws -> Data { lock.withLock { Data(repeating: byte, count: length) } }

    func destroy() throws {
        lock.withLock {
            byte += 1
            ends += 1
        }
    }
}

/// A vault that does not open.
final class FailingVault: KeyVault {
    func databaseKey() throws -> Data { throw PlatformError.Failed(why: "errSecInteractionNotAllowed") }
}

/// A clock that begins at half past ten this morning in China, when calls are allowed, and runs on.
final class TestClock: WallClock, @unchecked Sendable {
    private let lock = NSLock()
    private var shiftMs: Int64

    private static let china: Calendar = {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = TimeZone(identifier: "Asia/Shanghai")!
        return calendar
    }()

    init() {
        let now = Date()
        let morning = Self.china.startOfDay(for: now).addingTimeInterval(10.5 * 3600)
        shiftMs = Int64(morning.timeIntervalSince(now) * 1000)
    }

    func nowMs() -> Int64 { Int64(Date().timeIntervalSince1970 * 1000) + lock.withLock { shiftMs } }

    func later(minutes: Int64) { lock.withLock { shiftMs += minutes * 60_000 } }

    /// The civil date so many days from today, where the chain is.
    static func day(_ days: Int = 0) -> CivilDate {
        let date = china.date(byAdding: .day, value: days, to: Date())!
        let parts = china.dateComponents([.year, .month, .day], from: date)
        return String(format: "%04d-%02d-%02d", parts.year!, parts.month!, parts.day!)
    }
}

/// A folder that goes when nobody holds it any more.
final class Folder: Sendable {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("yaoban-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    /// The names in it.
    func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: url.path) }
}

/// It did not come in time.
struct TooLate: Error {}

/// Waits until it holds.
@MainActor
func until(_ what: String, within limit: Duration = .seconds(20), _ holds: () -> Bool) async throws {
    let clock = ContinuousClock()
    let end = clock.now + limit
    while !holds() {
        guard clock.now < end else {
            Issue.record("not in time: \(what)")
            throw TooLate()
        }
        try await Task.sleep(for: .milliseconds(5))
    }
}

/// What the core refuses with; that it does not refuse is a failure.
@MainActor
func refusal<T: Sendable>(_ call: @MainActor () async throws -> T) async throws -> ClerkError {
    do { _ = try await call() } catch let error as ClerkError { return error }
    throw NotRefused()
}

struct NotRefused: Error {}

extension Failure {
    /// The value of this name, if there is one.
    subscript(name: String) -> String? { values.first { $0.name == name }?.value }
}
