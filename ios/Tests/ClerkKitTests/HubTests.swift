import ClerkFFI
import Foundation
import Testing

@testable import ClerkKit

/// A phone with a real hub, each test with its own.
@MainActor @Suite(.serialized) struct HubTests {
    private let hub: TestHub
    private let home: Folder
    private let clock = TestClock()
    private let core: ClerkCore

    init() async throws {
        hub = try TestHub()
        home = try Folder()
        core = try await ClerkCore.open(home: home.url, vault: TestVault(), clock: clock)
    }

    /// Pairs, loads, and signs the clerk in.
    private func begin() async throws {
        let pairing = PairingModel(core: core)
        await pairing.begin()
        pairing.code = try hub.pairingCode()
        await pairing.look()
        await pairing.accept(deviceName: "swift")
        try #require(pairing.phase == .ready, "\(String(describing: pairing.failure))")
        let signIn = SignInModel(core: core)
        await signIn.signIn("C1")
        try #require(signIn.signedIn == "C1")
    }

    /// Follows until it is so.
    private func following(
        _ follow: @escaping @MainActor () async -> Void, until what: String, _ holds: () -> Bool
    ) async throws {
        let following = Task { await follow() }
        defer { following.cancel() }
        try await until(what, holds)
    }

    private func task(of memberId: String) async throws -> TaskRow {
        let list = try await core.call { try $0.tasks(filter: TaskFilter(view: .due)) }
        return try #require(list.households.flatMap(\.tasks).first { $0.memberId == memberId })
    }

    // MARK: Pairing

    @Test func pairingLoadsTheStore() async throws {
        let pairing = PairingModel(core: core)
        await pairing.begin()
        #expect(pairing.phase == .code)
        pairing.code = try hub.pairingCode()
        await pairing.look()
        await pairing.accept(deviceName: "swift")
        #expect(pairing.phase == .ready && pairing.code.isEmpty && pairing.failure == nil)
        #expect(pairing.paired?.chainName == "晨光大药房" && pairing.paired?.storeName == "晨光一店")
        #expect(try await core.call { try $0.status() }.members == 3)
        let again = PairingModel(core: core)
        await again.begin()
        #expect(again.phase == .ready)
    }

    @Test func whoseStoreItIsIsAskedBeforeTheCodeIsUsed() async throws {
        let pairing = PairingModel(core: core)
        await pairing.begin()
        let code = try hub.pairingCode()
        pairing.code = code
        await pairing.accept(deviceName: "swift")
        #expect(pairing.phase == .code, "there is no way around the question")
        await pairing.look()
        #expect(pairing.phase == .offered(PairingOffer(chainName: "晨光大药房", storeName: "晨光一店")))
        #expect(try await core.call { try $0.status() }.paired == false)
        pairing.decline()
        #expect(pairing.phase == .code && pairing.code.isEmpty)
        pairing.code = " \(code)\n"
        await pairing.look()
        hub.stop()
        await pairing.accept(deviceName: "swift")
        #expect(pairing.phase == .code && pairing.failure?.kind == .offline && !pairing.code.isEmpty)
        try hub.serve()
        await pairing.look()
        await pairing.accept(deviceName: "swift")
        #expect(pairing.phase == .ready && pairing.failure == nil)
    }

    @Test func aFirstLoadThatIsCutShortGoesOn() async throws {
        let pairing = PairingModel(core: core)
        pairing.code = try hub.pairingCode()
        _ = try await core.call { [code = pairing.code] in try $0.pair(code: code, deviceName: "swift") }
        hub.stop()
        // The connection that the hub left behind is used up, so that the next round waits for an answer.
        _ = try? await core.sync()
        let silent = try SilentServer(port: hub.port)
        await pairing.begin()
        #expect(pairing.phase == .interrupted)
        let loading = Task { await pairing.load() }
        try await until("the load runs") { if case .loading = pairing.phase { true } else { false } }
        pairing.stop()
        await loading.value
        #expect(pairing.phase == .interrupted && pairing.failure == nil)
        silent.close()
        try hub.serve()
        await pairing.load()
        #expect(pairing.phase == .ready)
    }

    // MARK: Members and tasks

    @Test func aMemberIsFoundAndShownWhole() async throws {
        try await begin()
        let search = SearchModel(core: core)
        for (typed, found) in [("0001", ["M1"]), ("李晚", ["M2"]), (" zj ", ["M3"]), ("9999", [])] {
            search.query = typed
            try await following(search.follow, until: "the answer to \(typed)") {
                search.found?.members.map(\.memberId) == found
            }
        }
        let member = MemberModel(core: core, memberId: "M1")
        let following = Task { await member.follow() }
        try await until("the profile") { member.profile != nil }
        let profile = try #require(member.profile)
        #expect(profile.member.name == "王约" && profile.allergies.map(\.text) == ["青霉素"])
        #expect(profile.lastVisit == TestClock.day(-25) && profile.totalFen == 6_000)
        #expect(profile.medicines.map(\.ingredient) == ["氨氯地平"])
        #expect(profile.call == .task(try await task(of: "M1").taskId) && profile.callGate.verdict == .allow)
        search.query = ""
        try await self.following(search.follow, until: "who was opened last") {
            search.found?.members.map(\.memberId) == ["M1"]
        }

        #expect(await member.addTag(" 常客 "))
        try await until("the new tag") { member.profile?.tags.contains("常客") == true }
        following.cancel()
        await following.value

        let nobody = MemberModel(core: core, memberId: "nobody")
        let looking = Task { await nobody.follow() }
        try await until("that there is nobody") { nobody.failure != nil }
        #expect(nobody.failure?.code == "unknown_member" && nobody.profile == nil)
        looking.cancel()
    }

    @Test func anAnswerToWhatWasTypedBeforeIsDropped() async throws {
        try await begin()
        let search = SearchModel(core: core)
        search.query = "0001"
        let first = Task { await search.follow() }
        await Task.yield()  // it has asked
        search.query = "李晚"
        try await following(search.follow, until: "the answer") { search.found != nil }
        first.cancel()
        await first.value
        #expect(search.found?.members.map(\.memberId) == ["M2"])
    }

    @Test func aListIsReadByPages() async throws {
        try await begin()
        for member in ["M1", "M2"] {
            _ = try await core.call { try $0.planCall(memberId: member) }
        }
        let tasks = TaskListModel(core: core, page: 1)
        try await following(tasks.follow, until: "the first page") { tasks.list?.households.count == 1 }
        let all = try #require(tasks.list?.householdCount)
        #expect(all > 1)
        tasks.more()
        try await following(tasks.follow, until: "the second page") { tasks.list?.households.count == 2 }
        tasks.narrow(view: .later)
        #expect(tasks.limit == 1)
    }

    @Test func aListFollowsChangesAndALockEmptiesIt() async throws {
        try await begin()
        let tasks = TaskListModel(core: core)
        let signIn = SignInModel(core: core)
        let following = Task { await tasks.follow() }
        try await until("the list") { tasks.list != nil }
        let before = try #require(tasks.list?.count)
        #expect(before == tasks.due)
        _ = try await core.call { try $0.planCall(memberId: "M2") }
        try await until("the new task") { tasks.list?.count == before + 1 }

        await signIn.lock()
        #expect(signIn.locked && signIn.signedIn == "C1")
        try await until("an empty list") { tasks.list == nil }
        #expect(tasks.failure?.kind == .locked)
        await signIn.signIn("C1")
        try await until("the list again") { tasks.list != nil }

        clock.later(minutes: 14)
        await signIn.touched()
        clock.later(minutes: 14)
        #expect(try await core.call { try $0.tasks(filter: TaskFilter(view: .due)) }.count == before + 1)
        clock.later(minutes: 2)
        await signIn.touched()
        #expect(signIn.locked, "a list that is read does not put the lock off")
        following.cancel()
    }

    @Test func aPinIsAskedFor() async throws {
        try await begin()
        try await core.call { try $0.setPin(staffId: "C1", old: nil, new: "1234") }
        let signIn = SignInModel(core: core)
        await signIn.lock()
        await signIn.signIn("C1")
        #expect(signIn.locked && signIn.failure?.kind == .pinMissing)
        await signIn.signIn("C1", pin: "4321")
        #expect(signIn.failure?.kind == .pinWrong && signIn.failure?["tries_left"] != nil)
        await signIn.signIn("C1", pin: "1234")
        #expect(!signIn.locked && signIn.failure == nil)
    }

    // MARK: Calls

    @Test func aCallFromTheListToTheHub() async throws {
        try await begin()
        let task = try await task(of: "M1")
        let call = CallModel(core: core, target: .task(task.taskId))
        #expect(await call.dial()?.reveal() == "15400000001")
        #expect(call.phase == .calling && call.script != nil)
        #expect(await call.dial() == nil, "a second tap dials nobody")
        await call.ended(.answered, durationS: 42)
        #expect(call.phase == .outcome)

        await call.record(NewOutcome(code: .agreedToVisit))
        #expect(call.phase == .outcome && call.failure?.code == "date_required")
        let agreed = NewOutcome(code: .agreedToVisit, date: TestClock.day(2), note: "下周来")
        await call.record(agreed)
        guard case .recorded(let recorded) = call.phase else {
            Issue.record("\(call.phase), \(String(describing: call.failure))")
            return
        }
        #expect(recorded.task.state == "deferred" && call.failure == nil)
        #expect(try await core.call { try $0.status() }.held > 0)
        await call.takeBack()
        #expect(call.phase == .outcome)
        await call.record(agreed)
        clock.later(minutes: 1)
        await call.takeBack()
        #expect(call.failure?.code == "take_back_over")

        let report = try await core.sync()
        #expect(report.pushedOps >= 3 && report.rejectedOps == 0 && report.parkedOps == 0)
        _ = try await core.sync()
        #expect(try await core.call { try $0.status() }.outbox == 0)
    }

    @Test func whatCameOfACallIsRecordedWhileItIsOpen() async throws {
        try await begin()
        let exchange = CountingExchange()
        let call = CallModel(
            core: core, target: .task(try await task(of: "M1").taskId), recordings: exchange)
        _ = await call.dial()
        await call.record(NewOutcome(code: .agreedToVisit))
        #expect(call.phase == .calling && call.failure?.code == "date_required", "what is refused says nothing")
        #expect(try await core.call { try $0.openAttempts() }.map(\.awaits) == [.result])
        #expect(call.recording == nil && exchange.asked.isEmpty)
        await call.record(NewOutcome(code: .agreedToVisit, date: TestClock.day(2)))
        guard case .recorded = call.phase else {
            Issue.record("\(call.phase), \(String(describing: call.failure))")
            return
        }
        #expect(call.recording?.reason == "not_supported" && call.failure == nil)
        #expect(try await core.call { try $0.openAttempts() }.isEmpty)
        await call.takeBack()
        #expect(call.phase == .outcome)
        await call.record(NewOutcome(code: .notInterested))
        #expect(exchange.asked.count == 1 && call.failure == nil, "it is looked for once")
    }

    @Test(arguments: [
        OutcomeCode.callLater, .alreadyBought, .boughtElsewhere, .stillHasStock, .doctorChangedOrStopped,
        .notInterested, .doNotContact, .wrongNumber, .needsPharmacist, .adverseReaction, .moved, .hospitalised,
        .deceased, .other,
    ])
    func everyOutcomeReachesTheHub(code: OutcomeCode) async throws {
        try await begin()
        let task = try await task(of: "M1")
        let call = CallModel(core: core, target: .task(task.taskId))
        _ = await call.dial()
        await call.ended(.answered)
        let instant = clock.nowMs() + 3 * 3_600_000
        await call.record(
            NewOutcome(
                code: code, date: TestClock.day(3), callAtMs: code == .callLater ? instant : nil, note: "备注"))
        guard case .recorded = call.phase else {
            Issue.record("\(code): \(String(describing: call.failure))")
            return
        }
        clock.later(minutes: 1)
        let report = try await core.sync()
        #expect(report.pushedOps > 0 && report.rejectedOps == 0 && report.parkedOps == 0, "\(report)")
    }

    @Test func nobodyAnswersAndNoOutcomeIsAskedFor() async throws {
        try await begin()
        let call = CallModel(core: core, target: .task(try await task(of: "M1").taskId))
        _ = await call.dial()
        await call.ended(.noAnswer)
        guard case .over(let ended) = call.phase else {
            Issue.record("\(call.phase), \(String(describing: call.failure))")
            return
        }
        #expect(ended.task?.taskId == call.taskId && !ended.numberMarked)
    }

    @Test func aRecordingComesFromTheExchangeOrIsSaidToBeMissing() async throws {
        try await begin()
        let without = CallModel(core: core, target: .task(try await task(of: "M1").taskId))
        _ = await without.dial()
        await without.ended(.answered)
        #expect(without.recording?.state == "none" && without.recording?.reason == "not_supported")
        let with = CallModel(
            core: core, target: .task(try await task(of: "M2").taskId), recordings: Exchange(bytes: 100_000))
        _ = await with.dial()
        await with.ended(.answered)
        #expect(with.recording?.state == "waiting" && with.recording?.bytes == 100_000 && with.failure == nil)
        let silent = CallModel(core: core, target: .task(try await task(of: "M3").taskId))
        _ = await silent.dial()
        await silent.ended(.busy)
        #expect(silent.recording == nil)
    }

    @Test func theGateRefusesWithItsReason() async throws {
        try await begin()
        let call = CallModel(core: core, target: .member("M3"))
        #expect(await call.dial() == nil)
        #expect(call.phase == .ready && call.failure?.kind == .refused && call.failure?.code == "gate.no_consent")
        #expect(try await core.call { try $0.refusalsToday() }.map(\.count) == [1])
    }

    @Test func aCallOutlivesTheApp() async throws {
        try await begin()
        let task = try await task(of: "M1")
        let dialled = CallModel(core: core, target: .task(task.taskId))
        _ = await dialled.dial()
        // The app is ended while the dialler has the screen, and opened anew.
        try await core.pause()
        let reborn = try await ClerkCore.open(home: home.url, vault: TestVault(), clock: clock)
        let open = try await reborn.call { try $0.openAttempts() }
        let call = CallModel(core: reborn, unfinished: try #require(open.first))
        #expect(call.phase == .calling)
        await call.ended(.answered, durationS: 20)
        #expect(call.phase == .outcome)
        let waiting = try await reborn.call { try $0.openAttempts() }
        #expect(CallModel(core: reborn, unfinished: try #require(waiting.first)).phase == .outcome)
        await call.record(NewOutcome(code: .alreadyBought))
        guard case .recorded(let recorded) = call.phase else {
            Issue.record("\(String(describing: call.failure))")
            return
        }
        #expect(recorded.task.taskId == task.taskId)
    }

    // MARK: Sync

    @Test func anOfflineDayComesToTheHub() async throws {
        try await begin()
        hub.stop()
        let sync = SyncModel(core: core)
        let following = Task { await sync.follow() }
        let reading = TypedReading(kind: "bp", numbers: ["128", "78"], context: "home")
        _ = try await core.call { try $0.addTyped(memberId: "M1", typed: reading) }
        _ = try await core.call { try $0.addNote(memberId: "M2", text: "下午来电", supersedes: nil) }
        try await until("two that wait") { sync.status?.outbox == 2 && sync.queue?.pending == 2 }
        await sync.syncNow()
        #expect(sync.failure?.kind == .offline)
        try hub.serve()
        await sync.syncNow()
        #expect(sync.failure == nil && sync.progress == nil)
        await sync.syncNow()
        try await until("an empty outbox") { sync.status?.outbox == 0 }
        await SignInModel(core: core).lock()
        try await until("no queue") { sync.queue == nil }
        #expect(sync.status != nil && sync.unread == nil, "that nobody uses the phone is no failure")
        following.cancel()
    }

    @Test func theBackgroundBringsWhatWasDoneUntilItIsLeft() async throws {
        try await begin()
        let sync = SyncModel(core: core)
        let following = Task { await sync.follow() }
        let running = Task { await sync.run() }
        try await until("the first round") { sync.status?.lastSyncMs != nil }
        _ = try await core.call { try $0.addNote(memberId: "M2", text: "下午来电", supersedes: nil) }
        try await until("nothing waits") { sync.status?.outbox == 0 }
        running.cancel()
        await running.value
        following.cancel()
        #expect(sync.failure == nil && sync.progress == nil)
        // The loop ends by itself; a round of our own waits for its last one.
        await sync.syncNow()
        #expect(sync.failure == nil)
    }

    @Test func cancellingTheTaskEndsTheCall() async throws {
        try await begin()
        hub.stop()
        // The connection that the hub left behind is used up, so that the next round waits for an answer.
        _ = try? await core.sync()
        let silent = try SilentServer(port: hub.port)
        let began = ContinuousClock().now
        let round = Task { try await core.sync() }
        try await Task.sleep(for: .seconds(1))
        round.cancel()
        await #expect(throws: CancellationError.self) { try await round.value }
        #expect(ContinuousClock().now - began < .seconds(5))
        silent.close()
        try hub.serve()
        #expect(try await core.sync().upToDate)
    }

    @Test func aHandleThatWasUsedEndsACallAtOnce() async throws {
        try await begin()
        let error = try await refusal {
            _ = try await core.cancellable { app, handle in
                handle.cancel()
                return try app.sync(listener: nil, cancel: handle)
            }
        }
        #expect(Failure(error).code == "cancelled")
    }

    @Test func aFileThatIsDamagedWhileItIsUsedIsMendedAndComesBack() async throws {
        _ = try hub.fill()
        try await begin()
        _ = try await core.call { try $0.addNote(memberId: "M2", text: "下午来电", supersedes: nil) }
        let (tasks, sync) = (TaskListModel(core: core), SyncModel(core: core))
        let following = [Task { await tasks.follow() }, Task { await sync.follow() }]
        try await until("the list") { tasks.list != nil && sync.status?.outbox == 1 }
        try await core.pause()
        let file = home.url.appendingPathComponent("clerk.db")
        var bytes = try Data(contentsOf: file)
        for at in stride(from: bytes.count / 3, to: bytes.count, by: 4096) { bytes[at + 7] ^= 0xff }
        try bytes.write(to: file)
        // It says so itself, unless a list's call has mended it by then.
        try? await core.resume()
        var ids = (0..<1200).map { "N\($0)" }.makeIterator()
        while sync.status?.members != 0, let id = ids.next() {
            _ = try? await core.call { try $0.profile(memberId: id) }
        }
        try await until("that it was mended") { sync.status?.members == 0 }
        #expect(sync.status?.paired == true)
        try await until("an empty list") { tasks.list == nil || tasks.list?.count == 0 }
        await sync.syncNow()
        await SignInModel(core: core).signIn("C1")
        try await until("the list again") { (tasks.list?.count ?? 0) > 0 }
        await sync.syncNow()
        try await until("nothing was lost") { sync.status?.outbox == 0 && sync.status?.stuck.isEmpty == true }
        #expect(sync.status?.setAside != nil && sync.status?.salvagedOps == 1)
        for one in following { one.cancel() }
    }

    // MARK: The end of a phone

    @Test func aPhoneThatIsShutOutSaysSo() async throws {
        try await begin()
        try hub.revoke(try await core.call { try $0.status() }.deviceId)
        let sync = SyncModel(core: core)
        await sync.syncNow()
        #expect(sync.failure != nil)
        let tasks = TaskListModel(core: core)
        let following = Task { await tasks.follow() }
        try await until("why there is no list") { tasks.failure != nil }
        #expect(tasks.failure?.kind == .deviceLocked && tasks.list == nil)
        following.cancel()
    }

    @Test func anEndedPairingLeavesNothingAndLosesNothingUnasked() async throws {
        try await begin()
        _ = try await core.call { try $0.addNote(memberId: "M2", text: "下午来电", supersedes: nil) }
        let error = try await refusal { try await core.call { try $0.unpair(lose: false) } }
        #expect(Failure(error).code == "unsent")
        try await core.call { try $0.unpair(lose: true) }
        let left = try home.names()
        #expect(left.filter { $0.hasPrefix("clerk.db") }.isEmpty, "\(left)")
        let fresh = PairingModel(
            core: try await ClerkCore.open(home: home.url, vault: TestVault(byte: 9), clock: clock))
        await fresh.begin()
        #expect(fresh.phase == .code)
    }
}

/// An exchange that bridged every call.
struct Exchange: CallRecordings {
    let bytes: Int

    func recording(of attemptId: String) async -> (source: any RecordingSource, mediaType: String)? {
        (Tape(bytes: bytes), "audio/mp4")
    }
}

/// An exchange that has nothing, and remembers for which calls it was asked.
@MainActor
private final class CountingExchange: CallRecordings {
    private(set) var asked: [String] = []

    func recording(of attemptId: String) async -> (source: any RecordingSource, mediaType: String)? {
        asked.append(attemptId)
        return nil
    }
}

/// So many bytes of silence.
private final class Tape: RecordingSource, @unchecked Sendable {
    private let lock = NSLock()
    private var left: Int

    init(bytes: Int) { left = bytes }

    func read(bytesMax: UInt32) throws -> Data {
        lock.withLock {
            let now = min(left, Int(bytesMax))
            left -= now
            return Data(count: now)
        }
    }
}
