import ClerkFFI
import Observation

/// Finding a member: what was typed, and who fits.
@MainActor @Observable
public final class SearchModel {
    /// What was typed. A screen calls ``search()`` when it changes.
    public var query = ""
    /// Who fits, best first; while nothing is typed, who was opened last.
    public private(set) var members: [MemberRow] = []
    /// Why there is nobody.
    public private(set) var failure: Failure?

    @ObservationIgnored private let core: ClerkCore

    public init(core: ClerkCore) { self.core = core }

    /// Looks for what is typed now. An answer to what was typed before is dropped.
    public func search() async {
        let asked = query
        let answer: ([MemberRow], Failure?)
        do {
            let found = try await core.call { app in
                asked.isEmpty ? try app.recentMembers() : try app.find(text: asked, limit: 50)
            }
            answer = (found, nil)
        } catch {
            answer = ([], Failure(error))
        }
        if asked == query { (members, failure) = answer }
    }
}
