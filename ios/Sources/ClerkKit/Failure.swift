import ClerkFFI

/// Why something could not be done, as a screen needs it: what to do by kind, what to say by code and values.
public struct Failure: Error, Equatable, Sendable {
    /// What it is about; none: a mistake in the app or the core, not a refusal.
    public let kind: ErrorKind?
    /// The stable code, for the wording.
    public let code: String
    /// Values for the wording.
    public let values: [WordingValue]

    /// What the core said, or `internal` for anything else.
    public init(_ error: any Error) {
        guard case .Failed(let kind, let code, let values, _) = error as? ClerkError else {
            self.kind = nil
            code = "internal"
            values = []
            return
        }
        self.kind = kind
        self.code = code
        self.values = values
    }

    /// Does the work; why it did not get through, if it did not. That it was cancelled is no failure.
    @MainActor
    static func of(_ work: @MainActor () async throws -> Void) async -> Failure? {
        do { try await work() } catch is CancellationError { return nil } catch { return Failure(error) }
        return nil
    }
}
