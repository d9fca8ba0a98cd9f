import ClerkFFI
import Foundation
import Testing

@testable import ClerkKit

/// What comes from the core's own threads, under load. tools/test.sh runs these a second time with the thread
/// sanitizer. Each closes its core at the end: SQLCipher frees its memory as the process exits, and whoever still
/// closes a file then crashes.
@MainActor @Suite(.serialized) struct RaceTests {
    private let phone: TestPhone
    private let app: AppModel
    private var core: ClerkCore { app.core }

    init() async throws {
        phone = try await TestPhone()
        app = try await phone.pair()
    }

    @Test func listenersAreHeardOnTheMainActorUnderLoad() async throws {
        var heard = 0
        let listening = Task {
            await core.follow {
                try $0.profile(memberId: "M2").tags
            } show: { _, _ in
                // Without a lock, as models are: the sanitizer sees it if anybody else comes here.
                heard += 1
            }
        }
        let following = Task { await app.tasks.follow() }
        try await until("the list") { app.tasks.list != nil && heard > 0 }
        await withTaskGroup(of: Void.self) { load in
            for writer in 0..<4 {
                load.addTask { [core] in
                    for number in 0..<50 {
                        let tag = ["\(writer)-\(number)"]
                        _ = try? await core.call { try $0.tag(memberId: "M2", add: tag, remove: []) }
                    }
                }
            }
            // Lists that come and go meanwhile.
            for _ in 0..<4 {
                load.addTask { [core] in
                    for _ in 0..<50 {
                        for await _ in core.watch({ $0.isLocked() }) { break }
                    }
                }
            }
        }
        _ = try await core.call { try $0.planCall(memberId: "M2") }
        let now = try await core.call { try $0.tasks(filter: TaskFilter(view: .due)) }
        try await until("the list as it is now") { app.tasks.list == now }
        #expect(heard > 2)
        try await end(listening, following)
    }

    @Test func roundsGoOnWhileTheAppComesAndGoes() async throws {
        let following = Task { await app.sync.follow() }
        let running = Task { await app.sync.run() }
        for number in 0..<10 {
            _ = try await core.call { try $0.addNote(memberId: "M2", text: "第\(number)次", supersedes: nil) }
            async let round: Void = app.sync.syncNow()
            await app.enter(.background)
            await app.enter(.active)
            await round
        }
        core.wakeBackgroundSync()
        try await until("everything is at the hub") { app.sync.status?.outbox == 0 }
        try await end(following, running)
    }

    @Test func callsThatAreCancelledFromElsewhereEnd() async throws {
        await withTaskGroup(of: Void.self) { rounds in
            for _ in 0..<16 {
                rounds.addTask { [core] in
                    let round = Task { try await core.sync() }
                    await Task.yield()
                    round.cancel()
                    _ = await round.result
                }
            }
        }
        #expect(try await core.sync().upToDate)
        try await end()
    }

    @Test func theSystemIsToldOnceThoughTimeRunsOutAsTheWorkEnds() async throws {
        for round in 0..<300 {
            let told = Counter()
            let (ended, end) = AsyncStream.makeStream(of: Void.self)
            let work = BackgroundWork(grace: .zero) { _ in
                told.add()
                end.finish()
            }
            await withTaskGroup(of: Void.self) { both in
                both.addTask { work.begin { if round % 3 > 0 { await Task.yield() } } }
                both.addTask { work.expire() }
                both.addTask { if round % 2 > 0 { work.expire() } }
            }
            for await _ in ended {}
            await Task.yield()
            #expect(told.count == 1)
        }
        try await end()
    }

    private func end(_ work: Task<Void, Never>...) async throws {
        for one in work {
            one.cancel()
            await one.value
        }
        try await core.pause()
    }
}

private final class Counter: @unchecked Sendable {
    private let lock = NSLock()
    private var number = 0

    var count: Int { lock.withLock { number } }
    func add() { lock.withLock { number += 1 } }
}
