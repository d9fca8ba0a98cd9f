import ClerkFFI
import Observation

/// What the phone's data take up, how it is, and the end of its pairing.
@MainActor @Observable
public final class SettingsModel {
    /// What the data take up; none until that was read.
    public private(set) var storage: StorageUse?
    /// What recordings take up.
    public private(set) var recordings: RecordingUsage?
    /// How the phone is, once it was looked at.
    public private(set) var checkup: Checkup?
    /// The phone is being looked at.
    public private(set) var checking = false
    /// Nothing on this device takes a file, so support does not get its bundle.
    public private(set) var nobodyTakesFiles = false
    /// Why something was not done.
    public private(set) var failure: Failure?

    @ObservationIgnored private let core: ClerkCore

    public init(core: ClerkCore) { self.core = core }

    /// What was not sent would be lost: the end of the pairing has to say that it may.
    public var unsent: Bool { failure?.code == "unsent" }

    /// Shows what is taken up, and again whenever rows change, until the task is cancelled.
    public func follow() async {
        await core.follow { app in
            Shown(storage: try app.storage(), recordings: try app.recordingUsage())
        } show: { shown, failure in
            storage = shown?.storage
            recordings = shown?.recordings
            self.failure = failure
        }
    }

    /// Recordings go up by Wi-Fi only, or by any network.
    public func wifiOnly(_ on: Bool) async {
        failure = await Failure.of {
            recordings = try await core.call { app in
                try app.setRecordingWifiOnly(on: on)
                return try app.recordingUsage()
            }
        }
    }

    /// Looks at everything; asks the hub too.
    public func check() async {
        if let found = await looking({ try $0.checkup(askHub: true, cancel: $1) }) { checkup = found }
    }

    /// Makes a bundle for support, which nobody else can open, and lets the clerk choose what takes it there.
    public func sendBundle(by device: any Device) async {
        guard let bundle = await looking({ try $0.diagnosticBundle(askHub: true, cancel: $1) }) else { return }
        nobodyTakesFiles = await !device.share(file: bundle, name: "yaoban-support.bin")
    }

    private func looking<T: Sendable>(
        _ look: @escaping @Sendable (ClerkApp, CancelHandle) throws -> T
    ) async -> T? {
        guard !checking else { return nil }
        checking = true
        defer { checking = false }
        var found: T?
        failure = await Failure.of { found = try await core.cancellable(look) }
        return found
    }

    /// Ends the pairing; whether it ended. `lose`: what was not sent may be lost.
    public func unpair(lose: Bool) async -> Bool {
        failure = await core.change { try $0.unpair(lose: lose) }
        return failure == nil
    }

    private struct Shown: Equatable, Sendable {
        let storage: StorageUse
        let recordings: RecordingUsage
    }
}
