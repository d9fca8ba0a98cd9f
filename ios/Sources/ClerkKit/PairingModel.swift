import ClerkFFI
import Observation

/// Pairing and the first load, which goes on where it was cut short.
@MainActor @Observable
public final class PairingModel {
    /// How far it is.
    public enum Phase: Equatable, Sendable {
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
    public private(set) var phase = Phase.code
    /// The chain and store, from the hub.
    public private(set) var paired: Paired?
    /// Why it did not get on.
    public private(set) var failure: Failure?

    @ObservationIgnored private let core: ClerkCore
    @ObservationIgnored private var loading: Task<Void, Never>?

    public init(core: ClerkCore) { self.core = core }

    /// Finds out where the phone stands, after a start of the app.
    public func begin() async {
        do {
            let status = try await core.call { try $0.status() }
            phase = !status.paired ? .code : status.loaded ? .ready : .interrupted
        } catch {
            failure = Failure(error)
        }
    }

    /// Pairs by the code, then loads.
    public func pair(deviceName: String) async {
        guard phase == .code else { return }
        failure = nil
        phase = .pairing
        do {
            paired = try await core.call { [code] in try $0.pair(code: code, deviceName: deviceName) }
        } catch {
            failure = Failure(error)
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

    private func round() async {
        do {
            _ = try await core.sync(show: { self.phase = .loading($0) })
            phase = try await core.call { try $0.status() }.loaded ? .ready : .interrupted
        } catch {
            if !(error is CancellationError) { failure = Failure(error) }
            phase = .interrupted
        }
    }
}
