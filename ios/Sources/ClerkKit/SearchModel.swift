import ClerkFFI
import Foundation
import Observation

/// Finding a member: what was typed, and who fits.
@MainActor @Observable
public final class SearchModel {
    /// What was typed. A screen calls ``follow()`` anew when it changes.
    public var query = ""
    /// Who fits; while nothing is typed, who was opened last. None until that was read, and on a locked phone.
    public private(set) var found: FoundMembers?
    /// Why there is nobody.
    public private(set) var failure: Failure?
    /// The clerk lets the app have no camera, so nothing was scanned.
    public private(set) var cameraDenied = false
    /// A look-up at the hub is under way.
    public private(set) var lookingUp = false

    @ObservationIgnored private let core: ClerkCore

    public init(core: ClerkCore) { self.core = core }

    /// Looks for what is typed now, and again whenever rows change, until the task is cancelled.
    public func follow() async {
        let asked = query
        await core.follow {
            try $0.find(text: asked)
        } show: { found, failure in
            // An answer to what was typed before is dropped.
            guard asked == query else { return }
            self.found = found
            self.failure = failure
        }
    }

    /// Looks for the card that is scanned.
    public func scan(by device: any Device) async {
        let scanned = await device.scanCode()
        cameraDenied = scanned == .noPermission
        if case .code(let code) = scanned { query = code }
    }

    /// Looks a member of another store up at the hub, by the whole number or id. The reason is kept there.
    public func lookUp(reason: String) async {
        guard !lookingUp else { return }
        let asked = query
        lookingUp = true
        defer { lookingUp = false }
        failure = await Failure.of {
            let answer = try await core.cancellable { try $0.lookup(query: asked, reason: reason, cancel: $1) }
            // An answer to what was typed before is dropped.
            if asked == query { found = answer }
        }
    }
}
