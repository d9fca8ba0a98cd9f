import ClerkFFI
import Foundation
import Testing

@testable import ClerkKit
@testable import ClerkUI

/// At the counter: a member's record, readings and purchases, a new member, consents; and who may be one.
extension FlowTests {
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
        await model.register()
        #expect(model.registered == nil && shows(RegisterView(app: app, model: model), "姓名不能为空"))
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
        #expect(drawing.signature(width: 300, under: []) == nil)
        drawing.go(to: CGPoint(x: 10, y: 20))
        drawing.lift()
        model.signature = drawing.signature(width: 300, under: model.given.map(\.purpose))
        await model.register()
        #expect(model.registered == nil && shows(RegisterView(app: app, model: model), "签名"), "a slip is no signature")
        for x in stride(from: 20.0, through: 280, by: 20) { drawing.go(to: CGPoint(x: x, y: 60)) }
        drawing.lift()
        #expect(drawing.strokes.map(\.count) == [1, 14])
        model.signature = drawing.signature(width: 300, under: model.given.map(\.purpose))
        #expect(shows(RegisterView(app: app, model: model), "已签名"))
        model.consents.insert("marketing")
        #expect(model.signature == nil, "it was signed for others")
        model.consents.remove("marketing")
        model.signature = drawing.signature(width: 300, under: model.given.map(\.purpose))
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
        let found = try await app.core.call { try $0.find(text: "15450000099").members }
        let signed = try phone.hub.signatures(of: try #require(found.first).memberId)
        #expect(signed.split(separator: "\n").count == 2, "\(signed)")
    }

    @Test func whoHasNoNumberIsRegisteredToo() async throws {
        let app = try await phone.pair()
        let model = RegisterModel(core: app.core, typed: "仇小玲")
        await model.begin()
        #expect(model.name == "仇小玲" && model.phone.isEmpty)
        await model.register()
        let registered = try #require(model.registered, "\(String(describing: model.failure))")
        #expect(registered.member.phoneMasked == nil)
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
        let other = drawing.signature(width: 300, under: ["health"])
        #expect(await member.consent(form.answer(granted: true), signature: other) == false)
        #expect(shows(MemberView(app: app, model: member), "请会员再签一次"), "it was signed for something else")
        let signed = drawing.signature(width: 300, under: [form.purpose])
        #expect(await member.consent(form.answer(granted: true), signature: signed))
        try await until("the answer") { standing()?.granted == true }
        #expect(shows(MemberView(app: app, model: member), "撤回"))
        _ = try await app.core.sync()
        let kept = try phone.hub.signatures(of: "M3")
        #expect(kept.split(separator: "\n").count == 1 && kept.contains("marketing"), "\(kept)")

        let withdrawing = ConsentView(asked: ConsentAsked(form: form, withdraw: true), words: app.words) { _, _ in }
        #expect(shows(withdrawing, "马上生效") && !shows(withdrawing, "请在框里签名"))
        #expect(await member.consent(form.answer(granted: false)))
        try await until("the withdrawal") { standing()?.granted == false }
        #expect(standing()?.answers.map(\.granted) == [false] && member.failure == nil)
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
        model.name = " "
        #expect(await model.save() == false && shows(EditView(app: app, model: model), "姓名不能为空"))
        model.name = "王约"
        model.phone = "15450000098"
        #expect(await model.save(), "\(String(describing: model.failure))")
        await model.addAllergies("磺胺，头孢")
        try await until("all") { Set(model.profile?.allergies.map(\.text) ?? []) == ["青霉素", "磺胺", "头孢"] }
        await model.removeAllergy("青霉素")
        try await until("two") { Set(model.profile?.allergies.map(\.text) ?? []) == ["磺胺", "头孢"] }
        #expect(model.profile?.birthday == "1960-02-28")
        #expect(model.profile?.member.phoneMasked?.hasSuffix("0098") == true)
        #expect(try await app.core.call { try $0.find(text: "0098") }.members.map(\.memberId) == ["M1"])
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
        #expect(model.days.count == 3 && model.medicines == ["氨氯地平"] && model.older == nil)
        await model.look(until: nil, medicine: "氨氯地平")
        #expect(model.days.count == 3 && model.days.allSatisfy { $0.lines.count == 1 })
        await model.look(until: nil, medicine: "二甲双胍")
        #expect(!shows(HistoryView(app: app, model: model), "¥20.00") && model.older == nil)
        await model.look(until: nil, medicine: nil)
        let days = model.days.map(\.day)
        #expect(shows(HistoryView(app: app, model: model), "按日期"))
        await model.look(until: days[1], medicine: "氨氯地平")
        #expect(model.days.map(\.day) == Array(days.dropFirst()) && shows(HistoryView(app: app, model: model), "为止"))
        await model.look(until: nil, medicine: nil)
        #expect(model.days.map(\.day) == days)
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
            try await app.core.call { try $0.find(text: "15400000001") }.members.count
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
}
