package cn.yaoban.app

import android.content.Intent
import android.net.Uri
import android.os.Looper
import androidx.test.core.app.ApplicationProvider
import cn.yaoban.core.TodayFigure
import cn.yaoban.core.Told
import cn.yaoban.core.Whose
import cn.yaoban.core.bridge.ClerkCore
import cn.yaoban.core.bridge.TestClock
import cn.yaoban.core.bridge.TestHub
import kotlinx.coroutines.runBlocking
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf

/** What the network says of a text that the app sent itself, as the system tells it. */
@RunWith(RobolectricTestRunner::class)
class SmsReportsTest {
    private val app = ApplicationProvider.getApplicationContext<TestYaobanApplication>()
    private val hub = TestHub(TestClock().today).apply { serve() }

    @Before
    fun pair() = app.pair(hub)

    @After
    fun close() {
        app.end()
        hub.close()
    }

    private fun <T> core(call: suspend (ClerkCore) -> T): T = runBlocking { call(app.phone.core()) }

    private fun state() = core { it.call { todayItems(Whose.Staff("C1"), TodayFigure.MESSAGES) } }.single().code

    private fun sent(): String {
        val key = core { it.call { message(listOf("M1"), "refill-sms") } }.ready.single().key
        core { it.call { messageTold(key, Told.Sent) } }
        return key
    }

    private fun report(
        action: String,
        key: String,
    ) {
        app.sendBroadcast(Intent(action, Uri.fromParts("sms-key", key, null), app, SmsReports::class.java))
        shadowOf(Looper.getMainLooper()).idle()
    }

    private fun waitFor(state: String) {
        val until = System.nanoTime() + 20_000_000_000
        while (state() != state && System.nanoTime() < until) Thread.sleep(50)
        assertEquals(state, state())
    }

    @Test
    fun `a text that arrived is delivered`() {
        report("cn.yaoban.app.SMS_DELIVERED", sent())
        waitFor("delivered")
    }

    @Test
    fun `behind the lock a report is passed over, and the text stays as sent`() {
        val key = sent()
        core { it.call { lockNow() } }
        report("cn.yaoban.app.SMS_DELIVERED", key)
        Thread.sleep(500)
        core { it.call { switchStaff("C1", null) } }
        assertEquals("sent", state())
    }
}
