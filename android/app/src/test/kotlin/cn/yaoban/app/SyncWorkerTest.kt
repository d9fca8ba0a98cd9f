package cn.yaoban.app

import android.app.NotificationManager
import androidx.test.core.app.ApplicationProvider
import androidx.work.ListenableWorker.Result
import androidx.work.NetworkType
import androidx.work.WorkInfo
import androidx.work.WorkManager
import androidx.work.testing.TestListenableWorkerBuilder
import androidx.work.testing.WorkManagerTestInitHelper
import cn.yaoban.core.TypedReading
import cn.yaoban.core.bridge.TestClock
import cn.yaoban.core.bridge.TestHub
import kotlinx.coroutines.runBlocking
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode

/** Rounds without a screen, and what they tell. */
@RunWith(RobolectricTestRunner::class)
@GraphicsMode(GraphicsMode.Mode.NATIVE)
@Config(qualifiers = "zh-rCN-w360dp-h780dp-xhdpi")
class SyncWorkerTest {
    private val app = ApplicationProvider.getApplicationContext<TestYaobanApplication>()
    private val hub = TestHub(TestClock().today).apply { serve() }
    private val notices = shadowOf(app.getSystemService(NotificationManager::class.java))

    @After
    fun close() {
        app.end()
        hub.close()
    }

    private fun work(): Result = runBlocking { TestListenableWorkerBuilder<SyncWorker>(app).build().doWork() }

    private fun addReading() = runBlocking {
        app.phone.core().call { addTyped("M1", TypedReading("bp", listOf("128", "78"), "home")) }
        app.clock.later(minutes = 1)
    }

    @Test
    fun `sync-in-background`() {
        val manager = WorkManager.getInstance(app)
        app.pair(hub)
        addReading()
        SyncWorker.schedule(app)
        SyncWorker.schedule(app)
        val info = manager.getWorkInfosForUniqueWork("sync").get().single()
        assertEquals(WorkInfo.State.ENQUEUED, info.state)
        assertEquals(NetworkType.CONNECTED, info.constraints.requiredNetworkType)
        assertEquals(15 * 60_000L, info.periodicityInfo?.repeatIntervalMillis)
        assertEquals(1L, runBlocking { app.phone.core().call { status() } }.outbox)

        WorkManagerTestInitHelper.getTestDriver(app)!!.setAllConstraintsMet(info.id)
        val until = System.nanoTime() + 20_000_000_000
        while (runBlocking { app.phone.core().call { status() } }.held + outbox() > 0 && System.nanoTime() < until) Thread.sleep(50)
        assertEquals(0L, outbox())
    }

    private fun outbox() = runBlocking {
        app.phone.core().call { status() }.outbox
    }

    @Test
    fun `a hub that is away is tried again, and a phone that is not paired has nothing to do`() {
        assertEquals(Result.success(), work())
        app.pair(hub)
        hub.stop()
        assertEquals(Result.retry(), work())
        hub.serve()
        assertEquals(Result.success(), work())
    }

    @Test
    fun `a phone that the hub locked is not tried again before its next time`() {
        app.pair(hub)
        hub.revoke(runBlocking { app.phone.core().call { status() } }.deviceId)
        assertEquals(Result.failure(), work())
    }

    @Test
    fun `due tasks are told as a number, and to the lock screen not even that`() {
        app.pair(hub)
        assertEquals(Result.success(), work())
        val notice = notices.allNotifications.single()
        val text = notice.extras.getString("android.text").orEmpty()
        assertEquals("今天有 3 项回访要做", text)
        assertEquals(0, notice.visibility)
        assertEquals("有待办事项", notice.publicVersion.extras.getString("android.text"))
        for (name in listOf("王约", "李晚", "曾静", "1540000")) assertFalse(notice.extras.toString().contains(name))
        val tap = shadowOf(notice.contentIntent).savedIntent
        assertEquals(MainActivity.SHOW_TASKS, tap.action)

        Notices.takeAway(app)
        assertTrue(notices.allNotifications.isEmpty())
    }

    @Test
    fun `an emergency is told on a channel of its own`() {
        app.pair(hub)
        runBlocking {
            app.phone.core().call { addTyped("M1", TypedReading("bp", listOf("195", "125"), "home")) }
            // Without a pharmacist in the store it is the manager's.
            app.phone.core().call { switchStaff("G1", null) }
        }
        assertEquals(Result.success(), work())
        val emergency = notices.allNotifications.single { it.channelId == "emergency" }
        assertEquals("有 1 项紧急读数要处理", emergency.extras.getString("android.text"))
    }

    @Test
    fun `behind the lock the numbers are told all the same`() {
        app.pair(hub)
        runBlocking { app.phone.core().call { lockNow() } }
        assertEquals(Result.success(), work())
        assertEquals("今天有 3 项回访要做", notices.allNotifications.single().extras.getString("android.text"))
    }
}
