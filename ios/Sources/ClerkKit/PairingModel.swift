import ClerkFFI
import Foundation
import Observation

/// Pairing and the first load, which goes on where it was cut short.
@MainActor @Observable
public final class PairingModel {
    /// How far it is.
    public enum Phase: Equatable, Sendable {
        /// It is not known yet where the phone stands.
        case unknown
        /// Waits for the hub's one-time code.
        case code
        /// The code is at the hub.
        case pairing
        /// The members come in.
        case loading(SyncProgress?)
        /// Paired; the first load did not get through. What came in stays.
        case interrupted
        /// The phone can be used.
        case ready
    }

    /// What was typed or scanned.
    public var code = ""
    /// How far it is.
    public private(set) var phase = Phase.unknown
    /// The chain and store, from the hub; after a start of the app from the phone itself.
    public private(set) var paired: Paired?
    /// Bytes that came in during the first load.
    public private(set) var loadedBytes: UInt64 = 0
    /// Why it did not get on.
    public private(set) var failure: Failure?

    @ObservationIgnored private let core: ClerkCore
    @ObservationIgnored private var loading: Task<Void, Never>?

    public init(core: ClerkCore) { self.core = core }

    /// Finds out where the phone stands, after a start of the app.
    public func begin() async {
        failure = await Failure.of {
            let status = try await core.call { try $0.status() }
            if status.paired {
                paired = Paired(
                    chainName: status.chainName, storeId: status.storeId, storeName: status.storeName, staffId: nil)
            }
            phase = !status.paired ? .code : status.loaded ? .ready : .interrupted
        }
    }

    /// Pairs by the code, then loads.
    public func pair(deviceName: String) async {
        guard phase == .code else { return }
        phase = .pairing
        failure = await Failure.of {
            paired = try await core.call { [typed] in try $0.pair(code: typed, deviceName: deviceName) }
        }
        guard failure == nil else {
            phase = .code
            return
        }
        code = ""
        phase = .interrupted
        await load()
    }

    /// Loads, or goes on loading.
    public func load() async {
        guard phase == .interrupted else { return }
        failure = nil
        phase = .loading(nil)
        let work = Task { await round() }
        loading = work
        await withTaskCancellationHandler {
            await work.value
        } onCancel: {
            work.cancel()
        }
        loading = nil
    }

    /// Ends the load; ``load()`` goes on with it.
    public func stop() { loading?.cancel() }

    private var typed: String { code.trimmingCharacters(in: .whitespacesAndNewlines) }

    private func round() async {
        let sizes = Task {
            await core.follow {
                try $0.storage().loadingBytes
            } show: { bytes, _ in
                loadedBytes = bytes ?? loadedBytes
            }
        }
        defer { sizes.cancel() }
        var loaded = false
        failure = await Failure.of {
            _ = try await core.sync(show: { self.phase = .loading($0) })
            loaded = try await core.call { try $0.status() }.loaded
        }
        phase = loaded ? .ready : .interrupted
    }
}
