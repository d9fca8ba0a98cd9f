import ClerkFFI
import Foundation
import Testing

@testable import ClerkKit
@testable import ClerkUI

/// Tasks, calls and messages.
extension FlowTests {
    // flow: search-profile-call-outcome
    @Test func searchProfileCallOutcome() async throws {
        let app = try await phone.pair()
        phone.device.scans = .noPermission
        await app.search.scan(by: phone.device)
        #expect(shows(CounterView(app: app), "没有相机权限"))
        phone.device.scans = .code("0001")
        await app.search.scan(by: phone.device)
        try await phone.following(app.search.follow) { app.search.found?.members.map(\.memberId) == ["M1"] }
        #expect(shows(CounterView(app: app), "王约") && shows(CounterView(app: app), app.words["mark.allergies"]))
        let member = MemberModel(core: app.core, memberId: "M1")
        try await phone.following(member.follow) { member.profile != nil }
        #expect(!shows(CounterView(app: app), app.words["counter.recent"]))
        app.search.query = " "
        try await phone.following(app.search.follow) { shows(CounterView(app: app), app.words["counter.recent"]) }
        let seen = texts(of: MemberView(app: app, model: member))
        #expect(seen.first { $0.contains("王约") || $0.contains("过敏") }?.contains("过敏：青霉素") == true, "the allergy first")
        #expect(seen.contains { $0.contains("用到") } && seen.contains("氨氯地平"))

        let task = try await phone.task(of: "M1")
        #expect(member.profile?.call == .task(task.taskId), "what comes of the call is the task's")
        let call = try await phone.call(.callTask(task.taskId))
        let ready = CallView(app: app, place: .callTask(task.taskId), model: call)
        #expect(shows(ready, "续药回访") && shows(ready, app.words["mark.allergies"]))
        await call.dial(by: app.device, watch: app.dialWatch)
        #expect(phone.device.dialled == ["15400000001"])
        #expect(shows(CallView(app: app, place: .callTask(task.taskId), model: call), "约好到店"))
        #expect(try canRecord(.callLater, of: call, app) && !canRecord(.agreedToVisit, of: call, app))
        await call.record(NewOutcome(code: .other, note: " "))
        #expect(shows(try question(.other, of: call, app), "选“其他”要写备注"), "it is asked until it is stored")
        call.tryAgain()
        #expect(!shows(try question(.agreedToVisit, of: call, app), "选“其他”要写备注"))
        await call.record(NewOutcome(code: .agreedToVisit, date: TestClock.day(2)))
        let after = CallView(app: app, place: .callTask(task.taskId), model: call)
        #expect(shows(after, "约好到店") && shows(after, "回到任务列表"), "\(texts(of: after))")
        try await phone.following(app.tasks.follow) { app.tasks.list != nil }
        #expect(texts(of: TasksView(app: app)).contains("推迟"))
        app.tasks.narrow(view: .later)
        try await phone.following(app.tasks.follow) { app.tasks.list?.count == 1 }
        #expect(shows(TasksView(app: app), "王约") && !texts(of: TasksView(app: app)).contains("推迟"), "it is put off")
        #expect(texts(of: TasksView(app: app)).contains("拨打"), "and can be called all the same")
        #expect(shows(after, "没有录音 · 这部手机不支持通话录音"), "iOS lets no app record, and the clerk is told")
    }

    private func question(_ code: OutcomeCode, of call: CallModel, _ app: AppModel) throws -> OutcomeQuestion {
        let offered = try #require(call.offered)
        let choice = try #require(offered.choices.first { $0.code == code })
        return OutcomeQuestion(
            app: app, model: call, offered: offered, choice: choice, note: .constant("")
        ) { _ in }
    }

    /// Whether the question of an outcome takes it without a day.
    private func canRecord(_ code: OutcomeCode, of call: CallModel, _ app: AppModel) throws -> Bool {
        texts(of: try question(code, of: call, app)).contains(app.words["call.record"])
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
        app.tasks.narrow(view: .doneToday)
        try await phone.following(app.tasks.follow) { app.tasks.list?.count == 1 }
        let done = texts(of: TasksView(app: app))
        #expect(done.contains("王约") && !done.contains("拨打"), "there is nothing left to do with it")
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
        try await phone.following(member.follow) { member.profile != nil }
        #expect(shows(MemberView(app: app, model: member), "没有取得同意"))
        let call = try await phone.call(.callMember("M3"))
        #expect(call.verdict?.verdict == .refuse)
        #expect(shows(CallView(app: app, place: .callMember("M3"), model: call), "没有取得同意"))
        await call.dial(by: app.device, watch: app.dialWatch)
        #expect(call.phase == .ready && phone.device.dialled.isEmpty && call.failure?.code == "gate.no_consent")
    }

    @Test func aDeviceThatCannotDialLeavesNothingOpen() async throws {
        let app = try await phone.pair()
        let place = Place.callTask(try await phone.task(of: "M1").taskId)
        let call = try await phone.call(place)
        phone.device.answers = .notPossible
        await call.dial(by: app.device, watch: app.dialWatch)
        guard case .over = call.phase else { throw NotRefused() }
        #expect(call.failure == nil && call.recording == nil)
        #expect(try await app.core.call { try $0.openAttempts() }.isEmpty)
        #expect(shows(CallView(app: app, place: place, model: call), "待办"), "the task waits as before")
    }

    @Test func aCallWithoutATaskGoesOnWhereItWas() async throws {
        let app = try await phone.pair()
        let place = Place.callMember("M2")
        await (try await phone.call(place)).dial(by: app.device, watch: app.dialWatch)
        let reborn = try await phone.restart()
        await reborn.look()
        try await phone.following(reborn.tasks.follow) { reborn.tasks.open.count == 1 }
        #expect(reborn.tasks.open.map { Place(callTo: $0.target) } == [place])
        #expect(try #require(await reborn.call(place)).phase == .calling)
        let task = Place.callTask(try await phone.task(of: "M2").taskId)
        #expect(try #require(await reborn.call(task)).phase == .ready, "it was not made for the task")
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

    @Test func aClerkIsOfferedNoDayThatIsNotTaken() async throws {
        let app = try await phone.pair()
        func days(_ last: CivilDate?) async -> [String] {
            texts(of: DaysView(app: app, last: last, near: await app.nearDays(until: last)) { _ in })
        }
        #expect(await days(nil) == ["明天", "2天后", "3天后", "7天后", "14天后", "30天后", "选日期"])
        #expect(await days(TestClock.day(3)).prefix(4) == ["明天", "2天后", "3天后", "选日期"])
    }

    // flow: manager-gives-a-task
    @Test func managerGivesATask() async throws {
        let app = try await phone.pair(staffId: "G1")
        let model = TodayModel(core: app.core)
        try await phone.following(model.follow) { model.today != nil }
        let open = try #require(model.today?.total?.figures.first { $0.figure == .open }?.count)
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
        await app.signIn.signIn("C1")
        try await phone.following(app.tasks.follow) { app.tasks.list?.none != nil }
        #expect(shows(TasksView(app: app), app.words["tasks.off"]))
        let own = TodayModel(core: app.core)
        try await phone.following(own.follow) { own.today != nil }
        #expect(own.today?.total == nil && !shows(TodayView(app: app, model: own), app.words["today.all"]))
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
        phone.device.answers = .failed
        await model.hand(out, by: app.device)
        #expect(shows(MessageView(app: app, model: model), "发送失败") && model.handed == [out.key: .failed])
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

    @Test func whomNoMessageReachesIsSentNone() async throws {
        let app = try await phone.pair()
        let model = MessageModel(core: app.core, to: .members(["M3"]))
        await model.begin()
        await model.choose(try #require(model.templates?.first { $0.templateId == "refill-sms" }))
        #expect(model.previews?.possible == false && shows(MessageView(app: app, model: model), "没有取得同意"))
        let many = MessageModel(core: app.core, to: .members(["M1", "M2", "M3", "M1"]))
        await many.begin()
        await many.choose(try #require(many.templates?.first { $0.templateId == "refill-sms" }))
        #expect(many.previews?.possible == true)
        #expect(shows(MessageView(app: app, model: many), app.words["message.more", ["n": 1]]))
    }

    @Test func aMessageThatFailedDoesNotFeelLikeOneThatWentOut() {
        #expect(feedback([:], ["a": .sent]) == .success)
        #expect(feedback(["a": .sent], ["a": .sent, "b": .failed]) == .error)
        #expect(feedback(["a": .failed], ["a": .failed, "b": .sent]) == .success, "that one failed was felt before")
        #expect(feedback(["a": .failed], ["a": .sent]) == .success)
        #expect(feedback(["a": .sent], [:]) == nil, "handed out again, of it nothing is known")
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

    @Test func aTaskToWriteLeadsToItsMessage() async throws {
        try phone.hub.askForTexts(to: "M1")
        let app = try await phone.pair()
        app.tasks.filter = TaskFilter(view: .due, memberId: "M1")
        try await phone.following(app.tasks.follow) { app.tasks.list?.count == 2 }
        let member = MemberModel(core: app.core, memberId: "M1")
        try await phone.following(member.follow) { member.profile != nil }
        let waiting = member.profile?.tasks.map(\.act) ?? []
        #expect(waiting.count == 2 && waiting.contains(.call) && waiting.contains(.message))
        for screen in [texts(of: TasksView(app: app)), texts(of: MemberView(app: app, model: member))] {
            #expect(screen.contains("发消息") && screen.contains("拨打"))
        }
        let task = try #require(member.profile?.tasks.first { $0.act == .message })
        guard case .messageTask(let id) = task.act.touch(on: task.taskId, app.words)?.place else { throw NotRefused() }
        let model = MessageModel(core: app.core, to: .task(id))
        await model.begin()
        await model.choose(try #require(model.templates?.first { $0.templateId == "refill-sms" }))
        await model.send()
        let out = try #require(model.result?.ready.first, "\(String(describing: model.result))")
        phone.device.answers = .done
        await model.hand(out, by: app.device)
        try await phone.following(app.tasks.follow) { app.tasks.list?.count == 1 }
        #expect(!texts(of: TasksView(app: app)).contains("发消息"), "it is done by its message")
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
