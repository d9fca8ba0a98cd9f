import ClerkFFI
import Foundation
import Testing

@testable import ClerkKit

/// What the app does as it comes and goes, without the system.
@MainActor @Suite struct LifecycleTests {
    private let home: Folder

    init() throws { home = try Folder() }

    private func open() async throws -> ClerkCore {
        try await ClerkCore.open(home: home.url, vault: TestVault(), clock: TestClock())
    }

    private func paused(_ core: ClerkCore) async -> Bool {
        do { _ = try await core.call { try $0.status() } } catch { return Failure(error).code == "paused" }
        return false
    }

    // MARK: The file

    @Test func theFileIsOpenWhileSomebodyNeedsIt() async throws {
        let core = try await open()
        let presence = Presence(core: core)
        await presence.enter(.inactive)
        #expect(await !paused(core) && presence.seen, "inactive is on the way to either")
        await presence.enter(.background)
        #expect(await paused(core))
        try await presence.during {
            #expect(await !paused(core), "work in the background has the file")
            await presence.enter(.active)
            await presence.enter(.background)
        }
        #expect(await paused(core) && presence.failure == nil)
        await presence.enter(.active)
        #expect(await !paused(core))
    }

    @Test func fastChangesEndWhereTheyShould() async throws {
        let core = try await open()
        let presence = Presence(core: core)
        for round in 0..<10 {
            async let away: Void = presence.enter(.background)
            async let back: Void = presence.enter(round % 2 == 0 ? .active : .background)
            _ = await (away, back)
            #expect(presence.open == presence.seen && presence.failure == nil)
        }
        await presence.enter(.active)
        #expect(await !paused(core))
    }

    @Test func aFileThatDidNotOpenIsStillLetGo() async throws {
        let core = try await open()
        let presence = Presence(core: core)
        await presence.enter(.background)
        let (file, aside) = (home.url.appendingPathComponent("clerk.db"), home.url.appendingPathComponent("aside"))
        try FileManager.default.moveItem(at: file, to: aside)
        try FileManager.default.createDirectory(at: file, withIntermediateDirectories: false)
        await presence.enter(.active)
        #expect(presence.failure != nil && !presence.open)
        try FileManager.default.removeItem(at: file)
        try FileManager.default.moveItem(at: aside, to: file)
        await presence.enter(.background)
        #expect(await paused(core) && presence.failure == nil)
        await presence.enter(.active)
        #expect(await !paused(core) && presence.open)
        await presence.enter(.background)
        try FileManager.default.moveItem(at: file, to: aside)
        try FileManager.default.createDirectory(at: file, withIntermediateDirectories: false)
        await presence.enter(.active)
        try FileManager.default.removeItem(at: file)
        try FileManager.default.moveItem(at: aside, to: file)
        await presence.again()
        #expect(presence.open && presence.failure == nil, "nobody has to leave the app for that")
    }

    @Test func workThatFailsLetsTheFileGo() async throws {
        let core = try await open()
        let presence = Presence(core: core, seen: false)
        await #expect(throws: TooLate.self) { try await presence.during { throw TooLate() } }
        #expect(await paused(core))
    }

    @Test func whoOpensTwiceOpensOnce() async throws {
        let device = TestDevice()
        var asked = 0
        let phone = PhoneModel(
            home: home.url.appendingPathComponent("phone"), vault: TestVault(), texts: Texts { _ in nil }
        ) { _ in
            asked += 1
            return device
        }
        async let one = phone.app()
        async let other = phone.app()
        #expect(try await one === other && asked == 1)
    }

    @Test func whoLeavesWhileTheFileIsOpenedLeavesItClosed() async throws {
        let phone = PhoneModel(
            home: home.url.appendingPathComponent("phone"), vault: TestVault(), texts: Texts { _ in nil }
        ) { _ in TestDevice() }
        await phone.enter(.active)
        let opening = Task { try await phone.app() }
        await Task.yield()
        await phone.enter(.background)
        let app = try await opening.value
        #expect(await paused(app.core) && !app.presence.seen)
        await phone.enter(.active)
        #expect(await !paused(app.core) && app.presence.seen)

        let early = PhoneModel(
            home: home.url.appendingPathComponent("early"), vault: TestVault(), texts: Texts { _ in nil }
        ) {
            _ in TestDevice()
        }
        await early.enter(.background)
        #expect(await paused(try await early.app().core), "nor is one open that is opened when nobody is there")
    }

    @Test func theFolderIsPreparedAnewForEachPairing() async throws {
        let prepared = Told()
        let folder = home.url.appendingPathComponent("phone")
        let phone = PhoneModel(home: folder, vault: TestVault(), texts: Texts { _ in nil }) { folder in
            prepared.add(FileManager.default.fileExists(atPath: folder.path))
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        } device: { _ in
            TestDevice()
        }
        _ = try await phone.app()
        await phone.beginAnew()
        #expect(prepared.all == [false, false], "a folder of the pairing before is not used again")
        let closed = PhoneModel(home: folder, vault: TestVault(), texts: Texts { _ in nil }) { _ in
            throw TooLate()
        } device: { _ in
            TestDevice()
        }
        await #expect(throws: TooLate.self) { try await closed.app() }
        guard case .failed = closed.state else { throw NotRefused() }
    }

    @Test func aKeyThatIsNotThereIsSaidAndTriedAgain() async throws {
        let vault = LockedVault()
        let phone = PhoneModel(home: home.url, vault: vault, texts: Texts { _ in nil }) { _ in TestDevice() }
        await #expect(throws: ClerkError.self) { try await phone.app() }
        guard case .failed(let failure) = phone.state else { throw NotRefused() }
        #expect(failure.code == "key_unavailable")
        await phone.enter(.background)
        vault.locked = false
        await phone.enter(.inactive)
        guard case .failed = phone.state else { throw NotRefused() }
        await phone.enter(.active)
        guard case .open = phone.state else { throw NotRefused() }
    }

    // MARK: Work in the background

    @Test func theSystemIsToldOnceThatWorkIsOver() async throws {
        let told = Told()
        let work = BackgroundWork(grace: .milliseconds(20)) { told.add($0) }
        work.begin {}
        work.begin { throw TooLate() }
        try await until("the word") { told.all == [true] }
        work.expire()
        try await Task.sleep(for: .milliseconds(60))
        #expect(told.all == [true])
    }

    @Test func workWhoseTimeRanOutIsCancelledAndSaidOnce() async throws {
        let told = Told()
        let work = BackgroundWork(grace: .seconds(20)) { told.add($0) }
        work.begin { try await Task.sleep(for: .seconds(20)) }
        work.expire()
        try await until("the word", within: .seconds(5)) { told.all == [false] }
    }

    @Test func workThatDoesNotHearIsGivenUp() async throws {
        let told = Told()
        let gate = AsyncStream.makeStream(of: Void.self)
        let work = BackgroundWork(grace: .milliseconds(20)) { told.add($0) }
        work.begin { await Task.detached { for await _ in gate.stream {} }.value }
        work.expire()
        try await until("the word", within: .seconds(5)) { told.all == [false] }
        gate.continuation.finish()
        try await Task.sleep(for: .milliseconds(60))
        #expect(told.all == [false])
    }

    @Test func timeThatRanOutBeforeTheWorkBeganCancelsIt() async throws {
        let told = Told()
        let work = BackgroundWork(grace: .seconds(20)) { told.add($0) }
        work.expire()
        work.begin { try await Task.sleep(for: .seconds(20)) }
        try await until("the word", within: .seconds(5)) { told.all == [false] }
    }

    @Test func noticesHoldNumbersOnly() throws {
        let texts = try Catalogue.texts("zh-Hans")
        let two = Notice.of(DueCounts(due: 3, emergencies: 1), texts)
        #expect(two.map(\.text) == ["今天有 3 项回访要做", "有 1 项紧急读数要处理"] && two.map(\.loud) == [false, true])
        #expect(Notice.of(DueCounts(due: 0, emergencies: 0), texts).allSatisfy { $0.text == nil })
        #expect(two.map(\.id) == Notice.ids)
    }

    // MARK: A call

    @Test func whoCameBackFromACallIsKnownByTheWayTheAppStood() {
        let watch = DialWatch()
        func after(_ phases: [AppPhase]) -> DialWatch.State {
            watch.dialled()
            for phase in phases { watch.enter(phase) }
            return watch.state
        }
        #expect(after([.inactive]) == .asked)
        #expect(after([.inactive, .active]) == .declined)
        #expect(after([.inactive, .background]) == .away)
        #expect(after([.inactive, .background, .inactive, .active]) == .returned)
        #expect(after([.background, .active, .inactive, .active]) == .returned, "a later look away changes nothing")
        #expect(after([.active]) == .asked)
        watch.done()
        watch.enter(.background)
        watch.enter(.active)
        #expect(watch.state == .idle)
    }

    @Test func aNumberBecomesALinkForTheDialler() {
        #expect(ContactLinks.call(Secret("+86 154-0000-0001"))?.absoluteString == "tel:+8615400000001")
        #expect(ContactLinks.call(Secret("没有")) == nil)
        #expect(ContactLinks.app(.wechat)?.scheme == "weixin" && ContactLinks.app(.wecom)?.scheme == "wxwork")
    }

    @Test func aTextGoesByTheSDKOrByTheClipboard() async {
        var copied: [String] = []
        var opened: [String] = []
        var installed = true
        let sdk = Chat()
        func sharing(_ wechat: Chat?) -> Sharing {
            Sharing(wechat: wechat) {
                copied.append($0)
            } open: {
                opened.append($0.absoluteString)
                return installed
            }
        }
        #expect(await sharing(sdk).share(.wechat, text: "您好") == .taken)
        #expect(sdk.heard == ["您好"] && copied.isEmpty && opened.isEmpty)
        #expect(await sharing(sdk).share(.wecom, text: "您好") == .copied)
        #expect(copied == ["您好"] && opened == ["wxwork://"])
        sdk.answers = false
        #expect(await sharing(sdk).share(.wechat, text: "一") == .copied)
        #expect(await sharing(nil).share(.wechat, text: "二") == .copied)
        #expect(copied == ["您好", "一", "二"] && opened.suffix(2) == ["weixin://", "weixin://"])
        installed = false
        #expect(await sharing(nil).share(.wechat, text: "三") == .noApp && copied.last == "三")
    }

    // MARK: The way

    @Test func theWayIsKeptAndGoesOn() {
        let way = Way()
        #expect(way.untouched)
        way.show(.tasks)
        #expect(!way.untouched)
        way.to(.member("M1"))
        way.to(.member("M1"))
        #expect(way.overTasks)
        way.to(.callTask("T1"))
        way.instead(.callTask("T2"))
        way.places[.counter] = [.register("王约 13800000000")]
        let again = Way()
        again.saved = way.saved
        #expect(!way.saved.contains("1380") && !way.saved.contains("王约") && way.saved.contains("M1"))
        #expect(again.places[.counter] == [.register("")])
        #expect(again.tab == .tasks && again.places[.tasks] == [.member("M1"), .callTask("T2")])
        again.back()
        #expect(again.top == .member("M1"))
        again.saved = "what an older app kept"
        #expect(again.top == .member("M1"))
        again.restart()
        again.back()
        #expect(again.tab == .counter && again.top == nil)
    }

    @Test func onlyOurLinksOpenTheApp() throws {
        func opened(_ link: String) -> Opened? { URL(string: link).flatMap { Opened(link: $0) } }
        #expect(opened("yaoban://pair/YB1-abc") == .pairing("YB1-abc"))
        #expect(opened("https://hub.example.com/pair/YB1-abc") == .pairing("YB1-abc"))
        for other in ["yaoban://pair", "yaoban://open/YB1-abc", "https://hub.example.com/", "http://x/pair/YB1-abc"] {
            #expect(opened(other) == nil, "\(other)")
        }
    }

    // MARK: Words

    @Test func codesDatesAndFiguresAreWorded() throws {
        let words = Wording(try Catalogue.texts("zh-Hans"), today: "2026-03-01", zone: TimeZone(secondsFromGMT: 0)!)
        #expect(
            ["2026-03-01", "2026-03-02", "2026-02-28", "2026-12-31", "2025-12-31"].map(words.date) == [
                "今天", "明天", "昨天", "12-31", "2025-12-31",
            ])
        #expect(Days.between("2024-02-28", "2024-03-01") == 2 && Days.between("2026-02-30", "2026-03-01") == nil)
        #expect(["2026-03-02", "2026-03-08"].map(words.near) == ["明天", "7天后"])
        #expect(codeName(OutcomeCode.agreedToVisit) == "agreed_to_visit")
        #expect(ofCode("win_back") == MemberClass.winBack && ofCode("open") == TodayFigure.open)
        #expect(ofCode("from_tomorrow") as MemberClass? == nil)
        #expect(words.code("outcome", of: OutcomeCode.agreedToVisit) == "约好到店" && words.code("class", "new") == "new")
        #expect(yuan(123_456_789) == "¥1,234,567.89" && yuan(-5) == "-¥0.05" && yuan(100_000) == "¥1,000.00")
        #expect(thousands(0) == "0" && thousands(999) == "999" && thousands(1_234_567) == "1,234,567")
        #expect([2500, -1000, 10].map { decimal($0) } == ["2.5", "-1", "0.01"])
        func value(_ name: String, _ value: String, _ kind: ValueKind = .text) -> WordingValue {
            WordingValue(name: name, value: value, kind: kind)
        }
        func code(_ name: String, _ code: String, of group: String) -> WordingValue {
            value(name, code, .code(group: group))
        }
        #expect(words.reason("task_closed", [code("state", "done", of: "task_state")]) == "任务已完成，不能再改")
        #expect(words.reason("task_closed", [code("state", "lost", of: "task_state")]) == "任务lost，不能再改")
        #expect(
            words.reason("pin_blocked", [value("wait_s", "1200", .wait(n: 20, unit: "minutes"))]) == "密码错得太多，20分钟后再试")
        #expect(words.reason("after_due", [value("due", "2026-03-02", .day)]) == "任务明天到期，不能推迟到那以后")
        #expect(
            words.said(Say(group: "after", code: "back_at", values: [value("when", "1772359200000", .instant)]))
                == "10:00 回到任务列表")
        #expect(words.said(Say(group: "after", code: "from_tomorrow", values: [])) == "from_tomorrow")
        let pin = [code("field", "pin", of: "field"), code("expected", "digits", of: "expected")]
        #expect(words.reason("invalid", pin + [value("min", "4"), value("max", "12")]) == "密码不对：4到12位数字")
        #expect(words.reason("from_tomorrow", [value("x", "1")]).contains("from_tomorrow"))
        func band(_ context: String?, _ from: UInt16?, _ to: UInt16) -> TargetBand {
            TargetBand(field: "glucose", decimals: 1, context: context, from: from, to: to)
        }
        #expect(words.targets([band("fasting", 44, 70), band("random", nil, 100)]) == "空腹 4.4–7.0 · 随机 不超过 10.0")
        #expect(words.targets([band(nil, 44, 70)]) == "血糖 4.4–7.0")
    }
}

/// What was told, in its order.
private final class Told: @unchecked Sendable {
    private let lock = NSLock()
    private var words: [Bool] = []

    var all: [Bool] { lock.withLock { words } }
    func add(_ word: Bool) { lock.withLock { words.append(word) } }
}

/// A chat's SDK that remembers.
@MainActor
private final class Chat: TextSDK {
    var answers = true
    private(set) var heard: [String] = []

    func send(_ text: String) async -> Bool {
        heard.append(text)
        return answers
    }
}

/// A vault that is locked at first, as the Keychain before the first unlock.
private final class LockedVault: PhoneVault, @unchecked Sendable {
    private let lock = NSLock()
    private var closed = true

    var locked: Bool {
        get { lock.withLock { closed } }
        set { lock.withLock { closed = newValue } }
    }

    func databaseKey() throws -> Data {
        if locked { throw PlatformError.Failed(why: "read -25308") }
        return Data(repeating: 7, count: 32)
    }

    func destroy() throws {}
}
