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
        case asking
        /// Whose phone the code makes; waits for yes or no. The code is not used yet.
        case offered(PairingOffer)
        /// The members come in.
        case loading(SyncProgress?)
        /// Paired; the first load did not get through. What came in stays.
        case interrupted
        /// The phone is used; perhaps while its first load still comes in.
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
    /// How far a first load is with which the phone can be used already; none: nobody could sign in yet, or it is in.
    public private(set) var usable: FirstLoad?
    /// The clerk lets the app have no camera, so nothing was scanned.
    public private(set) var cameraDenied = false
    /// Why it did not get on.
    public private(set) var failure: Failure?

    @ObservationIgnored private let core: ClerkCore
    @ObservationIgnored private var loading: Task<Void, Never>?

    public init(core: ClerkCore) { self.core = core }

    /// Finds out where the phone stands, after a start of the app.
    public func begin() async {
        failure = await Failure.of(stand)
    }

    /// Takes the code that is scanned.
    public func scan(by device: any Device) async {
        let scanned = await device.scanCode()
        cameraDenied = scanned == .noPermission
        if case .code(let code) = scanned { self.code = code }
    }

    /// Asks the hub whose phone the code makes. Nothing is used up by it.
    public func look() async {
        guard phase == .code else { return }
        phase = .asking
        failure = await Failure.of {
            phase = .offered(try await core.call { [code] in try $0.pairingOffer(code: code) })
        }
        if phase == .asking { phase = .code }
    }

    /// It is the right store: pairs by the code, then loads.
    public func accept(deviceName: String) async {
        guard case .offered = phase else { return }
        phase = .asking
        failure = await Failure.of {
            paired = try await core.call { [code] in try $0.pair(code: code, deviceName: deviceName) }
        }
        guard failure == nil, paired != nil else {
            phase = .code
            return
        }
        code = ""
        phase = .interrupted
        await load()
    }

    /// It is another store: the code stays good, and another one is asked for.
    public func decline() {
        guard case .offered = phase else { return }
        code = ""
        phase = .code
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

    /// Works with what is here already. The app's own rounds go on with the load.
    public func start() async {
        guard usable != nil else { return }
        stop()
        await loading?.value
        phase = .ready
    }

    private func round() async {
        let sizes = Task {
            await core.follow {
                Here(bytes: try $0.storage().loadingBytes, usable: Self.usable(try $0.status()))
            } show: { here, _ in
                guard let here else { return }
                (loadedBytes, usable) = (here.bytes, here.usable)
            }
        }
        let refused = await Failure.of { _ = try await core.sync(show: { self.phase = .loading($0) }) }
        sizes.cancel()
        await sizes.value
        phase = .interrupted
        let unread = await Failure.of(stand)
        failure = refused ?? unread
    }

    /// Reads where the phone stands.
    private func stand() async throws {
        let status = try await core.call { try $0.status() }
        if status.stage != .unpaired {
            paired = Paired(
                chainName: status.chainName, storeId: status.storeId, storeName: status.storeName, staffId: nil)
        }
        usable = Self.usable(status)
        switch status.stage {
        case .unpaired: phase = .code
        case .loading: phase = .interrupted
        case .ready: phase = .ready
        }
    }

    private nonisolated static func usable(_ status: PhoneStatus) -> FirstLoad? {
        status.firstLoad.flatMap { $0.usable ? $0 : nil }
    }

    private struct Here: Equatable, Sendable {
        let bytes: UInt64
        let usable: FirstLoad?
    }
}
