import ClerkFFI
import Foundation
import Observation

/// Finding a member: what was typed, and who fits.
@MainActor @Observable
public final class SearchModel {
    /// What was typed. A screen calls ``follow()`` anew when it changes.
    public var query = ""
    /// Who fits, best first; while nothing is typed, who was opened last. None until that was read.
    public private(set) var members: [MemberRow]?
    /// To what was typed ``members`` is the answer.
    public private(set) var answered = ""
    /// Too little was typed to say that nobody fits.
    public private(set) var tooShort = false
    /// Why there is nobody.
    public private(set) var failure: Failure?
    /// The hub was asked for what was typed, and knows nobody either.
    public private(set) var nowhere = false
    /// The clerk lets the app have no camera, so nothing was scanned.
    public private(set) var cameraDenied = false
    /// A look-up at the hub is under way.
    public private(set) var lookingUp = false

    @ObservationIgnored private let core: ClerkCore

    public init(core: ClerkCore) { self.core = core }

    /// What was typed, without the spaces around it.
    public var typed: String { query.trimmingCharacters(in: .whitespacesAndNewlines) }

    /// Looks for what is typed now, and again whenever rows change, until the task is cancelled.
    public func follow() async {
        let asked = typed
        await core.follow { app in
            asked.isEmpty
                ? FoundMembers(members: try app.recentMembers(), tooShort: false)
                : try app.find(text: asked, limit: 50)
        } show: { found, failure in
            // An answer to what was typed before is dropped.
            guard asked == typed else { return }
            members = found?.members ?? []
            tooShort = found?.tooShort ?? false
            if answered != asked { nowhere = false }
            answered = asked
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
        let asked = typed
        lookingUp = true
        defer { lookingUp = false }
        failure = await Failure.of {
            members = try await core.cancellable { try $0.lookup(query: asked, reason: reason, cancel: $1) }
            tooShort = false
            answered = asked
            nowhere = members?.isEmpty == true
        }
    }
}
