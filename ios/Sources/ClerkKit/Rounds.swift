import ClerkFFI

extension AppModel {
    /// A round in the background: with the hub, and recordings after it. What is due then, for a notice: numbers only.
    /// None: the phone is not paired. Throws what may work later by itself; the rest waits for somebody.
    public func roundInBackground() async throws -> DueCounts? {
        try await presence.during {
            guard try await core.call({ try $0.status().paired }) else { return nil }
            do {
                _ = try await core.sync()
                _ = try await core.cancellable { try $0.uploadRecordings(cancel: $1) }
            } catch let error as ClerkError where !Failure(error).retry {}
            return try await core.call { try $0.dueCounts() }
        }
    }
}
