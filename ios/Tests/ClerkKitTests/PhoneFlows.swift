import ClerkFFI
import Foundation
import Testing

@testable import ClerkKit
@testable import ClerkUI

/// The phone itself: pairing and the first load, who uses it, how it stands with the hub.
extension FlowTests {
    // flow: pair-and-load
    @Test func pairAndLoad() async throws {
        let app = phone.app
        await app.pairing.begin()
        app.pairing.code = "YB1-nonsense"
        await app.pairing.look()
        #expect(shows(PairingView(app: app), "这不是完整的配对码"))
        app.show(try #require(Opened(link: URL(string: "yaoban://pair/\(try phone.hub.pairingCode())")!)))
        await app.pairing.look()
        for words in ["晨光一店", "晨光大药房", "是这家店，配对", "不是，换一个配对码"] {
            #expect(shows(PairingView(app: app), words))
        }
        await app.pairing.accept(deviceName: app.device.name)
        #expect(app.pairing.phase == .ready)
        #expect(app.pairing.paired?.storeName == "晨光一店")
        await app.look()
        #expect(shows(SignInView(app: app), "谁在用这部手机？") && shows(SignInView(app: app), "陆小敏"))
    }

    // flow: no-camera
    @Test func noCamera() async throws {
        let app = phone.app
        await app.pairing.begin()
        #expect(texts(of: PairingView(app: app)).contains("扫码"))
        phone.device.scans = .noPermission
        await app.pairing.scan(by: phone.device)
        #expect(shows(PairingView(app: app), "没有相机权限") && app.pairing.code.isEmpty)
        phone.device.scans = .code("YB1-abc")
        await app.pairing.scan(by: phone.device)
        #expect(!shows(PairingView(app: app), "没有相机权限") && app.pairing.code == "YB1-abc")
        phone.device.canScan = false
        let screen = PairingView(app: app)
        #expect(shows(screen, "没有摄像头") && !texts(of: screen).contains("扫码") && shows(screen, "配对码"))
    }

    // flow: first-load-interrupted
    @Test func firstLoadInterrupted() async throws {
        let app = phone.app
        await app.pairing.begin()
        let code = try phone.hub.pairingCode()
        _ = try await app.core.call { try $0.pair(code: code, deviceName: "swift") }
        let reborn = try await phone.restart()
        await reborn.pairing.begin()
        #expect(reborn.pairing.phase == .interrupted && shows(PairingView(app: reborn), "晨光一店"))
        #expect(shows(PairingView(app: reborn), "已下载的都在"))
        phone.hub.stop()
        await reborn.pairing.load()
        #expect(reborn.pairing.phase == .interrupted && shows(PairingView(app: reborn), "连不上总部"))
        try phone.hub.serve()
        await reborn.pairing.load()
        await reborn.look()
        #expect(reborn.pairing.phase == .ready && shows(SignInView(app: reborn), "陆小敏"))
    }

    // flow: first-load-usable
    @Test func firstLoadUsable() async throws {
        let members = try phone.hub.fill()
        let first = phone.app
        let code = try phone.hub.pairingCode()
        _ = try await first.core.call { try $0.pair(code: code, deviceName: "swift") }
        await first.pairing.begin()
        #expect(first.pairing.phase == .interrupted && !shows(PairingView(app: first), "先用起来"))
        let cut = try await refusal {
            try await first.core.cancellable { try $0.sync(listener: Cut(handle: $1), cancel: $1) }
        }
        #expect(Failure(cut).code == "cancelled")

        // From here on it goes on, and does not end.
        phone.hub.stop()
        let silent = try SilentServer(port: phone.hub.port)
        let stopped = try await loading(first.pairing) { first.pairing.usable != nil }
        for words in ["先停下", "可以先用", "先用起来"] { #expect(shows(PairingView(app: first), words)) }
        first.pairing.stop()
        await stopped.value

        let app = try await phone.restart()
        await app.pairing.begin()
        #expect(app.pairing.phase == .interrupted)
        for words in ["已下载的都在", "可以先用", "先用起来"] { #expect(shows(PairingView(app: app), words)) }
        let left = try await loading(app.pairing) { true }
        await app.pairing.start()
        await left.value
        #expect(app.pairing.phase == .ready && app.pairing.failure == nil)
        await app.look()
        #expect(shows(SignInView(app: app), "陆小敏"))
        await app.signIn.signIn("C1")

        try await phone.following(app.sync.follow) { app.sync.status?.firstLoad != nil }
        let here = try #require(app.sync.status?.firstLoad)
        #expect(here.membersDone > 500 && here.membersDone < members && here.members == members)
        let partial = "还在下载会员：\(thousands(here.membersDone)) / \(thousands(members))，没下到的可到总部查询"
        try await phone.following(app.tasks.follow) { app.tasks.list != nil }
        #expect(shows(TasksView(app: app), partial) && shows(TasksView(app: app), "王约"))
        let place = Place.callTask(try await phone.task(of: "M1").taskId)
        #expect(shows(CallView(app: app, place: place, model: try await phone.call(place)), "续药回访"))

        silent.close()
        try phone.hub.serve()
        app.search.query = "N999"
        try await phone.following(app.search.follow) { app.search.found?.nobody == true }
        #expect(shows(CounterView(app: app), partial))
        let nobody = CounterView(app: app)
        for words in ["手机里还没有“N999”", "到总部查询", "完整的手机号或会员号"] { #expect(shows(nobody, words)) }
        await app.search.lookUp(reason: "到店")
        #expect(app.search.found?.members.map(\.memberId) == ["N999"], "\(String(describing: app.search.failure))")
        app.search.query = "N998"
        let asking = Task { await app.search.lookUp(reason: "到店") }
        while !app.search.lookingUp { await Task.yield() }
        app.search.query = "15999999999"
        await asking.value
        #expect(app.search.found?.members.map(\.memberId) == ["N999"], "an answer to what was typed before is dropped")
        await app.search.lookUp(reason: "到店")
        #expect(shows(CounterView(app: app), "总部也没有找到"), "\(texts(of: CounterView(app: app)))")
        let again = try await app.core.call { try $0.find(text: "15999999999 ") }
        #expect(again.none?.code == "nowhere" && again.nobody, "said as long as it is looked for, whatever rows change")
        app.search.query = "15999999998"
        try await phone.following(app.search.follow) {
            shows(CounterView(app: app), "手机里还没有“15999999998”")
        }

        await app.sync.syncNow()
        try await phone.following(app.sync.follow) { app.sync.status?.loaded == true }
        #expect(app.sync.status.map { UInt64($0.members) } == members && app.sync.failure == nil)
        try await phone.following(app.search.follow) { shows(CounterView(app: app), "本店没有找到“15999999998”") }
        #expect(!shows(CounterView(app: app), "还在下载") && !shows(TasksView(app: app), "还在下载"))
        #expect(app.signIn.current?.staffId == "C1" && shows(TasksView(app: app), "王约"))
    }

    /// A load that runs, once it is so. One that ended by itself goes on again, as by another touch: on the connection of
    /// before, to the hub that was stopped, the first request may fail at once.
    private func loading(_ pairing: PairingModel, _ holds: () -> Bool) async throws -> Task<Void, Never> {
        let ended = Flag(on: true)
        var load: Task<Void, Never>?
        try await until("the load runs") {
            if ended.on {
                ended.on = false
                load = Task {
                    await pairing.load()
                    ended.on = true
                }
            }
            return if case .loading = pairing.phase { holds() } else { false }
        }
        return try #require(load)
    }

    // flow: pin-lock
    @Test func pinLock() async throws {
        let app = try await phone.pair()
        let me = try #require(app.signIn.current)
        await app.signIn.setPin(me.staffId, new: "2468")
        await app.signIn.refresh()
        await app.signIn.lock()
        #expect(app.signIn.current == nil && shows(SignInView(app: app), "手机已锁"))
        await app.signIn.signIn(me.staffId, pin: "1111", on: app.device)
        #expect(shows(SignInView(app: app), "还可以试4次") && !shows(SignInView(app: app), "指纹"))
        await app.signIn.signIn(me.staffId, pin: "2468", on: app.device)
        #expect(app.signIn.current?.staffId == me.staffId && shows(CounterView(app: app), "柜台"))
    }

    @Test func aTouchPutsTheLockOff() async throws {
        await phone.model.touched()
        let app = try await phone.pair()
        for _ in 0..<3 {
            phone.clock.later(minutes: 14)
            await phone.model.touched()
            await app.look()
            #expect(app.signIn.current != nil)
        }
        phone.clock.later(minutes: 16)
        await phone.model.touched()
        #expect(app.signIn.current == nil && app.signIn.locked, "too late")
    }

    @Test func aFingerOrFaceTakesThePlaceOfAPinThatWasTyped() async throws {
        let app = try await phone.pair()
        let me = try #require(app.signIn.current)
        await app.signIn.setPin(me.staffId, new: "2468")
        phone.device.knowsUser = true
        await app.signIn.lock()
        await app.signIn.recognise(me.staffId, reason: "", by: app.device)
        #expect(app.signIn.current == nil, "not before a PIN was typed")
        await app.signIn.signIn(me.staffId, pin: "1357", on: app.device)
        #expect(phone.device.trusted == 0, "nor after a wrong one")
        await app.signIn.signIn(me.staffId, pin: "2468", on: app.device)
        await app.signIn.lock()
        #expect(phone.device.trusted == 1 && shows(SignInView(app: app), app.words["signin.by_finger"]))
        await app.signIn.recognise(me.staffId, reason: "", by: app.device)
        #expect(app.signIn.current?.staffId == me.staffId)
    }

    // flow: lock-switch-unpair
    @Test func lockSwitchUnpair() async throws {
        let app = try await phone.pair()
        let model = SettingsModel(core: app.core)
        try await phone.following(model.follow) { model.storage != nil }
        #expect(shows(PhoneView(app: app, model: model), "换人"))
        await app.signIn.signOut()
        #expect(app.signIn.current == nil && shows(SignInView(app: app), "谁在用这部手机？"))
        await app.signIn.signIn("C1")
        _ = try await app.core.call { try $0.addNote(memberId: "M2", text: "下午来电", supersedes: nil) }
        #expect(await model.unpair(lose: false) == false)
        #expect(model.unsent && shows(PhoneView(app: app, model: model), "没上传的也不要了，解除配对"))
        #expect(shows(PhoneView(app: app, model: model), "全部数据和密钥都会删除"))
        #expect(await model.unpair(lose: true))
        await phone.device.unpaired()
        #expect(phone.vault.destroyed == 1)
        let fresh = try await phone.model.app()
        await fresh.pairing.begin()
        #expect(fresh.pairing.phase == .code)
    }

    // flow: offline-day-then-sync
    @Test func offlineDayThenSync() async throws {
        let app = try await phone.pair()
        phone.hub.stop()
        await app.sync.syncNow()
        #expect(shows(CounterView(app: app), "离线") && shows(TasksView(app: app), "离线"))
        #expect(shows(MembersView(app: app, model: GroupModel(core: app.core)), "离线"))
        #expect(shows(TodayView(app: app, model: TodayModel(core: app.core)), "离线"))
        app.way.tab = .phone
        let page = PhoneView(app: app, model: SettingsModel(core: app.core))
        #expect(shows(page, app.words.failure(try #require(app.sync.failure))), "why there is no round")
        for place in [
            Place.member("M1"), .callMember("M1"), .readings("M1"), .history("M1"), .register(""), .message(["M1"]),
            .waiting, .edit("M1"),
        ] {
            #expect(shows(PlaceView(app: app, place: place), "离线"), "\(place)")
        }
        let call = try await phone.call(.callTask(try await phone.task(of: "M1").taskId))
        await call.dial(by: app.device, watch: app.dialWatch)
        await call.record(NewOutcome(code: .alreadyBought))
        #expect(call.failure == nil)
        phone.clock.later(minutes: 1)
        try phone.hub.serve()
        let report = try await app.core.sync()
        #expect(report.pushedOps >= 3 && report.rejectedOps == 0 && report.parkedOps == 0, "\(report)")
        await app.sync.syncNow()
        #expect(app.sync.failure == nil && !shows(CounterView(app: app), "离线"))
    }

    // flow: sync-in-background
    @Test func syncInBackground() async throws {
        let app = try await phone.pair()
        _ = try await app.core.call { try $0.addNote(memberId: "M2", text: "下午来电", supersedes: nil) }
        await app.signIn.lock()
        await app.enter(.background)
        let due = try await app.roundInBackground()
        #expect(due?.due == 3 && due?.emergencies == 0, "also behind the lock: numbers only")
        _ = try await app.roundInBackground()
        #expect(!app.presence.open, "the file is closed again")
        await app.enter(.active)
        #expect(try await app.core.call { try $0.status() }.outbox == 0)
        await app.enter(.background)
        phone.hub.stop()
        await #expect(throws: ClerkError.self) { try await app.roundInBackground() }
        #expect(!app.presence.open)
    }

    @Test func recordingsGoUpByTheNetworkThatTheDeviceTells() async throws {
        let app = try await phone.pair()
        let call = CallModel(
            core: app.core, target: .task(try await phone.task(of: "M1").taskId), recordings: Exchange(bytes: 1000))
        _ = await call.dial()
        await call.ended(.answered)
        let attemptId = try #require(call.recording?.attemptId)
        func state(on network: NetworkKind) async throws -> String {
            phone.device.network = network
            _ = try await app.roundInBackground()
            return try await app.core.call { try $0.recordingOf(attemptId: attemptId).state }
        }
        func says(_ words: String) async throws -> Bool {
            let model = SettingsModel(core: app.core)
            try await phone.following(model.follow) { model.recordings != nil }
            return shows(PhoneView(app: app, model: model), words)
        }
        #expect(try await state(on: .none) == "waiting")
        #expect(try await says("没有网络，稍后上传"))
        #expect(try await state(on: .metered) == "waiting")
        #expect(try await says("等连上 Wi-Fi 再上传"))
        #expect(try await state(on: .wifi) == "uploaded")
        phone.device.network = .metered
        await app.followNetwork()
        #expect(try await says("等连上 Wi-Fi 再上传"), "while the app is open too")
    }

    @Test func thePhoneSaysHowItStandsWithTheHub() async throws {
        let app = try await phone.pair()
        let screen = PhoneView(app: app, model: SettingsModel(core: app.core))
        let call = try await phone.call(.callTask(try await phone.task(of: "M1").taskId))
        await call.dial(by: app.device, watch: app.dialWatch)
        await call.record(NewOutcome(code: .notInterested))
        try await phone.following(app.sync.follow) { (app.sync.status?.held ?? 0) > 0 }
        #expect(shows(screen, "还可撤回"))
        try phone.hub.revoke(try await app.core.call { try $0.status() }.deviceId)
        await app.sync.syncNow()
        #expect(app.sync.failure?.kind == .hub)
        #expect(shows(CounterView(app: app), "不能同步") && !shows(CounterView(app: app), "离线"), "no waiting mends it")
        #expect(shows(screen, app.words.failure(try #require(app.sync.failure))))
        #expect(!shows(screen, "不能同步"), "it sends nobody to the page it is on")
        try await phone.following(app.sync.follow) { app.sync.status?.locked != nil }
        #expect(shows(screen, "总部已停用这部手机（总部收回）"))
        try await app.core.pause()
        try await phone.following(app.sync.follow) { app.sync.status == nil }
        #expect(shows(screen, app.words.failure(try #require(app.sync.unread))) && !shows(screen, "正在读取"))
    }

    // flow: notification-while-open
    @Test func notificationWhileOpen() async throws {
        let app = try await phone.pair()
        app.show(.tasks)
        #expect(app.way.tab == .tasks && app.way.top == nil)
        app.way.tab = .members
        app.way.to(.member("M1"))
        app.show(.tasks)
        #expect(app.way.tab == .tasks && app.way.top == nil)
    }

    // flow: support-and-licences
    @Test func supportAndLicences() async throws {
        let app = try await phone.pair()
        let model = SettingsModel(core: app.core)
        #expect(shows(PhoneView(app: app, model: model), "开源许可"))
        app.way.tab = .phone
        app.way.to(.licences)
        let licences = PlaceView(app: app, place: try #require(app.way.top))
        #expect(shows(licences, "rusqlite") && shows(licences, "SQLCipher") && !shows(licences, "jni"))

        await model.sendBundle(by: phone.device)
        #expect(model.failure == nil && !model.checking, "\(String(describing: model.failure))")
        let bundle = try #require(phone.device.files.last)
        #expect(bundle.range(of: Data("findings".utf8)) == nil, "sealed")
        let read = try phone.hub.opened(bundle)
        #expect(read.contains("findings") && !read.contains("M1") && !read.contains("王约"))
        phone.device.answers = .notPossible
        await model.sendBundle(by: phone.device)
        #expect(shows(PhoneView(app: app, model: model), "没有可以发送文件的应用"))
    }
}

/// Whether something is so, for a task that says it.
@MainActor private final class Flag {
    var on: Bool

    init(on: Bool) { self.on = on }
}

/// Ends a round once members came in: on the core's thread, so always at the same place.
private final class Cut: ProgressListener {
    private let handle: CancelHandle

    init(handle: CancelHandle) { self.handle = handle }

    func progress(progress: SyncProgress) { if progress.stage == .loading, progress.done > 0 { handle.cancel() } }
}
