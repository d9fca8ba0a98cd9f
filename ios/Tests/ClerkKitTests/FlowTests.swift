import ClerkFFI
import Foundation
import Testing

@testable import ClerkKit
@testable import ClerkUI

/// The flows of tests/flows.toml with the real core and a real hub: what the clerk does through the models, what is
/// seen on the screens, as far as they can be read without a Mac.
@MainActor @Suite(.serialized) struct FlowTests {
    private let phone: TestPhone

    init() async throws { phone = try await TestPhone() }

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

    // flow: search-profile-call-outcome
    @Test func searchProfileCallOutcome() async throws {
        let app = try await phone.pair()
        phone.device.scans = .noPermission
        await app.search.scan(by: phone.device)
        #expect(shows(CounterView(app: app), "没有相机权限"))
        phone.device.scans = .code("0001")
        await app.search.scan(by: phone.device)
        try await phone.following(app.search.follow) { app.search.members?.map(\.memberId) == ["M1"] }
        #expect(shows(CounterView(app: app), "王约"))
        let member = MemberModel(core: app.core, memberId: "M1")
        try await phone.following(member.follow) { member.profile != nil }
        let seen = texts(of: MemberView(app: app, model: member))
        #expect(seen.first { $0.contains("王约") || $0.contains("过敏") }?.contains("过敏：青霉素") == true, "the allergy first")
        #expect(seen.contains { $0.contains("用到") } && seen.contains("氨氯地平"))

        let task = try await phone.task(of: "M1")
        #expect(member.callPlace == .callTask(task.taskId), "what comes of the call is the task's")
        app.way.to(member.callPlace)
        let call = try await phone.call(.callTask(task.taskId))
        let ready = CallView(app: app, place: .callTask(task.taskId), model: call)
        #expect(shows(ready, "续药回访") && shows(ready, app.words["mark.allergies"]))
        await call.dial(by: app.device, watch: app.dialWatch)
        #expect(phone.device.dialled == ["15400000001"])
        #expect(shows(CallView(app: app, place: .callTask(task.taskId), model: call), "约好到店"))
        #expect(try canRecord(.callLater, of: call, app) && !canRecord(.agreedToVisit, of: call, app))
        await call.record(NewOutcome(code: .agreedToVisit, date: TestClock.day(2)))
        let after = CallView(app: app, place: .callTask(task.taskId), model: call)
        #expect(shows(after, "约好到店") && shows(after, "回到任务列表"), "\(texts(of: after))")
        try await phone.following(app.tasks.follow) { app.tasks.list != nil }
        #expect(texts(of: TasksView(app: app)).contains("推迟"))
        app.tasks.narrow(view: .later)
        try await phone.following(app.tasks.follow) { app.tasks.list?.count == 1 }
        #expect(shows(TasksView(app: app), "王约") && !texts(of: TasksView(app: app)).contains("推迟"), "it is put off")
        #expect(shows(after, "没有录音 · 这部手机不支持通话录音"), "iOS lets no app record, and the clerk is told")
    }

    /// Whether the question of an outcome takes it without a day.
    private func canRecord(_ code: OutcomeCode, of call: CallModel, _ app: AppModel) throws -> Bool {
        let offered = try #require(call.offered)
        let choice = try #require(offered.choices.first { $0.code == code })
        let question = OutcomeQuestion(app: app, offered: offered, choice: choice, note: .constant("")) { _ in }
        return texts(of: question).contains(app.words["call.record"])
    }

    // flow: take-back
    @Test func takeBack() async throws {
        let app = try await phone.pair()
        let place = Place.callTask(try await phone.task(of: "M1").taskId)
        let call = try await phone.call(place)
        await call.dial(by: app.device, watch: app.dialWatch)
        await call.record(NewOutcome(code: .notInterested))
        #expect(shows(CallView(app: app, place: place, model: call), "撤回"))
        await call.takeBack()
        #expect(call.phase == .outcome && shows(CallView(app: app, place: place, model: call), "谈得怎样"))
        await call.record(NewOutcome(code: .doNotContact))
        guard case .recorded(let recorded) = call.phase else { throw NotRefused() }
        #expect(recorded.heldMs == 10_000)
        phone.clock.later(minutes: 1)
        await call.takeBack()
        #expect(call.failure?.code == "take_back_over")
        #expect(try await app.core.call { try $0.profile(memberId: "M1") }.doNotContact)
    }

    // flow: attempt-survives
    @Test func attemptSurvives() async throws {
        let app = try await phone.pair()
        let task = try await phone.task(of: "M2")
        app.way.tab = .tasks
        app.way.to(.callTask(task.taskId))
        let call = try await phone.call(.callTask(task.taskId))
        await call.dial(by: app.device, watch: app.dialWatch)

        let reborn = try await phone.restart()
        // The system kept where the clerk was.
        reborn.way.saved = app.way.saved
        #expect(reborn.way.top == .callTask(task.taskId))
        await reborn.look()
        try await phone.following(reborn.tasks.follow) { reborn.tasks.open.count == 1 }
        #expect(shows(TasksView(app: reborn), "李晚 的拨打还没记结果"))
        let again = try #require(await reborn.call(.callTask(task.taskId)))
        await again.look()
        #expect(again.phase == .calling)
        await again.ended(.noAnswer)
        #expect(shows(CallView(app: reborn, place: .callTask(task.taskId), model: again), "回到任务列表"))
        await reborn.goOn(from: .callTask(task.taskId))
        guard case .callTask(let next) = reborn.way.top else { throw NotRefused() }
        #expect(next != task.taskId && phone.device.dialled == ["15400000002"])
        #expect(try await reborn.core.call { try $0.openAttempts() }.isEmpty)
    }

    // flow: gate-refusal
    @Test func gateRefusal() async throws {
        let app = try await phone.pair()
        let member = MemberModel(core: app.core, memberId: "M3")
        try await phone.following(member.follow) { member.verdict != nil }
        #expect(shows(MemberView(app: app, model: member), "没有取得同意"))
        let call = try await phone.call(.callMember("M3"))
        #expect(call.verdict?.verdict == .refuse)
        #expect(shows(CallView(app: app, place: .callMember("M3"), model: call), "没有取得同意"))
        await call.dial(by: app.device, watch: app.dialWatch)
        #expect(call.phase == .ready && phone.device.dialled.isEmpty && call.failure?.code == "gate.no_consent")
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
        #expect(shows(PhoneView(app: app, model: SettingsModel(core: app.core)), "离线"))
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

    // flow: emergency-reading
    @Test func emergencyReading() async throws {
        let app = try await phone.pair()
        let model = ReadingsModel(core: app.core, memberId: "M1")
        try await phone.following(model.follow) { model.readings != nil }
        let form = try #require(model.form)
        func typed(_ high: String, _ low: String) -> TypedReading {
            TypedReading(kind: form.kind, numbers: [high, low], context: "office")
        }
        await model.check(typed("", ""))
        #expect(model.checked == nil)
        await model.check(typed("190", ""))
        #expect(model.checked?.state == .incomplete)
        await model.check(typed("190", "125"))
        #expect(model.checked?.state == .possible && shows(ReadingsView(app: app, model: model), "危险 3级"))
        #expect(await model.add(typed("190", "125")))
        let screen = ReadingsView(app: app, model: model)
        for words in ["危险 3级", "马上叫药师", "已给药师建了今天的紧急任务"] { #expect(shows(screen, words)) }
        try await phone.following(model.follow) { model.readings?.readings.isEmpty == false }
        #expect(shows(ReadingsView(app: app, model: model), "收缩压 不超过 13"))
        let passing = Task { await model.check(typed("250", "140")) }
        await Task.yield()
        passing.cancel()
        await model.check(typed("128", "78"))
        await passing.value
        #expect(model.checked?.reading?.systolic == 128 && model.checked?.alarm == false, "what is typed now counts")
        await model.check(typed("999", "99"))
        #expect(model.checked?.state == .impossible && shows(ReadingsView(app: app, model: model), "不可能"))
        #expect(await model.add(typed("999", "99")) == false)
        let stored = try await app.core.call { try $0.readings(memberId: "M1", kind: "bp", limit: 5).readings }
        #expect(stored.map(\.systolic) == [190])
    }

    // flow: register-with-consents
    @Test func registerWithConsents() async throws {
        let app = try await phone.pair()
        let model = RegisterModel(core: app.core, typed: "15450000099")
        await model.begin()
        model.name = " 仇小玲 "
        model.sex = "female"
        model.birthday = "29.2.1960"
        model.allergies = "磺胺，青霉素"
        model.consents = ["membership", "health"]
        model.diseases = ["gout"]
        #expect(shows(RegisterView(app: app, model: model), "我同意成为会员"))
        let form = texts(of: RegisterView(app: app, model: model))
        #expect(form.contains("高血压") && form.contains("痛风") && form.contains("其他疾病") && !form.contains("哮喘"))
        await model.register()
        #expect(model.registered == nil && shows(RegisterView(app: app, model: model), "生日不对：出生日期，如"))
        model.birthday = TestClock.day(1)
        await model.register()
        #expect(model.registered == nil && model.failure?["field"] == "birthday", "nobody is born tomorrow")
        model.birthday = "1960.2.29"
        #expect(shows(RegisterView(app: app, model: model), "请会员签名"))
        var drawing = Drawing()
        #expect(drawing.signature(width: 300) == nil)
        drawing.go(to: CGPoint(x: 10, y: 20))
        drawing.lift()
        model.signature = drawing.signature(width: 300)
        await model.register()
        #expect(model.registered == nil && shows(RegisterView(app: app, model: model), "签名"), "a slip is no signature")
        for x in stride(from: 20.0, through: 280, by: 20) { drawing.go(to: CGPoint(x: x, y: 60)) }
        drawing.lift()
        #expect(drawing.strokes.map(\.count) == [1, 14])
        model.signature = drawing.signature(width: 300)
        #expect(shows(RegisterView(app: app, model: model), "已签名"))
        model.consents.insert("marketing")
        #expect(model.signature == nil, "it was signed for others")
        model.consents.remove("marketing")
        model.signature = drawing.signature(width: 300)
        let signing = SignConsents(forms: model.given, words: app.words) { _ in }
        #expect(shows(signing, "我同意成为会员") && shows(signing, "请在框里签名"))
        await model.register()
        let registered = try #require(model.registered, "\(String(describing: model.failure))")
        #expect(registered.member.name == "仇小玲" && registered.sameNumber.isEmpty)
        let member = MemberModel(core: app.core, memberId: registered.member.memberId)
        try await phone.following(member.follow) { member.profile != nil }
        #expect(shows(MemberView(app: app, model: member), "过敏：磺胺、青霉素"))
        #expect(member.profile?.diseases == ["gout"])
        let consents = try #require(member.profile?.consents)
        #expect(Set(consents.filter(\.granted).map(\.purpose)) == ["membership", "health"])
        #expect(consents.flatMap(\.answers).allSatisfy { !$0.wordingVersion.isEmpty })
        _ = try await app.core.sync()
        _ = try await app.core.sync()
        // The hub gave an id of its own meanwhile.
        let found = try await app.core.call { try $0.find(text: "15450000099", limit: 1).members }
        let signed = try phone.hub.signatures(of: try #require(found.first).memberId)
        #expect(signed.split(separator: "\n").count == 2, "\(signed)")
    }

    // flow: sign-consent-later
    @Test func signConsentLater() async throws {
        let app = try await phone.pair()
        let member = MemberModel(core: app.core, memberId: "M3")
        let following = Task { await member.follow() }
        defer { following.cancel() }
        try await until("the member") { member.profile != nil }
        func standing() -> ConsentStanding? { member.profile?.consents.first { $0.purpose == "marketing" } }
        #expect(shows(MemberView(app: app, model: member), "没问过") && standing()?.granted == false)
        let form = try #require(standing()?.form)
        let asking = ConsentView(asked: ConsentAsked(form: form, withdraw: false), words: app.words) { _, _ in }
        #expect(shows(asking, "我同意门店用电话、短信或微信告诉我活动和优惠") && shows(asking, "请在框里签名"))
        var drawing = Drawing()
        for x in stride(from: 20.0, through: 280, by: 20) { drawing.go(to: CGPoint(x: x, y: 60)) }
        #expect(await member.consent(form.answer(granted: true), signature: drawing.signature(width: 300)))
        try await until("the answer") { standing()?.granted == true }
        #expect(shows(MemberView(app: app, model: member), "撤回"))
        _ = try await app.core.sync()
        let signed = try phone.hub.signatures(of: "M3")
        #expect(signed.split(separator: "\n").count == 1 && signed.contains("marketing"), "\(signed)")

        let withdrawing = ConsentView(asked: ConsentAsked(form: form, withdraw: true), words: app.words) { _, _ in }
        #expect(shows(withdrawing, "马上生效") && !shows(withdrawing, "请在框里签名"))
        #expect(await member.consent(form.answer(granted: false)))
        try await until("the withdrawal") { standing()?.granted == false }
        #expect(standing()?.answers.map(\.granted) == [false] && member.failure == nil)
    }

    // flow: group-sms-with-refused
    @Test func groupSmsWithRefused() async throws {
        let app = try await phone.pair()
        let group = GroupModel(core: app.core)
        try await phone.following(group.follow) { group.counts != nil }
        #expect(shows(MembersView(app: app, model: group), "本周生日"))
        #expect(shows(MembersView(app: app, model: group), "点上面的条件"))
        group.ask(GroupConditions(diseases: ["hypertension"]))
        try await phone.following(group.follow) { group.count == 2 }
        // Words of one kind are alternatives.
        group.ask(GroupConditions(care: ["chronic", "general"]))
        try await phone.following(group.follow) { group.count == 3 }
        #expect(shows(MembersView(app: app, model: group), "符合条件的会员 3 位"))
        let model = MessageModel(core: app.core, to: .members(await group.chosen()))
        await model.begin()
        #expect(shows(MessageView(app: app, model: model), "续药"))
        await model.choose(try #require(model.templates?.first { $0.templateId == "refill-sms" }))
        #expect(shows(MessageView(app: app, model: model), "王约您好"))
        await model.send()
        let screen = MessageView(app: app, model: model)
        #expect(shows(screen, "可发 2，推迟 0，不能发 1") && shows(screen, "没有取得同意"), "\(texts(of: screen))")
        #expect(shows(screen, "不能发的 1 位") && shows(screen, "曾静"))
        #expect(model.result?.refused.map(\.id) == ["M3"])
        let out = try #require(model.result?.ready.first { $0.memberId == "M1" })
        phone.device.answers = .cancelled
        await model.hand(out, by: app.device)
        #expect(model.handed.isEmpty, "turned down is not failed")
        phone.device.answers = .done
        await model.hand(out, by: app.device)
        #expect(shows(MessageView(app: app, model: model), "已发出"))
        #expect(phone.device.sent.last?.numbers == ["15400000001"])
        #expect(phone.device.sent.last?.text.hasPrefix("【晨光一店】王约您好") == true)
        let open = try await app.core.call { try $0.openMessages() }
        #expect(open.map(\.memberId) == ["M2"], "of one nothing was told yet")
        let first = Task { await group.makeCalls() }
        while !group.busy { await Task.yield() }
        await group.makeCalls()
        await first.value
        #expect(group.made?.made.count == 3 && group.made?.refused.isEmpty == true, "two touches are one")
    }

    // flow: waiting-messages
    @Test func waitingMessages() async throws {
        let app = try await phone.pair()
        let left = MessageModel(core: app.core, to: .members(["M2"]))
        await left.begin()
        let refill = try #require(left.templates?.first { $0.templateId == "refill-sms" })
        await left.choose(refill)
        await left.send()
        let untold = try #require(left.result?.ready.first)
        let evening = MessageModel(core: app.core, to: .members(["M1"]))
        await evening.choose(refill)
        phone.clock.later(minutes: 12 * 60)
        await app.signIn.signIn("C1")
        await evening.send()
        #expect(shows(MessageView(app: app, model: evening), "右上角的消息里发"), "\(String(describing: evening.result))")
        let waiting = WaitingModel(core: app.core)
        try await phone.following(waiting.follow) { waiting.untold != nil }
        let due = MessageModel(core: app.core, to: .members([]))
        func screen() -> WaitingView { WaitingView(app: app, model: waiting, due: due) }
        #expect(shows(screen(), "王约") && shows(screen(), "以后可以发") && waiting.deferred?.map(\.due) == [false])
        #expect(shows(screen(), "李晚") && shows(screen(), "再发一次"))
        try await phone.following(app.tasks.follow) { app.tasks.list != nil }
        #expect(app.tasks.messages == 1, "of one nobody said whether it was sent, the other one waits for the morning")
        await due.handAgain(untold.key, by: app.device)
        #expect(due.failure?.code.hasPrefix("gate.") == true && phone.device.sent.isEmpty, "nor now")

        phone.clock.later(minutes: 12 * 60)
        await app.signIn.signIn("C1")
        try await phone.following(app.tasks.follow) { app.tasks.messages == 2 }
        await due.release()
        let out = try #require(due.result?.ready.first, "\(String(describing: due.result))")
        #expect(shows(screen(), "王约您好"))
        phone.device.answers = .cancelled
        await due.hand(out, by: app.device)
        try await phone.following(waiting.follow) { Set(waiting.untold?.map(\.key) ?? []) == [out.key, untold.key] }
        phone.device.answers = .done
        await due.hand(out, by: app.device)
        #expect(phone.device.sent.map(\.numbers) == [["15400000001"], ["15400000001"]] && due.failure == nil)
        phone.device.answers = .cancelled
        await due.handAgain(untold.key, by: app.device)
        #expect(phone.device.sent.last?.numbers == ["15400000002"] && due.handed[untold.key] == nil)
        #expect(shows(screen(), "李晚您好") && due.result?.ready.count == 2, "turned down, it is offered as a first one")
        phone.device.answers = .done
        await due.handAgain(untold.key, by: app.device)
        #expect(due.result?.ready.count == 2 && due.handed[untold.key] == .sent && due.failure == nil)
        try await phone.following(waiting.follow) { waiting.untold == [] && waiting.deferred == [] }
        #expect(shows(WaitingView(app: app, model: waiting), "没有等着处理的消息"))
        await due.handAgain(untold.key, by: app.device)
        #expect(due.failure?.code == "send_unknown" && phone.device.sent.count == 4, "what was told is not handed out")
    }

    @Test func aChatIsHandedOutAgainAndTheClerkChoosesWhere() async throws {
        let app = try await phone.pair()
        let template = try #require(try await app.core.call { try $0.templates(channel: .wechat) }.first)
        let left = MessageModel(core: app.core, to: .members(["M1"]))
        await left.choose(template)
        await left.send()
        let out = try #require(left.result?.ready.first)
        let key = out.key
        phone.device.answers = .opened
        await left.hand(out, to: .wechat, by: app.device)
        #expect(left.opened == [key] && left.handed.isEmpty)
        let due = MessageModel(core: app.core, to: .members([]))
        await due.handAgain(key, by: app.device)
        #expect(phone.device.shared == [.wechat] && due.failure == nil, "unanswered, it waits")
        let screen = WaitingView(app: app, model: WaitingModel(core: app.core), due: due)
        #expect(shows(screen, "微信") && shows(screen, "企业微信"))
        phone.device.answers = .done
        await due.hand(try #require(due.result?.ready.first), to: .wechat, by: app.device)
        #expect(phone.device.shared == [.wechat, .wechat] && due.opened == [key] && shows(screen, "发出去了吗"))
        await due.told(out, sent: true)
        #expect(due.handed[key] == .sent && due.opened.isEmpty && due.failure == nil)
        #expect(try await app.core.call { try $0.openMessages() }.isEmpty && !shows(screen, "发出去了吗"))
    }

    @Test func whatBecameOfAMessageIsAskedFor() async throws {
        let app = try await phone.pair()
        let left = MessageModel(core: app.core, to: .members(["M1", "M2"]))
        await left.begin()
        await left.choose(try #require(left.templates?.first { $0.templateId == "refill-sms" }))
        await left.send()
        try await phone.following(app.tasks.follow) { app.tasks.messages == 2 }
        let waiting = WaitingModel(core: app.core)
        try await phone.following(waiting.follow) { waiting.untold?.count == 2 }
        #expect(shows(WaitingView(app: app, model: waiting), "还没说发没发"))
        for (message, sent) in zip(try #require(waiting.untold), [true, false]) {
            await waiting.told(message, sent: sent)
        }
        #expect(waiting.failure == nil)
        try await phone.following(waiting.follow) { waiting.untold?.isEmpty == true }
    }

    @Test func manyTextsAreHandedOverOneAfterTheOther() async throws {
        let app = try await phone.pair()
        let model = MessageModel(core: app.core, to: .members(["M1", "M2"]))
        await model.begin()
        await model.choose(try #require(model.templates?.first { $0.templateId == "refill-sms" }))
        await model.send()
        #expect(shows(MessageView(app: app, model: model), "逐条发出剩下的 2 条"))
        phone.device.answers = .cancelled
        await model.handEach(by: app.device)
        #expect(phone.device.sent.count == 1 && model.left.count == 2, "one turned down ends it")
        phone.device.answers = .done
        await model.handEach(by: app.device)
        #expect(phone.device.sent.count == 3 && model.left.isEmpty)
        #expect(!shows(MessageView(app: app, model: model), "逐条发出"))
    }

    @Test func aCallIsPlanned() async throws {
        let app = try await phone.pair()
        let model = MemberModel(core: app.core, memberId: "M3")
        try await phone.following(model.follow) { model.profile != nil }
        #expect(shows(MemberView(app: app, model: model), "约回访"))
        #expect(await model.call(on: TestClock.day(1)))
        #expect(shows(MemberView(app: app, model: model), "已约好，明天会在任务里"))
        let later = try await app.core.call { try $0.tasks(filter: TaskFilter(view: .later)) }
        #expect(later.households.flatMap(\.tasks).map(\.memberId) == ["M3"])
    }

    // flow: correct-a-record
    @Test func correctARecord() async throws {
        let app = try await phone.pair()
        let model = EditModel(core: app.core, memberId: "M1")
        let following = Task { await model.follow() }
        defer { following.cancel() }
        try await until("what is known") { model.profile != nil }
        #expect(model.name == "王约" && model.birthday == "1960-02-29")
        #expect(shows(EditView(app: app, model: model), "青霉素"))
        model.birthday = "30.2.1960"
        #expect(await model.save() == false && shows(EditView(app: app, model: model), "生日不对：出生日期，如"))
        model.birthday = "1960-02-28"
        model.phone = "15450000098"
        #expect(await model.save(), "\(String(describing: model.failure))")
        await model.addAllergies("磺胺，头孢")
        try await until("all") { Set(model.profile?.allergies.map(\.text) ?? []) == ["青霉素", "磺胺", "头孢"] }
        await model.removeAllergy("青霉素")
        try await until("two") { Set(model.profile?.allergies.map(\.text) ?? []) == ["磺胺", "头孢"] }
        #expect(model.profile?.birthday == "1960-02-28")
        #expect(model.profile?.member.phoneMasked?.hasSuffix("0098") == true)
        #expect(try await app.core.call { try $0.find(text: "0098", limit: 5) }.members.map(\.memberId) == ["M1"])
    }

    @Test func howAMedicineIsTakenIsWrittenDown() async throws {
        let app = try await phone.pair()
        let model = MemberModel(core: app.core, memberId: "M1")
        let following = Task { await model.follow() }
        defer { following.cancel() }
        try await until("the profile") { model.profile != nil }
        #expect(shows(MemberView(app: app, model: model), "怎么吃"))
        func known() -> RegimenRow? { model.profile?.regimens.first { $0.ingredient == "氨氯地平" } }
        func question() -> RegimenQuestion {
            RegimenQuestion(app: app, model: model, ingredient: "氨氯地平", known: known()) {}
        }
        #expect(shows(question(), "每日用量") && shows(question(), "大概用到哪天") && shows(question(), "不吃了"))
        #expect(await model.takes("氨氯地平", daily: "一片半") == false && shows(question(), "每日用量不对：每天的数量"))
        await model.takes("氨氯地平", daily: " 1.5 ")
        await model.regimen(NewRegimen(ingredient: "氨氯地平", inactive: true))
        try await until("both are kept") { known()?.inactive == true && known()?.dailyUnitsMilli == 1500 }
        #expect(shows(question(), "又在吃") && !shows(question(), "不吃了"))
    }

    // flow: history-by-page
    @Test func historyByPage() async throws {
        let app = try await phone.pair()
        let model = HistoryModel(core: app.core, memberId: "M1")
        await model.next()
        let screen = HistoryView(app: app, model: model)
        #expect(shows(screen, "¥20.00") && shows(screen, "没有更早的了"))
        #expect(model.days.count == 3 && model.medicines == ["氨氯地平"] && model.ended)
        await model.look(until: nil, medicine: "氨氯地平")
        #expect(model.days.count == 3 && model.days.allSatisfy { $0.lines.count == 1 })
        await model.look(until: nil, medicine: "二甲双胍")
        #expect(!shows(HistoryView(app: app, model: model), "¥20.00") && model.ended)
        await model.look(until: nil, medicine: nil)
        let days = model.days.map(\.day)
        #expect(shows(HistoryView(app: app, model: model), "按日期"))
        await model.look(until: days[1], medicine: "氨氯地平")
        #expect(model.days.map(\.day) == Array(days.dropFirst()) && shows(HistoryView(app: app, model: model), "为止"))
        await model.look(until: nil, medicine: nil)
        #expect(model.days.map(\.day) == days)
    }

    // flow: manager-gives-a-task
    @Test func managerGivesATask() async throws {
        let app = try await phone.pair(staffId: "G1")
        let model = TodayModel(core: app.core)
        try await phone.following(model.follow) { model.today != nil }
        let open = try #require(model.today?.total.open)
        model.asked = .init(whose: .store, name: app.words["today.all"], figure: .open)
        try await phone.following(model.follow) { model.items.count == Int(open) }
        #expect(shows(TodayView(app: app, model: model), "全店 · 未完 \(open)"))
        let task = try #require(model.items.first { $0.memberId == "M1" }?.taskId)
        await model.reassign(task, to: "C1")
        try await phone.following(model.follow) { model.items.contains { $0.staffId == "C1" } }
        #expect(shows(TodayView(app: app, model: model), "陆小敏 · 154"))
        await model.nudge(task)
        await model.markOff("C1", on: app.words.today)
        await model.rebalance()
        #expect(model.failure == nil && model.moved != nil)
        await model.markOff("C1", on: nil)

        #expect(shows(TodayView(app: app, model: model), "全部交给"))
        await model.reassignAll(to: "G1")
        #expect(model.moved?.moved.count == Int(open) && model.failure == nil)
        try await phone.following(model.follow) { model.items.allSatisfy { $0.staffId == "G1" } }
        await model.markOff("C1", on: app.words.today)
        await model.reassignAll(to: "C1")
        #expect(model.moved?.refused.count == Int(open) || model.failure?.code == "assignee_off")
    }

    @Test func whoMayNotMergeIsNotAskedWhoMayBeOne() async throws {
        let app = try await phone.pair()
        let new = NewMember(name: "王月", phone: "15400000001", diseases: [], allergies: [], consents: [])
        _ = try await app.core.call { try $0.register(new: new) }
        _ = try await app.core.sync()
        _ = try await app.core.sync()
        let model = TodayModel(core: app.core)
        let following = Task { await model.follow() }
        defer { following.cancel() }
        try await until("the day") { model.today != nil || model.failure != nil }
        #expect(model.failure == nil && model.duplicates.isEmpty, "the core would refuse it")
        await app.signIn.signIn("G1")
        try await until("who may be one") { model.duplicates.count == 1 }
        #expect(model.failure == nil)
    }

    // flow: merge-and-undo
    @Test func mergeAndUndo() async throws {
        let app = try await phone.pair(staffId: "G1")
        let twin = try await app.core.call { core in
            let new = NewMember(name: "王月", phone: "15400000001", diseases: [], allergies: [], consents: [])
            return try core.register(new: new).member
        }
        _ = try await app.core.sync()
        _ = try await app.core.sync()
        let model = TodayModel(core: app.core)
        try await phone.following(model.follow) { model.duplicates.count == 1 }
        let pair = try #require(model.duplicates.first)
        #expect(shows(TodayView(app: app, model: model), "可能是同一位会员") && pair.second.name == twin.name)
        func members() async throws -> Int {
            try await app.core.call { try $0.find(text: "15400000001", limit: 5) }.members.count
        }
        #expect(try await members() == 2)
        await model.merge(pair)
        try await phone.following(model.follow) { model.duplicates.isEmpty }
        #expect(shows(TodayView(app: app, model: model), "已合并：王约") && model.failure == nil)
        #expect(try await members() == 1)
        await model.undoMerge()
        _ = try await app.core.sync()
        _ = try await app.core.sync()
        #expect(try await members() == 2 && model.failure == nil)
        #expect(!shows(TodayView(app: app, model: model), "已合并"))
        await model.undoMerge()
        #expect(model.failure == nil, "there is nothing left to undo")
    }

    @Test func aClerkIsOfferedNoDayThatIsNotTaken() async throws {
        let app = try await phone.pair()
        func days(_ last: CivilDate?) async -> [String] {
            texts(of: DaysView(app: app, last: last, near: await app.nearDays(until: last)) { _ in })
        }
        #expect(await days(nil) == ["明天", "2天后", "3天后", "7天后", "14天后", "30天后", "选日期"])
        #expect(await days(TestClock.day(3)).prefix(4) == ["明天", "2天后", "3天后", "选日期"])
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
        try await phone.following(app.search.follow) { app.search.answered == "N999" }
        #expect(app.search.members?.isEmpty == true && shows(CounterView(app: app), partial))
        let nobody = CounterView(app: app)
        for words in ["手机里还没有“N999”", "到总部查询", "完整的手机号或会员号"] { #expect(shows(nobody, words)) }
        await app.search.lookUp(reason: "到店")
        #expect(app.search.members?.map(\.memberId) == ["N999"], "\(String(describing: app.search.failure))")
        app.search.query = "15999999999"
        await app.search.lookUp(reason: "到店")
        #expect(app.search.nowhere && shows(CounterView(app: app), "总部也没有找到"), "\(texts(of: CounterView(app: app)))")
        app.search.query = "15999999998"
        try await phone.following(app.search.follow) { app.search.answered == "15999999998" }
        #expect(!app.search.nowhere && shows(CounterView(app: app), "手机里还没有"))

        await app.sync.syncNow()
        try await phone.following(app.sync.follow) { app.sync.status?.loaded == true }
        #expect(app.sync.status.map { UInt64($0.members) } == members && app.sync.failure == nil)
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
        #expect(app.sync.failure?.kind == .hub && app.sync.failure?.retry == false)
        #expect(shows(CounterView(app: app), "不能同步") && !shows(CounterView(app: app), "离线"), "no waiting mends it")
        try await phone.following(app.sync.follow) { app.sync.status?.locked != nil }
        #expect(shows(screen, "总部已停用这部手机（总部收回）"))
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

    // flow: wechat-missing
    @Test func wechatMissing() async throws {
        let app = try await phone.pair()
        let templates = try await app.core.call { try $0.templates(channel: .wechat) }
        let model = MessageModel(core: app.core, to: .members(["M1"]))
        await model.choose(try #require(templates.first))
        await model.send()
        let out = try #require(model.result?.ready.first, "\(String(describing: model.result))")
        phone.device.answers = .notPossible
        await model.hand(out, to: .wechat, by: app.device)
        #expect(model.handed[out.key] == .failed && shows(MessageView(app: app, model: model), "发送失败"))
        #expect(shows(MessageView(app: app, model: model), "文字已复制"))
        phone.device.answers = .opened
        await model.hand(out, to: .wecom, by: app.device)
        #expect(phone.device.shared == [.wechat, .wecom])
        let screen = MessageView(app: app, model: model)
        for words in ["文字已复制", "发出去了吗", "没发"] { #expect(shows(screen, words)) }
        #expect(!shows(screen, "已发出") && !shows(screen, "发送失败") && model.handed[out.key] != .sent)
        phone.device.answers = .done
        await model.hand(out, to: .wechat, by: app.device)
        #expect(!shows(screen, "文字已复制") && shows(screen, "发出去了吗"), "WeChat has the text itself, unsent")
        await model.told(out, sent: true)
        #expect(shows(screen, "已发出") && !shows(screen, "发出去了吗") && model.failure == nil)
    }

    @Test func aTextThatWasNotSentInTheOtherAppIsNotTakenForSent() async throws {
        let app = try await phone.pair()
        let template = try #require(try await app.core.call { try $0.templates(channel: .wechat) }.first)
        let model = MessageModel(core: app.core, to: .members(["M1", "M2"]))
        await model.choose(template)
        await model.send()
        let out = try #require(model.result?.ready.first { $0.memberId == "M1" })
        func open() async throws -> [String] { try await app.core.call { try $0.openMessages() }.map(\.memberId) }
        phone.device.answers = .opened
        await model.hand(out, to: .wecom, by: app.device)
        #expect(Set(try await open()) == ["M1", "M2"], "nobody said that it was sent")
        await model.told(out, sent: false)
        let screen = MessageView(app: app, model: model)
        #expect(shows(screen, "发送失败") && !shows(screen, "发出去了吗") && !shows(screen, "文字已复制"))
        #expect(try await open() == ["M2"] && model.failure == nil)
        await model.hand(out, to: .wecom, by: app.device)
        await model.told(out, sent: true)
        #expect(model.handed[out.key] == .sent && shows(screen, "已发出") && model.failure == nil)
    }

    @Test func aTextThatOnlyOpenedInAnotherAppIsAskedForAndNotHandedOverTwice() async throws {
        let app = try await phone.pair()
        let model = MessageModel(core: app.core, to: .members(["M1", "M2"]))
        await model.begin()
        await model.choose(try #require(model.templates?.first { $0.templateId == "refill-sms" }))
        await model.send()
        phone.device.answers = .opened
        await model.handEach(by: app.device)
        #expect(phone.device.sent.count == 1 && model.opened.count == 1, "the clerk is there now")
        await model.handEach(by: app.device)
        #expect(Set(phone.device.sent.flatMap(\.numbers)).count == 2 && model.opened.count == 2)
        #expect(model.left.isEmpty && model.handed.isEmpty && shows(MessageView(app: app, model: model), "发出去了吗"))
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
