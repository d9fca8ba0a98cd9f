@preconcurrency import BackgroundTasks
import ClerkKit
import UIKit

/// Rounds with the hub while nobody sees the app: short ones when the system likes (BGAppRefresh), long ones at night
/// on the charger (BGProcessing). The system is told exactly once that each is over.
@MainActor
enum BackgroundRounds {
    private static let refresh = "cn.yaoban.clerk.refresh"
    private static let night = "cn.yaoban.clerk.night"

    /// Before the app has launched, as the system demands.
    static func register(_ phone: PhoneModel) {
        for id in [refresh, night] {
            BGTaskScheduler.shared.register(forTaskWithIdentifier: id, using: .main) { task in
                MainActor.assumeIsolated { run(task, phone) }
            }
        }
    }

    /// The next ones. Where the system refuses, the app syncs when it is opened.
    static func schedule() {
        let short = BGAppRefreshTaskRequest(identifier: refresh)
        short.earliestBeginDate = Date(timeIntervalSinceNow: 15 * 60)
        try? BGTaskScheduler.shared.submit(short)
        let long = BGProcessingTaskRequest(identifier: night)
        long.requiresNetworkConnectivity = true
        long.requiresExternalPower = true
        try? BGTaskScheduler.shared.submit(long)
    }

    private static func run(_ task: BGTask, _ phone: PhoneModel) {
        schedule()
        let work = BackgroundWork { task.setTaskCompleted(success: $0) }
        // The system calls it on a thread of its own.
        task.expirationHandler = { @Sendable in work.expire() }
        work.begin {
            let app = try await phone.app(seen: false)
            if let due = try await app.roundInBackground() { await Notices.tell(due) }
        }
    }

    /// The way into the background: time to close the file before the system suspends the app.
    static func leave(_ phone: PhoneModel) {
        let work = TimeToLeave()
        work.begin { await phone.enter(.background) }
        schedule()
    }
}

/// Time that the system grants on the way into the background; given back exactly once.
@MainActor
private final class TimeToLeave {
    private var id = UIBackgroundTaskIdentifier.invalid

    func begin(_ work: @escaping @MainActor () async -> Void) {
        let leaving = BackgroundWork { _ in Task { @MainActor in self.end() } }
        id = UIApplication.shared.beginBackgroundTask { leaving.expire() }
        leaving.begin { await work() }
    }

    private func end() {
        guard id != .invalid else { return }
        UIApplication.shared.endBackgroundTask(id)
        id = .invalid
    }
}
