import ClerkFFI

/// Where the recording of a call comes from. iOS lets no app record calls: one can only come from a call that the
/// chain's own exchange bridges.
public protocol CallRecordings: Sendable {
    /// The bytes of a call's recording and what they are, for example `audio/mp4`; none: there is none.
    func recording(of attemptId: String) async -> (source: any RecordingSource, mediaType: String)?
}

/// There is no exchange that bridges calls.
public struct NoCallRecordings: CallRecordings {
    public init() {}

    public func recording(of attemptId: String) async -> (source: any RecordingSource, mediaType: String)? { nil }
}
