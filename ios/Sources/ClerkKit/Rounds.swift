import ClerkFFI

extension AppModel {
    /// Tells the core which network there is, until the task is cancelled: recordings go up by some only, and what waits
    /// goes out as soon as there is one again.
    public func followNetwork() async {
        for await now in device.networks {
            await tell(now)
            core.wakeBackgroundSync()
        }
    }

    private func tellNetwork() async { for await now in device.networks { return await tell(now) } }

    private func tell(_ network: NetworkKind) async { try? await core.call { $0.setNetwork(network: network) } }

    /// A round in the background: with the hub, and recordings after it. What is due then, for a notice: numbers only.
    /// None: the phone is not paired. Throws what may work later by itself; the rest waits for somebody.
    public func roundInBackground() async throws -> DueCounts? {
        try await presence.during {
            guard try await core.call({ try $0.status().stage }) != .unpaired else { return nil }
            do {
                _ = try await core.sync()
                await tellNetwork()
                _ = try await core.cancellable { try $0.uploadRecordings(cancel: $1) }
            } catch let error as ClerkError where Failure(error).kind != .offline {}
            return try await core.call { try $0.dueCounts() }
        }
    }
}
