package cn.yaoban.app

import android.Manifest
import android.content.Intent
import android.graphics.Bitmap
import android.os.Bundle
import android.view.WindowManager
import androidx.compose.ui.graphics.asAndroidBitmap
import androidx.compose.ui.test.captureToImage
import androidx.compose.ui.test.junit4.v2.createEmptyComposeRule
import androidx.compose.ui.test.onRoot
import androidx.test.core.app.ApplicationProvider
import cn.yaoban.core.TaskFilter
import cn.yaoban.core.TaskView
import cn.yaoban.core.bridge.TestClock
import cn.yaoban.core.bridge.TestHub
import kotlinx.coroutines.runBlocking
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf
import org.robolectric.android.controller.ActivityController
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode
import java.io.File

/** A call from the tap to the dialler and back to its outcome, on Android, with the real core and a real hub. */
@RunWith(RobolectricTestRunner::class)
@GraphicsMode(GraphicsMode.Mode.NATIVE)
@Config(qualifiers = "zh-rCN-w360dp-h780dp-xhdpi")
class CallFlowTest {
    @get:Rule
    val screen = createEmptyComposeRule()

    private val app = ApplicationProvider.getApplicationContext<TestYaobanApplication>()
    private val hub = TestHub(TestClock().today).apply { serve() }
    private var controller: ActivityController<MainActivity>? = null
    private val activity get() = checkNotNull(controller).get()

    @Before
    fun pair() = app.pair(hub)

    @After
    fun close() {
        end()
        app.end()
        hub.close()
    }

    private fun start(saved: Bundle? = null) {
        val built = Robolectric.buildActivity(MainActivity::class.java)
        controller = if (saved == null) built.setup() else built.setup(saved)
    }

    /** The activity and the core are gone; what was saved is in the bundle. */
    private fun end(saved: Bundle = Bundle()): Bundle {
        controller?.saveInstanceState(saved)?.pause()?.stop()?.destroy()
        controller = null
        runBlocking { app.phone.close() }
        return saved
    }

    private fun answerPermission(result: Int) {
        screen.until("a permission is asked for") { shadowOf(activity).lastRequestedPermission != null }
        val asked = shadowOf(activity).lastRequestedPermission
        assertEquals(listOf(Manifest.permission.CALL_PHONE), asked.requestedPermissions.toList())
        // The question is an activity too.
        assertEquals("android.content.pm.action.REQUEST_PERMISSIONS", shadowOf(app).nextStartedActivity.action)
        activity.onRequestPermissionsResult(asked.requestCode, asked.requestedPermissions, intArrayOf(result))
    }

    private fun dialled(action: String): String? {
        screen.until("the dialler is open") { shadowOf(app).peekNextStartedActivity() != null }
        val intent = shadowOf(app).nextStartedActivity
        assertEquals(action, intent.action)
        assertNull(shadowOf(app).nextStartedActivity)
        return intent.dataString
    }

    /** The app is started and calls M2, which it may. */
    private fun callWithPermission() {
        shadowOf(app).grantPermissions(Manifest.permission.POST_NOTIFICATIONS, Manifest.permission.CALL_PHONE)
        start()
        screen.touch("tab-TASKS")
        screen.touch("call-M2")
        screen.touch("dial")
        assertEquals("tel:15400000002", dialled(Intent.ACTION_CALL))
    }

    private fun tasks(view: TaskView) = runBlocking { app.phone.core().call { tasks(TaskFilter(view)) }.households.flatMap { it.tasks } }

    private fun picture(name: String) {
        val file = File(System.getProperty("yaoban.root"), "target/android/app/pictures/$name.png").apply { parentFile?.mkdirs() }
        file.outputStream().use { screen.onRoot().captureToImage().asAndroidBitmap().compress(Bitmap.CompressFormat.PNG, 100, it) }
        assertTrue(file.length() > 10_000)
    }

    @Test
    fun `permissions-denied`() {
        shadowOf(app).grantPermissions(Manifest.permission.POST_NOTIFICATIONS)
        start()
        assertTrue(activity.window.attributes.flags and WindowManager.LayoutParams.FLAG_SECURE != 0)
        screen.touch("tab-TASKS")
        screen.find("call-M1")
        picture("tasks")
        screen.touch("call-M1")
        screen.touch("dial")
        answerPermission(result = -1)
        assertEquals("tel:15400000001", dialled(Intent.ACTION_DIAL))

        // In the dialler, and back.
        checkNotNull(controller).pause().stop()
        checkNotNull(controller).start().resume()
        screen.see("接通了，谈得怎样")
        picture("outcome")
        screen.touch("outcome-AGREED_TO_VISIT")
        screen.touch("day-2")
        screen.find("take-back")
        assertEquals(listOf("M1"), tasks(TaskView.LATER).map { it.memberId })
    }

    @Test
    fun `with the permission the call is placed at once`() {
        callWithPermission()
    }

    @Test
    fun `an app that the system ended during the call is back at the call`() {
        callWithPermission()
        val saved = end()

        start(saved)
        screen.see("接通了，谈得怎样")
        screen.touch("result-NO_ANSWER")
        screen.see("回到任务列表")
        assertTrue(runBlocking { app.phone.core().call { openAttempts() } }.isEmpty())
    }

    @Test
    fun `attempt-survives`() {
        callWithPermission()
        end()

        start()
        screen.touch("tab-TASKS")
        screen.touch("open-M2")
        screen.see("接通了，谈得怎样")
        screen.touch("result-NO_ANSWER")
        screen.see("回到任务列表")
    }

    @Test
    fun `a touch puts the lock off, and nothing else does`() {
        shadowOf(app).grantPermissions(Manifest.permission.POST_NOTIFICATIONS)
        val core = runBlocking { app.phone.core() }
        start()
        screen.find("tab-TASKS")
        app.clock.later(minutes = 14)
        screen.touch("tab-TASKS")
        screen.until("the touch is told") {
            app.clock.later(minutes = 0)
            runBlocking { core.call { !isLocked() } }
        }
        app.clock.later(minutes = 14)
        assertTrue(runBlocking { core.call { !isLocked() } })
        app.clock.later(minutes = 15)
        assertTrue(runBlocking { core.call { isLocked() } })
        checkNotNull(controller).pause().resume()
        screen.see("手机已锁")
    }
}
