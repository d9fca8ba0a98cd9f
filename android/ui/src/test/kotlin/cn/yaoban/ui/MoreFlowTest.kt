package cn.yaoban.ui

import androidx.compose.ui.geometry.Size
import androidx.compose.ui.test.ComposeUiTest
import androidx.compose.ui.test.ExperimentalTestApi
import androidx.compose.ui.test.assertIsDisplayed
import androidx.compose.ui.test.assertIsNotEnabled
import androidx.compose.ui.test.assertIsSelected
import androidx.compose.ui.test.assertTextContains
import androidx.compose.ui.test.click
import androidx.compose.ui.test.onAllNodesWithTag
import androidx.compose.ui.test.onNodeWithContentDescription
import androidx.compose.ui.test.onNodeWithTag
import androidx.compose.ui.test.onNodeWithText
import androidx.compose.ui.test.performClick
import androidx.compose.ui.test.performScrollTo
import androidx.compose.ui.test.performTextInput
import androidx.compose.ui.test.performTextReplacement
import androidx.compose.ui.test.performTouchInput
import androidx.compose.ui.test.swipeLeft
import cn.yaoban.core.TaskFilter
import cn.yaoban.core.TaskView
import cn.yaoban.core.bridge.TestClock
import cn.yaoban.core.bridge.TestHub
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.AfterAll
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.BeforeAll
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.time.LocalDate

/** Flows that leave nothing at the hub for the others: they share it. */
@OptIn(ExperimentalTestApi::class)
class MoreFlowTest {
    @TempDir
    lateinit var home: File

    private lateinit var phone: TestPhone

    @AfterEach
    fun close() = phone.close()

    @Test
    fun `a finger is offered after a PIN was typed, and to nobody who has none`() {
        phone = TestPhone(home, hub).pair(staffId = null)
        val sensor = phone.device.biometrics
        phone.screen {
            touch("staff-C1")
            pin("2468")
            see("再输一次")
            onNodeWithText(FINGER).assertDoesNotExist()
            pin("2468")
            find("query")
            waitUntil { sensor.trusted == 1 }
        }
        runBlocking { phone.core.call { lockNow() } }
        phone.screen {
            touchText(FINGER)
            waitForIdle()
            see("手机已锁")
            sensor.knowsUser = true
            touchText(FINGER)
            find("query")
        }
        runBlocking { phone.core.call { signOut() } }
        phone.screen {
            touch("staff-G1")
            see("暂不设密码")
            waitForIdle()
            onNodeWithText(FINGER).assertDoesNotExist()
        }
        sensor.trusted = 0
        phone.screen {
            touch("staff-C1")
            see("输入密码")
            waitForIdle()
            onNodeWithText(FINGER).assertDoesNotExist()
        }
    }

    @Test
    fun `emergency-reading`() {
        phone = TestPhone(home, hub).pair()
        phone.screen {
            find("query").performTextInput("王约")
            touch("member-M1")
            touchText("记一次")
            see("还没有测量记录")
            keys("190125")
            // What the core says of it is there before it is stored.
            see("危险 3级")
            everyTouchIsLargeAndNamed()
            touch("save")
            find("alarm")
            find("advice")
            see("已给药师建了今天的紧急任务")
            see("收缩压 不超过 ${phone.target("M1", "systolic")}")
            keys("9999")
            find("impossible")
            see("收缩压要高于舒张压")
            find("save").assertIsNotEnabled()
        }
        val reading = runBlocking { phone.core.call { readings("M1", "bp", 1u) } }.readings.single()
        assertEquals(190.toUShort() to true, reading.systolic to reading.emergency)
    }

    @Test
    fun `register-with-consents`() {
        phone = TestPhone(home, hub).pair()
        phone.screen {
            keys("1545")
            touchText("登记新会员")
            find("field-phone").performTextReplacement("15450000099")
            // What is missing says the core.
            touch("register")
            see("姓名不能为空")
            find("field-name").performTextInput("仇小玲")
            touchText("女")
            find("field-birthday").performTextInput("1960-02-29")
            find("field-allergies").performTextInput("磺胺，青霉素")
            touch("disease-hypertension")
            touch("all-diseases")
            touch("disease-cold")
            touch("consent-membership")
            touch("consent-health")
            // A slip of the finger is no signature: the core says so, and the pad is wiped for another one.
            find("sign").performScrollTo().performTouchInput { click() }
            everyTouchIsLargeAndNamed()
            touch("register")
            see("请在框里写下姓名")
            touch("sign-again")
            sign()
            touch("register")
            see("过敏：磺胺、青霉素")
            see("154****0099")
        }
        val found = runBlocking { phone.core.call { find("仇小玲") } }.members.single()
        val profile = runBlocking { phone.core.call { profile(found.memberId) } }
        assertEquals(setOf("hypertension", "cold"), profile.diseases.toSet())
        val consents = profile.consents
        assertEquals(listOf("membership", "health"), consents.filter { it.granted }.map { it.purpose })
        assertTrue(consents.flatMap { it.answers }.all { it.wordingVersion.isNotEmpty() })
    }

    @Test
    fun `group-sms-with-refused`() {
        phone = TestPhone(home, hub).pair()
        phone.screen {
            touch("tab-MEMBERS")
            see("本周生日")
            see("点上面的条件")
            touch("by-hypertension")
            see("符合条件的会员 2 位")
            everyTouchIsLargeAndNamed()
            touch("by-hypertension")
            // Conditions of one kind are alternatives.
            touch("by-chronic")
            touch("by-general")
            see("符合条件的会员 3 位")
            touch("group-message")
            touch("template-refill-sms")
            see("没有取得同意")
            see("王约您好")
            touch("send")
            see("可发 2，推迟 0，不能发 1")
            touch("sms-M1")
            // The SMS app is open; whether it was sent there, only the clerk knows.
            see("发出去了吗")
            everyTouchIsLargeAndNamed()
            touch("was-sent-M1")
            see("已发出")
            find("refused")
            see("曾静")
        }
        val (number, text) = phone.device.sent.single()
        assertEquals("15400000001", number)
        assertTrue(text.startsWith("【晨光一店】王约您好"), text)
        assertEquals(listOf("M2"), runBlocking { phone.core.call { openMessages() } }.map { it.memberId }, "of one nothing was told yet")
    }

    @Test
    fun `waiting-messages`() {
        phone = TestPhone(home, hub).pair()
        // Nobody is to be reached at night.
        halfADayLater()
        phone.screen {
            messageToAll()
            see("可发 0，推迟 2，不能发 1")
            see("右上角的消息里发")
        }
        halfADayLater()
        phone.screen {
            touch("tab-TASKS")
            find("view-DUE")
            onNodeWithContentDescription("等着处理的消息").performClick()
            see("可以发")
            everyTouchIsLargeAndNamed()
            touch("release")
            see("可发 2")
            touch("sms-M2")
            touch("was-sent-M2")
            see("已发出")
        }
        assertEquals(listOf("15400000002"), phone.device.sent.map { it.first })
        // Of the other one nobody said what became, and the app is ended: it is handed out once more.
        phone.restart()
        runBlocking { phone.core.call { switchStaff("C1", null) } }
        phone.screen {
            touch("tab-TASKS")
            find("view-DUE")
            onNodeWithContentDescription("等着处理的消息").performClick()
            touch("again-M1")
            see("发出去了吗")
            everyTouchIsLargeAndNamed()
            touch("was-sent-M1")
            see("已发出")
        }
        assertEquals(listOf("15400000002", "15400000001"), phone.device.sent.map { it.first })
        assertTrue(runBlocking { phone.core.call { openMessages() } }.isEmpty())
    }

    @Test
    fun `a message that may not be sent any more is not handed out again`() {
        phone = TestPhone(home, hub).pair()
        phone.screen {
            messageToAll()
            see("可发 2")
        }
        halfADayLater()
        phone.screen {
            touch("tab-TASKS")
            find("view-DUE")
            onNodeWithContentDescription("等着处理的消息").performClick()
            touch("again-M1")
            find("failure")
            find("again-M1")
        }
        assertTrue(phone.device.sent.isEmpty())
    }

    /** The lock has fallen meanwhile. */
    private fun halfADayLater() {
        phone.clock.later(minutes = 12 * 60)
        runBlocking { phone.core.call { switchStaff("C1", null) } }
    }

    @Test
    fun `of a message that was made and left the clerk says what became`() {
        phone = TestPhone(home, hub).pair()
        phone.screen {
            messageToAll()
            see("可发 2，推迟 0，不能发 1")
        }
        // The app was ended meanwhile.
        phone.restart()
        runBlocking { phone.core.call { switchStaff("C1", null) } }
        phone.screen {
            touch("tab-TASKS")
            onNodeWithContentDescription("等着处理的消息").performClick()
            touch("not-sent-M1")
            touch("was-sent-M2")
            see("没有等着处理的消息")
        }
        assertTrue(runBlocking { phone.core.call { openMessages() } }.isEmpty())
    }

    @Test
    fun `a text that was not sent in the SMS app is not taken for sent, and can be sent after all`() {
        phone = TestPhone(home, hub).pair()
        phone.screen {
            messageToAll()
            touch("sms-M1")
            see("发出去了吗")
            seeNo("已发出")
            touch("not-sent-M1")
            see("发送失败")
            touch("sms-M1")
            touch("was-sent-M1")
            see("已发出")
        }
        assertEquals(listOf("M2"), runBlocking { phone.core.call { openMessages() } }.map { it.memberId })
    }

    @Test
    fun `where the phone sends by itself a group is one touch`() {
        phone = TestPhone(home, hub).pair()
        phone.device.sends(itself = true)
        phone.screen {
            messageToAll()
            everyTouchIsLargeAndNamed()
            touch("sms-all")
            waitUntil("all are sent, and told", 20_000) { runBlocking { phone.core.call { openMessages() } }.isEmpty() }
            seeNo("逐条发出剩下的")
        }
        assertEquals(2, phone.device.sent.size)
    }

    /** A message to the store's members, as far as it may be. */
    private fun ComposeUiTest.messageToAll() {
        touch("tab-MEMBERS")
        touch("by-chronic")
        touch("by-general")
        see("符合条件的会员 3 位")
        touch("group-message")
        touch("template-refill-sms")
        touch("send")
    }

    @Test
    fun `how a medicine is taken is told from the profile`() {
        phone = TestPhone(home, hub).pair()
        val regimen = { runBlocking { phone.core.call { profile("M1") } }.regimens.singleOrNull() }
        phone.screen {
            keys("0001")
            touch("member-M1")
            touch("regimen-氨氯地平")
            find("save-units").assertIsNotEnabled()
            find("units").performTextInput("两片")
            touch("save-units")
            see("每天的数量，如 1.5")
            find("units").performTextReplacement("1.5")
            touch("save-units")
            waitUntil("the units are stored", 20_000) { regimen()?.dailyUnitsMilli == 1_500L }
            touch("regimen-氨氯地平")
            touch("day-14")
            waitUntil("the day is stored", 20_000) { regimen()?.stockUntil == phone.clock.today.plusDays(14) }
            touch("regimen-氨氯地平")
            touch("stopped")
            see("已停用")
            touch("regimen-氨氯地平")
            touchText("又在吃")
            seeNo("已停用")
        }
        assertEquals(1_500L to phone.clock.today.plusDays(14), regimen()?.let { it.dailyUnitsMilli to it.stockUntil })
    }

    @Test
    fun `a call is planned from the profile`() {
        phone = TestPhone(home, hub).pair()
        phone.screen {
            keys("0002")
            touch("member-M2")
            touch("plan-call")
            see("哪天回访")
            touch("day-3")
            see("已约在")
        }
        repeat(6) { halfADayLater() }
        val due = runBlocking { phone.core.call { tasks(TaskFilter(TaskView.DUE)) } }.households.flatMap { it.tasks }
        assertEquals(1, due.count { it.memberId == "M2" && it.start == phone.clock.today.plusDays(3) })
    }

    @Test
    fun `correct-a-record`() {
        phone = TestPhone(home, hub).pair()
        phone.screen {
            keys("0002")
            touch("member-M2")
            touch("edit")
            find("field-name").performTextReplacement(" ")
            touch("save")
            see("姓名不能为空")
            find("field-name").performTextReplacement("李晚")
            find("field-birthday").performTextReplacement("1961-02-31")
            see("154****0002")
            find("field-phone").performTextInput("123")
            touch("save")
            see("生日不对：出生日期，如 1960-02-29")
            find("field-birthday").performTextReplacement("1961-03-02")
            touch("save")
            see("电话不对")
            find("field-phone").performTextReplacement("15400000077")
            everyTouchIsLargeAndNamed()
            touch("add-allergy")
            find("ask").performTextInput("磺胺，头孢")
            onDialog("添加")
            find("allergy-磺胺")
            find("allergy-头孢")
            touch("save")
            see("过敏：头孢、磺胺")
            see("154****0077")
        }
        val now = runBlocking { phone.core.call { profile("M2") } }
        assertEquals("李晚" to LocalDate.of(1961, 3, 2), now.member.name to now.birthday)
    }

    @Test
    fun `history-by-page`() {
        phone = TestPhone(home, hub).pair()
        phone.screen {
            find("query").performTextInput("0001")
            touch("member-M1")
            touchText("购买记录")
            see("¥20.00")
            see("没有更早的了")
            touchText("氨氯地平")
            everyTouchIsLargeAndNamed()
        }
    }

    @Test
    fun `manager-gives-a-task`() {
        phone = TestPhone(home, hub).pair(staffId = "G1")
        phone.screen {
            touch("tab-TODAY")
            touch("全店-OPEN")
            see("全店 · 未完")
            touch("give-M1")
            touchText("陆小敏")
            see("陆小敏 · 154")
            everyTouchIsLargeAndNamed()
        }
        val tasks = runBlocking { phone.core.call { tasks(TaskFilter(TaskView.DUE, wholeStore = true)) } }
        assertTrue(tasks.households.flatMap { it.tasks }.any { it.assignee == "C1" })
    }

    @Test
    fun `lock-switch-unpair`() {
        phone = TestPhone(home, hub).pair()
        phone.screen {
            touch("tab-PHONE")
            see("晨光一店")
            everyTouchIsLargeAndNamed()
            touch("switch")
            see("谁在用这部手机")
            touch("staff-C1")
            touchText("暂不设密码")
            find("phone")
            touch("unpair")
            see("全部数据和密钥都会删除")
            onDialog("解除配对")
            waitUntil("the device was told", 20_000) { phone.device.unpaired == 1 }
        }
        assertFalse(File(home, "clerk.db").exists())
    }

    @Test
    fun `recording-of-a-call`() {
        phone = TestPhone(home, hub).pair()
        val sound = ByteArray(4_000) { it.toByte() }
        phone.device.recorder.written += sound
        phone.screen {
            answered("M1")
            touch("choose-folder")
            everyTouchIsLargeAndNamed()
            touch("file-0")
            find("recording-M1").assertTextContains("待上传", substring = true)
            leaveNextCall()
            touch("tab-PHONE")
            touch("play-M1")
            waitUntil("it is heard", 20_000) { phone.device.played.isNotEmpty() }
            touchText("删除")
            onDialog("删除")
            find("recording-M1")
            see("已从本机删除")
        }
        assertArrayEquals(sound, phone.device.played.single())
    }

    @Test
    fun `the recorder's only file of a call is attached without asking`() {
        phone = TestPhone(home, hub).pair()
        val recorder = phone.device.recorder
        recorder.written += ByteArray(100)
        // During the call or just after it.
        recorder.writtenAtMs = phone.clock.nowMs() + 60_000
        runBlocking { recorder.chooseFolder() }
        phone.screen {
            answered("M1")
            find("recording-M1").assertTextContains("待上传", substring = true)
        }
    }

    @Test
    fun `no-recording`() {
        phone = TestPhone(home, hub).pair()
        phone.device.recorder.read = CompletableDeferred()
        phone.screen {
            answered("M2")
            // Of a folder that was not read yet nothing is said.
            see("正在读取")
            onNodeWithTag("choose-folder").assertDoesNotExist()
            phone.device.recorder.read.complete(Unit)
            see("安卓不让应用录音")
            touch("no-recording")
            see("没有读取录音文件的权限")
            // The recorder's file came late.
            phone.device.recorder.written += ByteArray(100)
            touch("attach")
            touch("choose-folder")
            touch("file-0")
            find("recording-M2").assertTextContains("待上传", substring = true)
        }
    }

    @Test
    fun `a swipe asks until when a task is put off`() {
        phone = TestPhone(home, hub).pair()
        phone.screen {
            touch("tab-TASKS")
            find("task-M2").performTouchInput { swipeLeft() }
            see("推迟到哪天")
            touch("day-2")
            waitUntil("it is put off", 20_000) { onAllNodesWithTag("task-M2").fetchSemanticsNodes().isEmpty() }
            touch("view-LATER")
            find("task-M2")
        }
    }

    @Test
    fun `what an outcome asks for is the core's word`() {
        phone = TestPhone(home, hub).pair()
        phone.screen {
            dial("M1")
            touch("outcome-STILL_HAS_STOCK")
            touch("medicine-氨氯地平")
            find("medicine-氨氯地平").assertIsSelected()
            find("day-14")
            // Without a day it would be refused.
            onNodeWithTag("record").assertDoesNotExist()
            touch("outcome-STILL_HAS_STOCK")
            touch("outcome-OTHER")
            find("note").performTextInput(" ")
            touch("record")
            // It is asked until it is stored.
            see("选“其他”要写备注")
            find("note").performTextReplacement("换了医院")
            touch("record")
            see("已记下")
        }
    }

    @Test
    fun `the large button of a member calls for the task that waits`() {
        phone = TestPhone(home, hub).pair()
        phone.screen {
            keys("0002")
            touch("member-M2")
            touchText("打电话")
            see("续药回访")
            touch("dial")
            touch("outcome-NOT_INTERESTED")
            see("已记下")
        }
    }

    @Test
    fun `a permission that was refused is said`() {
        phone = TestPhone(home, hub).pair()
        phone.device.sends(itself = false)
        phone.screen {
            touch("tab-PHONE")
            find("phone")
            onNodeWithContentDescription("直接发短信", substring = true).performScrollTo().performClick()
            see("没有发短信的权限")
        }
    }

    @Test
    fun `a clerk sees nothing of the manager's`() {
        phone = TestPhone(home, hub).pair()
        phone.screen {
            touch("tab-TODAY")
            find("陆小敏-OPEN")
            onNodeWithTag("rebalance").assertDoesNotExist()
            onNodeWithTag("全店-OPEN").assertDoesNotExist()
            touch("tab-TASKS")
            find("view-DUE")
            onNodeWithText("全店").assertDoesNotExist()
        }
    }

    /** Up to what a number of a member should go, by the core. */
    private fun TestPhone.target(
        memberId: String,
        field: String,
    ) = runBlocking { core.call { readings(memberId, "bp", 1u) } }.targets.first { it.field == field }.to

    /** A call of the list, answered, with what came of it. */
    private fun ComposeUiTest.answered(memberId: String) {
        dial(memberId)
        touch("outcome-NOT_INTERESTED")
        see("已记下")
    }

    @Test
    fun `support-and-licences`() {
        phone = TestPhone(home, hub).pair()
        phone.screen {
            touch("tab-PHONE")
            touch("licences")
            see("rusqlite")
            touch("bundle")
            waitUntil("the bundle was handed on", 60_000) { phone.device.files.isNotEmpty() }
        }
        val text = phone.device.files.single().decodeToString()
        // An id of two letters may stand in any sealed bytes.
        assertTrue(text.isNotEmpty() && "15400000001" !in text && "王约" !in text)
    }

    @Test
    fun `on-its-side`() {
        phone = TestPhone(home, hub).pair()
        phone.screen(size = Size(1560f, 720f)) {
            keys("0001")
            find("member-M1").assertIsDisplayed()
            everyTouchIsLargeAndNamed()
            touch("member-M1")
            find("allergies").assertIsDisplayed()
            find("query").assertIsDisplayed()
        }
    }

    @Test
    fun `no-camera`() {
        phone = TestPhone(home, hub).pair()
        phone.device.camera = false
        phone.device.scanned = "M1"
        phone.screen {
            find("query")
            onNodeWithContentDescription("扫会员卡").performClick()
            see("没有摄像头")
            onDialog("确定")
            find("query").performTextInput("王约")
            find("member-M1")
        }
    }

    companion object {
        private const val FINGER = "用指纹或面容"
        private lateinit var hub: TestHub

        @BeforeAll
        @JvmStatic
        fun start() {
            hub = TestHub(TestClock().today).apply { serve() }
        }

        @AfterAll
        @JvmStatic
        fun stop() = hub.close()
    }
}
