package cn.yaoban.ui

import androidx.compose.ui.test.ExperimentalTestApi
import androidx.compose.ui.test.assertIsNotEnabled
import androidx.compose.ui.test.assertTextContains
import androidx.compose.ui.test.click
import androidx.compose.ui.test.hasText
import androidx.compose.ui.test.onAllNodesWithTag
import androidx.compose.ui.test.onNodeWithTag
import androidx.compose.ui.test.performScrollToNode
import androidx.compose.ui.test.performTextInput
import androidx.compose.ui.test.performTouchInput
import cn.yaoban.core.NewMember
import cn.yaoban.core.TaskFilter
import cn.yaoban.core.TaskView
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** The flows of tests/flows.toml, by their ids, on the screen with the real core and a real hub. */
@OptIn(ExperimentalTestApi::class)
class FlowTest : WithHub() {
    private fun tasks(view: TaskView) = runBlocking { phone.core.call { tasks(TaskFilter(view)) } }

    @Test
    fun `pair-and-load`() {
        phone = TestPhone(home, hub)
        phone.screen {
            find("code").performTextInput("YB1-nonsense")
            touchText("配对")
            find("failure")
            phone.device.scanned = hub.pairingCode()
            touchText("扫码")
            waitUntil { onNodeWithTag("code").fetchSemanticsNode().config.toString().contains("YB1-") }
            onNodeWithTag("code").assertTextContains(phone.device.scanned!!)
            touchText("配对")
            see("晨光一店")
            see("晨光大药房")
            touch("decline")
            // The code is as good as before.
            touchText("扫码")
            touchText("配对")
            touch("accept")
            see("谁在用这部手机")
            see("陆小敏")
        }
    }

    @Test
    fun `first-load-interrupted`() {
        phone = TestPhone(home, hub)
        runBlocking { phone.core.call { pair(hub.pairingCode(), "test") } }
        hub.stop()
        phone.screen {
            see("首次下载还没完成")
            see("晨光一店")
            touchText("继续下载")
            find("failure")
            hub.serve()
            touchText("继续下载")
            see("谁在用这部手机")
        }
    }

    @Test
    fun `sign-consent-later`() {
        phone = TestPhone(home, hub).pair()
        val marketing = { runBlocking { phone.core.call { profile("M3") } }.consents.first { it.purpose == "marketing" } }
        phone.screen {
            keys("0034")
            touch("member-M3")
            see("没问过")
            touch("ask-marketing")
            // A slip of the finger is no signature; the consent is not given by it.
            val before = find("sign").fetchSemanticsNode().positionInRoot
            find("sign").performTouchInput { click() }
            find("sign-again")
            assertEquals(before, find("sign").fetchSemanticsNode().positionInRoot, "it stays under the finger")
            everyTouchIsLargeAndNamed()
            touch("consent-yes")
            see("请在框里写下姓名")
            touch("ask-marketing")
            sign()
            touch("consent-yes")
            waitUntil("it is given", 20_000) { marketing().granted }
            runBlocking { phone.core.sync() }
            val signed = hub.signatures("M3").trim().lines()
            assertTrue(signed.size == 1 && "marketing" in signed.single(), "$signed")
            touch("ask-marketing")
            onDialog("撤回")
            waitUntil("it is withdrawn", 20_000) { !marketing().granted }
            find("ask-marketing").assertTextContains("征求")
        }
        assertEquals(1, marketing().answers.size, "what was said last counts")
    }

    @Test
    fun `merge-and-undo`() {
        phone = TestPhone(home, hub).pair(staffId = "G1")
        val found = { runBlocking { phone.core.call { find("0002") } }.members.map { it.name } }
        runBlocking {
            phone.core.call { register(NewMember(name = "李婉", phone = "15400000002")) }
            phone.core.sync()
        }
        phone.screen {
            touch("tab-TODAY")
            find("today").performScrollToNode(hasText("可能是同一位会员"))
            see("李婉")
            everyTouchIsLargeAndNamed()
            touch("merge-M2")
            find("undo-merge")
            see("已合并：")
            seeNo("可能是同一位会员")
            assertEquals(1, found().size)
            touch("undo-merge")
            seeNo("已合并：")
            // That they are two is known now: nobody is asked again.
            onNodeWithTag("merge-M2").assertDoesNotExist()
        }
        assertEquals(setOf("李晚", "李婉"), found().toSet())
    }

    @Test
    fun `pin-lock`() {
        phone = TestPhone(home, hub).pair(staffId = null)
        phone.screen {
            touch("staff-C1")
            see("设一个密码")
            pin("2468")
            see("再输一次")
            pin("2468")
            find("query")
        }
        runBlocking { phone.core.call { lockNow() } }
        phone.screen {
            see("手机已锁")
            pin("1111")
            find("failure")
            see("还可以试4次")
            pin("2468")
            find("query")
        }
    }

    @Test
    fun `search-profile-call-outcome`() {
        phone = TestPhone(home, hub).pair()
        phone.screen {
            keys("0001")
            touch("member-M1")
            find("allergies")
            see("过敏：青霉素")
            see("氨氯地平")
            see("价值")
            val task = tasks(TaskView.DUE).households.flatMap { it.tasks }.first { it.memberId == "M1" }
            touch("call-${task.taskId}")
            see("续药回访")
            touch("dial")
            see("接通了，谈得怎样")
            assertEquals(listOf("15400000001"), phone.device.dialled)
            touch("outcome-AGREED_TO_VISIT")
            touch("day-2")
            see("已记下")
            see("约好到店")
            touch("next")
            see("上次联系")
        }
        assertEquals(1, tasks(TaskView.LATER).households.flatMap { it.tasks }.count { it.memberId == "M1" })
    }

    @Test
    fun `take-back`() {
        phone = TestPhone(home, hub).pair()
        phone.screen {
            dial("M1")
            touch("outcome-NOT_INTERESTED")
            touch("take-back")
            see("谈得怎样")
            touch("outcome-DO_NOT_CONTACT")
            see("不要再联系")
            find("take-back")
            mainClock.advanceTimeBy(10_100)
            waitUntil(timeoutMillis = 20_000) { onAllNodesWithTag("take-back").fetchSemanticsNodes().isEmpty() }
        }
        val row = runBlocking { phone.core.call { profile("M1") } }
        assertTrue(row.doNotContact)
    }

    @Test
    fun `attempt-survives`() {
        phone = TestPhone(home, hub).pair()
        phone.screen {
            dial("M2")
            see("接通了，谈得怎样")
        }
        phone.restart()
        phone.screen {
            touch("tab-TASKS")
            touch("open-M2")
            see("接通了，谈得怎样")
            touch("result-NO_ANSWER")
            see("回到任务列表")
            touch("next")
            // The next call of the list.
            find("dial")
        }
        assertEquals(listOf("15400000002"), phone.device.dialled)
        assertTrue(runBlocking { phone.core.call { openAttempts() } }.isEmpty())
    }

    @Test
    fun `a phone that the hub locked says why on its page`() {
        phone = TestPhone(home, hub).pair()
        phone.screen {
            touch("tab-PHONE")
            find("sync")
            hub.revoke(runBlocking { phone.core.call { status() } }.deviceId)
            touch("sync")
            see("总部已停用这部手机（总部收回）")
            touch("tab-COUNTER")
            see("不能同步")
            seeNo("离线")
        }
    }

    @Test
    fun `gate-refusal`() {
        phone = TestPhone(home, hub).pair()
        phone.screen {
            find("query").performTextInput("曾静")
            touch("member-M3")
            find("gate").assertTextContains("没有取得同意", substring = true)
            see("打电话").assertIsNotEnabled()
        }
        assertTrue(phone.device.dialled.isEmpty())
    }

    @Test
    fun `offline-day-then-sync`() {
        phone = TestPhone(home, hub).pair()
        hub.stop()
        try {
            phone.screen(live = true) {
                dial("M1")
                touch("outcome-ALREADY_BOUGHT")
                see("已记下")
                leaveNextCall()
                for (tab in listOf("COUNTER", "TASKS", "MEMBERS", "TODAY")) {
                    touch("tab-$tab")
                    see("离线")
                }
            }
        } finally {
            hub.serve()
        }
        phone.clock.later(minutes = 1)
        val report = runBlocking { phone.core.sync() }
        assertTrue(report.pushedOps >= 3uL, report.toString())
        assertEquals(0uL to 0uL, report.rejectedOps to report.parkedOps)
    }
}
