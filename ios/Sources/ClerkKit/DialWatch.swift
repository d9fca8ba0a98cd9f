import Observation

/// Tells from how the app stands whether a number that was given to the dialler was called: iOS says neither whether a
/// call began nor how it ended. Who called comes back from the background; who turned the system's question down
/// never left.
@MainActor @Observable
public final class DialWatch {
    /// What is known of the call.
    public enum State: Equatable, Sendable {
        /// No number is with the dialler.
        case idle
        /// The system asks whether to call.
        case asked
        /// The call has the screen.
        case away
        /// The clerk is back from it.
        case returned
        /// The clerk turned the question down.
        case declined
    }

    /// What is known of the call.
    public private(set) var state = State.idle

    @ObservationIgnored private var covered = false

    public init() {}

    /// The number is with the dialler.
    public func dialled() {
        state = .asked
        covered = false
    }

    /// The app stands differently now.
    public func enter(_ phase: AppPhase) {
        switch (state, phase) {
        case (.asked, .inactive): covered = true
        case (.asked, .background): state = .away
        case (.asked, .active): if covered { state = .declined }
        case (.away, .active): state = .returned
        default: break
        }
    }

    /// What came of the call was said.
    public func done() { state = .idle }
}
