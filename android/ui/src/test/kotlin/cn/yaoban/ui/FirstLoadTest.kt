package cn.yaoban.ui

import androidx.compose.ui.test.ExperimentalTestApi
import androidx.compose.ui.test.onNodeWithContentDescription
import androidx.compose.ui.test.performClick
import androidx.compose.ui.test.performTextInput
import cn.yaoban.core.TaskFilter
import cn.yaoban.core.TaskView
import cn.yaoban.core.bridge.TestClock
import cn.yaoban.core.bridge.TestHub
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.net.InetAddress
import java.net.ServerSocket

/** A phone that is used while its first load is coming in, of a store with more members than the load begins with. */
@OptIn(ExperimentalTestApi::class)
class FirstLoadTest {
    @TempDir
    lateinit var home: File

    private val hub = TestHub(TestClock().today, sample = 2_000).apply { serve() }
    private lateinit var phone: TestPhone

    @AfterEach
    fun close() {
        phone.close()
        hub.close()
    }

    private val members: ULong get() = runBlocking { phone.core.call { memberCounts() } }.members.toULong()

    private fun firstCall() =
        runBlocking { phone.core.call { tasks(TaskFilter(TaskView.DUE)) } }.households.first().tasks.first().memberId

    @Test
    fun `first-load-usable`() {
        phone = TestPhone(home, hub).pairAndCutShort()
        val all = runBlocking { phone.core.call { status() } }.firstLoad!!.members
        val line = "还在下载会员：0 / ${thousands(all)}"
        hub.stop()
        // Somebody who takes the connection and says nothing: the load runs, and nothing comes in.
        val silent = ServerSocket(hub.port, 50, InetAddress.getByName("127.0.0.1"))
        phone.screen(live = true) {
            see("首次下载还没完成")
            see("可以先用")
            touchText("继续下载")
            see("可以随时停下")
            everyTouchIsLargeAndNamed()
            touch("start")
            touch("staff-C001")
            touchText("暂不设密码")
            find("query")
            see(line)
            assertTrue(members in 1uL..<all, "$members of $all")
            touch("tab-TASKS")
            see(line)
            touch("call-${firstCall()}")
            find("dial")
        }
        silent.close()
        hub.serve()
        // Nothing comes in by itself, so that somebody is still missing.
        val missing = hub.members().first { id -> runBlocking { phone.core.call { find(id) } }.members.isEmpty() }
        phone.screen {
            touch("start")
            find("query").performTextInput(missing)
            see("手机里还没有“$missing”")
            everyTouchIsLargeAndNamed()
            touch("look-up")
            find("ask").performTextInput("会员在柜台")
            onDialog("查询")
            touch("member-$missing")
            find("profile")
            onNodeWithContentDescription("返回").performClick()
            touch("tab-PHONE")
            touch("sync")
            touch("tab-TASKS")
            seeNo("还在下载会员")
            touch("tab-COUNTER")
            find("query")
            seeNo("还在下载会员")
        }
        assertEquals(all, members)
    }
}
