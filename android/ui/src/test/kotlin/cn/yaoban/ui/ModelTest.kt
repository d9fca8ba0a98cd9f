package cn.yaoban.ui

import cn.yaoban.core.CarrierResult
import cn.yaoban.core.Decision
import cn.yaoban.core.DialTarget
import cn.yaoban.core.EntryState
import cn.yaoban.core.ErrorKind
import cn.yaoban.core.GroupConditions
import cn.yaoban.core.MemberClass
import cn.yaoban.core.NewOutcome
import cn.yaoban.core.OutcomeCode
import cn.yaoban.core.ReadingNumber
import cn.yaoban.core.TaskFilter
import cn.yaoban.core.TaskView
import cn.yaoban.core.TodayFigure
import cn.yaoban.core.TypedReading
import cn.yaoban.core.ValueKind
import cn.yaoban.core.Whose
import cn.yaoban.core.bridge.WordingValue
import cn.yaoban.phone.PropertyTexts
import cn.yaoban.ui.model.CallModel
import cn.yaoban.ui.model.Failure
import cn.yaoban.ui.model.GroupModel
import cn.yaoban.ui.model.HistoryModel
import cn.yaoban.ui.model.MemberModel
import cn.yaoban.ui.model.MessageModel
import cn.yaoban.ui.model.PairingModel
import cn.yaoban.ui.model.ReadingsModel
import cn.yaoban.ui.model.SearchModel
import cn.yaoban.ui.model.SignInModel
import cn.yaoban.ui.model.SyncModel
import cn.yaoban.ui.model.TaskListModel
import cn.yaoban.ui.model.TodayModel
import cn.yaoban.ui.model.failureOf
import cn.yaoban.ui.screens.full
import cn.yaoban.ui.screens.typed
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import kotlinx.coroutines.yield
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import java.time.ZoneId
import java.time.temporal.ChronoUnit

/** The models without their screens, with the real core and a real hub. */
class ModelTest : WithHub() {
    /** Follows until something is so. */
    private suspend fun CoroutineScope.following(
        follow: suspend () -> Unit,
        until: () -> Boolean,
    ) {
        val following = launch { follow() }
        withTimeout(20_000) { while (!until()) yield() }
        following.cancel()
    }

    @Test
    fun `a finger or face takes the place of a PIN that was typed`() = runBlocking {
        phone = TestPhone(home, hub).pair()
        val (device, sensor) = phone.device to phone.device.biometrics
        val model = SignInModel(phone.core)
        model.setPin("C1", "2468")
        sensor.knowsUser = true
        model.lock()
        model.recognise("C1", "", device)
        assertNull(model.current, "not before a PIN was typed")
        model.signIn("C1", "1357", device)
        assertEquals(0, sensor.trusted, "nor after a wrong one")
        model.signIn("C1", "2468", device)
        assertEquals(1, sensor.trusted)
        model.lock()
        model.recognise("C1", "", device)
        assertEquals("C1", model.current?.staffId)
        model.lock()
        sensor.knowsUser = false
        model.recognise("C1", "", device)
        assertNull(model.current, "another finger")
    }

    @Test
    fun `a first load that was cut short goes on`() = runBlocking {
        phone = TestPhone(home, hub)
        val model = PairingModel(phone.core)
        model.begin()
        assertEquals(PairingModel.Phase.Code, model.phase)
        model.code = "  ${hub.pairingCode()}\n"
        model.pair("test")
        assertEquals(PairingModel.Phase.Code, model.phase, "nobody said that the store is the right one")
        model.ask()
        assertEquals("晨光一店" to "晨光大药房", (model.phase as PairingModel.Phase.Offered).offer.let { it.storeName to it.chainName })
        hub.stop()
        model.pair("test")
        assertEquals(PairingModel.Phase.Code to ErrorKind.OFFLINE, model.phase to model.failure?.kind)
        model.ask()
        assertEquals(PairingModel.Phase.Code to ErrorKind.OFFLINE, model.phase to model.failure?.kind)
        hub.serve()
        phone.core.call { pair(model.code, "test") }

        phone.restart()
        val again = PairingModel(phone.core)
        again.begin()
        assertEquals(PairingModel.Phase.Interrupted to "晨光一店", again.phase to again.paired?.storeName)
        hub.stop()
        again.load()
        assertEquals(PairingModel.Phase.Interrupted to ErrorKind.OFFLINE, again.phase to again.failure?.kind)
        hub.serve()
        again.load()
        assertEquals(PairingModel.Phase.Ready, again.phase)
        assertNull(again.failure)
    }

    @Test
    fun `an answer to what was typed before is dropped`() = runBlocking {
        phone = TestPhone(home, hub).pair()
        val model = SearchModel(phone.core)
        model.query = "王"
        val old = launch { model.follow() }
        model.query = "曾静"
        following(model::follow) { model.found != null }
        old.cancel()
        assertEquals(listOf("M3"), model.found?.members?.map { it.memberId })
    }

    @Test
    fun `a look-up that answers after something else was typed shows nobody`() = runBlocking {
        phone = TestPhone(home, hub).pair()
        val model = SearchModel(phone.core)
        model.query = "15400000001"
        val old = launch { model.lookUp("会员在柜台") }
        yield()
        assertTrue(model.lookingUp)
        model.query = "曾静"
        old.join()
        assertNull(model.failure)
        assertNull(model.found)
        model.query = "15400000001"
        model.lookUp("会员在柜台")
        assertEquals(listOf("M1"), model.found?.members?.map { it.memberId })
    }

    @Test
    fun `a list is narrowed, counted and put off`() = runBlocking {
        phone = TestPhone(home, hub).pair()
        val model = TaskListModel(phone.core)
        following(model::follow) { model.list?.count == 3uL }
        model.narrow(MemberClass.RETAIN)
        following(model::follow) { model.list?.count == 0uL }
        model.narrow(null)
        following(model::follow) { model.list?.count == 3uL }
        val first = present(model.nextCall())
        model.defer(first, phone.clock.today.plusDays(2))
        assertNull(model.failure)
        following(model::follow) { model.list?.count == 2uL && model.counts?.views?.first { it.view == TaskView.LATER }?.count == 1uL }
        model.defer(first, phone.clock.today.minusDays(2))
        assertEquals("date_in_past", model.failure?.code)
    }

    @Test
    fun `a list is read by pages, and again as far as it was read`() = runBlocking {
        phone = TestPhone(home, hub).pair()
        val model = TaskListModel(phone.core, 1uL)
        val shown = { model.list?.households.orEmpty().flatMap { it.tasks }.map { it.taskId } }
        following(model::follow) { shown().size == 1 }
        assertEquals(3uL, model.list?.count)
        model.more()
        model.more()
        val whole = phone.core.call { tasks(TaskFilter(TaskView.DUE)) }.households.flatMap { it.tasks }.map { it.taskId }
        assertEquals(whole, shown())
        model.more()
        assertEquals(whole, shown())
        model.defer(whole.first(), phone.clock.today.plusDays(2))
        following(model::follow) { shown() == whole.drop(1) }
    }

    @Test
    fun `a call asks the gate, is answered, and the core says what is missing`() = runBlocking {
        phone = TestPhone(home, hub).pair()
        val refused = CallModel(phone.core, DialTarget.Member("M3"))
        refused.look()
        assertEquals(Decision.REFUSE, refused.verdict?.verdict)
        assertNull(refused.dial())
        assertEquals("gate.no_consent", refused.failure?.code)

        val task = phone.core.call { tasks(TaskFilter(TaskView.DUE)) }.households.flatMap { it.tasks }.first { it.memberId == "M1" }
        val call = CallModel(phone.core, DialTarget.Task(task.taskId))
        call.look()
        assertTrue(call.script!!.text.contains("王约"))
        assertEquals("15400000001", call.dial()?.reveal())
        assertNull(call.dial(), "one tap, one call")
        // Recording while the call is open says that it was answered; what is refused says nothing.
        call.record(NewOutcome(OutcomeCode.AGREED_TO_VISIT))
        assertEquals(CallModel.Phase.Calling to "date_required", call.phase to call.failure?.code)
        assertNull(call.recordingOf)
        call.record(NewOutcome(OutcomeCode.OTHER))
        assertEquals("note_required", call.failure?.code)
        call.record(NewOutcome(OutcomeCode.CALL_LATER, date = phone.clock.today.plusDays(1)))
        val recorded = call.phase as CallModel.Phase.Recorded
        assertEquals(10_000uL, recorded.outcome.heldMs)
        assertNotNull(call.recordingOf)
        call.takeBack()
        assertEquals(CallModel.Phase.Outcome, call.phase)

        val open = phone.core.call { openAttempts() }.single()
        val after = CallModel(phone.core, open)
        assertEquals(CallModel.Phase.Outcome, after.phase)
        after.ended(CarrierResult.BUSY)
        assertEquals(CallModel.Phase.Outcome, after.phase, "its result was told")
    }

    @Test
    fun `a device that cannot dial leaves nothing to say of the call, and the task as it was`() = runBlocking {
        phone = TestPhone(home, hub).pair()
        val call = CallModel(phone.core, phone.core.call { profile("M1") }.call)
        call.look()
        assertNotNull(call.dial())
        call.notPossible()
        assertNull(call.failure)
        val ended = (call.phase as CallModel.Phase.Over).ended
        assertEquals(false to false, ended?.let { it.outcomeRequired to it.recordingDue })
        assertNull(call.recordingOf)
        assertTrue(phone.core.call { openAttempts() }.isEmpty())
        val due = phone.core.call { tasks(TaskFilter(TaskView.DUE)) }.households.flatMap { it.tasks }
        assertEquals(0u, due.single { it.memberId == "M1" }.attempts)
    }

    @Test
    fun `conditions become an audience of the core, and come back from one that was kept`() = runBlocking {
        phone = TestPhone(home, hub).pair()
        val model = GroupModel(phone.core)
        following(model::follow) { model.counts != null }
        assertNull(model.rule)
        // The members whose birthday the chip counts are those whom it shows.
        model.ask(GroupConditions(birthday = true))
        following(model::follow) { model.rule != null }
        assertEquals(model.counts?.birthdays?.toULong(), model.count)
        model.ask(GroupConditions(diseases = listOf("hypertension")))
        following(model::follow) { model.count == 2uL }
        assertEquals(2, model.chosen().size)
        model.picked = setOf("M2")
        assertEquals(listOf("M2"), model.chosen())
        model.keep("高血压")
        assertEquals(listOf("高血压"), model.saved.map { it.name })
        model.show(model.saved.single())
        assertEquals(listOf("hypertension"), model.conditions.diseases)
        following(model::follow) { model.count == 2uL }
        model.forget(model.saved.single())
        assertTrue(model.saved.isEmpty() && model.rule == null)
    }

    @Test
    fun `a refusal is worded with its values, an unknown one with its code`() {
        phone = TestPhone(home, hub).pair()
        val words = Wording(PropertyTexts("zh"), phone.clock.today, ZoneId.of("Asia/Shanghai"))
        val value = { name: String, text: String, kind: ValueKind -> WordingValue(name, text, kind) }
        val closed = listOf(value("state", "done", ValueKind.Code("task_state")))
        assertEquals("任务已完成，不能再改", words.failure(Failure(ErrorKind.REFUSED, "task_closed", closed)))
        val wait = listOf(value("wait_s", "1200", ValueKind.Wait(20uL, "minutes")))
        assertEquals("密码错得太多，20分钟后再试", words.failure(Failure(ErrorKind.PIN_BLOCKED, "pin_blocked", wait)))
        val due = listOf(value("due", phone.clock.today.toString(), ValueKind.Day))
        assertEquals("任务今天到期，不能推迟到那以后", words.failure(Failure(ErrorKind.REFUSED, "after_due", due)))
        val newer = listOf(value("state", "from_tomorrow", ValueKind.Code("task_state")))
        assertEquals("任务from_tomorrow，不能再改", words.failure(Failure(ErrorKind.REFUSED, "task_closed", newer)))
        // The core itself says what its values are; the words of a code take the others into their places.
        val pin = runBlocking { failureOf { phone.core.call { setPin("C1", null, "12") } } }
        assertEquals("密码不对：4到12位数字", words.failure(present(pin)))
        val units = runBlocking { failureOf { phone.core.call { typedUnits("两片") } } }
        assertEquals("每日用量不对：每天的数量，如 1.5", words.failure(present(units)))
        assertTrue(words.failure(Failure(ErrorKind.REFUSED, "from_tomorrow")).contains("from_tomorrow"))
        val gone = runBlocking { failureOf { phone.core.call { profile("gone") } } }
        assertTrue(words.failure(present(gone)).contains("会员"))
        assertEquals("¥1,234,567.89" to "-¥0.05", yuan(123_456_789) to yuan(-5))
        assertEquals(listOf("2.5", "-1", "0.01"), listOf(2500L, -1000L, 10L).map(::decimal))
    }

    @Test
    fun `instants show by the chain's clock`() {
        phone = TestPhone(home, hub)
        val zone = ZoneId.of("America/Lima")
        val at = phone.clock.today.atTime(23, 30).atZone(zone).toInstant().toEpochMilli()
        assertEquals("23:30", Wording(PropertyTexts("zh"), phone.clock.today, zone).instant(at))
        assertEquals("Asia/Shanghai", runBlocking { phone.core.call { timeZone() } })
    }

    @Test
    fun `keys of a reading count while a value can come of them`() = runBlocking {
        phone = TestPhone(home, hub).pair()
        val (bp, glucose) = phone.core.call { readingForms() }
        val type = { number: ReadingNumber, keys: String -> keys.fold("") { text, key -> number.typed(text, "$key") } }
        val systolic = bp.numbers.first()
        assertEquals(listOf("190", "99", "12"), listOf("1901", "999", "12").map { type(systolic, it) })
        assertEquals(listOf(true, true, false), listOf("190", "99", "12").map { systolic.full(it) })
        val sugar = glucose.numbers.single()
        assertEquals(listOf("7.8", "12.5", "7", "7.", "50"), listOf("7.85", "12.5.", "7", ".7.", "509").map { type(sugar, it) })
    }

    @Test
    fun `what is typed says its grade, or why nobody has it`() = runBlocking {
        phone = TestPhone(home, hub).pair()
        val model = ReadingsModel(phone.core, "M1")
        val bp = { high: String, low: String -> TypedReading("bp", listOf(high, low), "office") }
        model.check(bp("150", ""))
        assertEquals(EntryState.INCOMPLETE, model.checked?.says?.state)
        model.check(bp("150", "95"))
        assertEquals(EntryState.POSSIBLE to "grade1", model.checked?.says?.let { it.state to it.reading?.grade })
        model.check(bp("90", "95"))
        assertEquals(EntryState.IMPOSSIBLE to "systolic_not_above_diastolic", model.checked?.says?.let { it.state to it.reason })
        model.check(bp("15a", "95"))
        assertEquals(EntryState.IMPOSSIBLE to "not_a_number", model.checked?.says?.let { it.state to it.reason })
        model.check(bp("", ""))
        assertEquals(bp("", "") to null, model.checked?.let { it.typed to it.says })
        assertTrue(phone.core.call { readings("M1", null, 5u) }.readings.isEmpty(), "nothing was stored")
    }

    @Test
    fun `purchases are read up to a day`() = runBlocking {
        phone = TestPhone(home, hub).pair()
        val model = HistoryModel(phone.core, "M1")
        val days = { model.days.map { ChronoUnit.DAYS.between(it.day, phone.clock.today) } }
        model.next()
        assertEquals(listOf(25L, 55L, 85L), days())
        model.show(phone.clock.today.minusDays(55), "氨氯地平")
        assertEquals(listOf(55L, 85L), days())
        model.show(null, "别的")
        assertTrue(days().isEmpty())
        assertEquals(listOf("氨氯地平"), model.medicines)
        model.show(null, null)
        assertEquals(listOf(25L, 55L, 85L), days())
    }

    @Test
    fun `calls that nobody could be chosen for are not made, and it says why`() = runBlocking {
        phone = TestPhone(home, hub).pair()
        val model = GroupModel(phone.core)
        model.ask(GroupConditions(diseases = listOf("hypertension")))
        following(model::follow) { model.count == 2uL }
        phone.core.call { lockNow() }
        model.makeCalls()
        assertEquals(ErrorKind.LOCKED to null, model.failure?.kind to model.made)
        phone.core.call { switchStaff("C1", null) }
        model.ask(GroupConditions())
        model.makeCalls()
        assertNull(model.made, "of nobody no tasks are made")
    }

    @Test
    fun `a member's verdict is that of the call that begins there`() = runBlocking {
        phone = TestPhone(home, hub).pair()
        phone.clock.later(minutes = 12 * 60)
        phone.core.call { switchStaff("C1", null) }
        val model = MemberModel(phone.core, "M1")
        val verdict = { model.profile?.callGate?.verdict }
        following(model::follow) { model.profile != null }
        assertEquals(Decision.DEFER, verdict(), "nobody is called at night")
        phone.core.call { addTyped("M1", TypedReading("bp", listOf("190", "125"), "office")) }
        following(model::follow) { verdict() == Decision.ALLOW }
        val own = phone.core.call { checkDial(DialTarget.Member("M1")) }
        assertEquals(Decision.DEFER, own.verdict, "but for its emergency")
    }

    @Test
    fun `the list behind a number is given away whole, and what cannot be is said`() = runBlocking {
        phone = TestPhone(home, hub).pair(staffId = "G1")
        val model = TodayModel(phone.core)
        model.asked = TodayModel.Asked(Whose.Store, "全店", TodayFigure.OPEN)
        following(model::follow) { model.items.size == 3 }
        assertEquals(setOf("task_state"), model.items.map { it.group }.toSet())
        val others = model.items.filter { it.staffId != "G1" }
        model.giveAll("G1")
        assertNull(model.failure)
        assertEquals(others.map { it.taskId }.toSet(), model.moved?.moved?.map { it.taskId }?.toSet())
        following(model::follow) { model.items.all { it.staffId == "G1" } }
        model.giveAll("nobody")
        assertEquals(listOf("assignee_unknown"), model.moved?.refused?.map { it.code }?.distinct())
        val store = phone.core.call { tasks(TaskFilter(TaskView.DUE, wholeStore = true)) }
        assertEquals(setOf("G1"), store.households.flatMap { it.tasks }.map { it.assignee }.toSet())
    }

    @Test
    fun `a message of a task that is not there says so`() = runBlocking {
        phone = TestPhone(home, hub).pair()
        val gone = MessageModel(phone.core, emptyList(), "gone")
        gone.begin()
        assertNotNull(gone.failure)
        assertNull(gone.templates)
        val task = phone.core.call { tasks(TaskFilter(TaskView.DUE)) }.households.flatMap { it.tasks }.first { it.memberId == "M2" }
        val there = MessageModel(phone.core, emptyList(), task.taskId)
        there.begin()
        assertEquals(listOf("M2"), there.memberIds)
    }

    @Test
    fun `a text that another app has is not handed over a second time with the others`() = runBlocking {
        phone = TestPhone(home, hub).pair()
        val model = MessageModel(phone.core, listOf("M1", "M2"))
        model.begin()
        model.choose(present(model.templates?.first { it.templateId == "refill-sms" }))
        model.send()
        val first = model.left.first()
        assertEquals(2, model.left.size)
        model.handed(first, Handed.OPENED)
        assertFalse(first in model.left, "only the clerk knows whether it was sent")
        model.told(first, sent = false)
        assertEquals(2, model.left.size)
        model.handed(first, Handed.DONE)
        assertEquals(1, model.left.size)
    }

    @Test
    fun `a phone that the hub locked says why, though nobody sees its queue any more`() = runBlocking {
        phone = TestPhone(home, hub).pair()
        val model = SyncModel(phone.core)
        following(model::follow) { model.queue != null }
        phone.core.call { lockNow() }
        following(model::follow) { model.queue == null }
        assertNotNull(model.status, "nor behind the lock")
        phone.core.call { switchStaff("C1", null) }
        hub.revoke(phone.core.call { status() }.deviceId)
        model.syncNow()
        assertEquals(ErrorKind.HUB, model.failure?.kind, "no waiting mends it")
        following(model::follow) { model.status?.locked != null }
        assertNull(model.queue)
        assertNull(model.unread)
    }

    private fun <T : Any> present(value: T?): T = value.also { assertNotNull(it) }!!
}
