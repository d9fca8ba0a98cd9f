package cn.yaoban.app

import android.content.Intent
import android.net.Uri
import androidx.compose.ui.test.assertTextContains
import androidx.compose.ui.test.junit4.v2.createEmptyComposeRule
import androidx.lifecycle.lifecycleScope
import androidx.test.core.app.ApplicationProvider
import cn.yaoban.core.bridge.TestClock
import cn.yaoban.core.bridge.TestHub
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNotEquals
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf
import org.robolectric.android.controller.ActivityController
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode
import org.robolectric.shadows.ShadowContentResolver
import java.io.File

/** How the app opens: new, by a link, without its key, after the end of a pairing. */
@RunWith(RobolectricTestRunner::class)
@GraphicsMode(GraphicsMode.Mode.NATIVE)
@Config(qualifiers = "zh-rCN-w360dp-h780dp-xhdpi")
class OpeningTest {
    @get:Rule
    val screen = createEmptyComposeRule()

    private val app = ApplicationProvider.getApplicationContext<TestYaobanApplication>()
    private var controller: ActivityController<MainActivity>? = null

    private fun link(code: String) = Intent(Intent.ACTION_VIEW, Uri.parse("yaoban://pair/$code"))

    private fun start(intent: Intent = Intent()) {
        controller = Robolectric.buildActivity(MainActivity::class.java, intent.setClass(app, MainActivity::class.java)).setup()
    }

    private fun leave() {
        controller?.pause()?.stop()?.destroy()
        controller = null
        runBlocking { app.phone.close() }
    }

    @After
    fun close() {
        leave()
        app.end()
    }

    @Test
    fun `a pairing link fills the code in, also while the app is open`() {
        start(link("YB1-first"))
        screen.find("code").assertTextContains("YB1-first")
        checkNotNull(controller).newIntent(link("YB1-second"))
        screen.until("the second code is there") {
            runCatching { screen.find("code").assertTextContains("YB1-second") }.isSuccess
        }
    }

    @Test
    fun `notification-while-open`() {
        val hub = TestHub(TestClock().today).apply { serve() }
        try {
            app.pair(hub)
            start(Intent(MainActivity.SHOW_TASKS))
            screen.find("tasks")
            screen.touch("tab-COUNTER")
            screen.find("query")
            checkNotNull(controller).newIntent(Intent(MainActivity.SHOW_TASKS))
            screen.find("tasks")
        } finally {
            hub.close()
        }
    }

    @Test
    fun `recording-by-share`() {
        val hub = TestHub(TestClock().today).apply { serve() }
        try {
            app.pair(hub)
            start()
            screen.find("query")
            val file = Uri.parse("content://recorder/1")
            shadowOf(app.contentResolver).registerInputStream(file, ByteArray(10).inputStream())
            ShadowContentResolver.registerProviderInternal("recorder", TestDocuments())
            checkNotNull(controller).newIntent(Intent(Intent.ACTION_SEND).setType("audio/mp4").putExtra(Intent.EXTRA_STREAM, file))
            screen.find("tasks")
            val recorder = checkNotNull(controller).get().device.recorder
            val shared = runBlocking { recorder.files() }.single()
            assertEquals("audio/mp4", shared.mediaType)
            assertEquals(10, recorder.open(shared)?.readBytes()?.size)
        } finally {
            hub.close()
        }
    }

    @Test
    fun `a file of the phone itself is not taken from another app`() {
        val inside = Intent(Intent.ACTION_SEND).setType("audio/mp4").putExtra(Intent.EXTRA_STREAM, Uri.parse("file:///data/phone.key"))
        assertNull(MainActivity.openedBy(inside))
    }

    @Test
    fun `only a pairing link is one`() {
        assertNull(MainActivity.openedBy(Intent(Intent.ACTION_MAIN)))
        assertNull(MainActivity.openedBy(Intent(Intent.ACTION_VIEW, Uri.parse("https://pair/YB1-x"))))
        assertNull(MainActivity.openedBy(Intent(Intent.ACTION_VIEW, Uri.parse("yaoban://other/YB1-x"))))
        assertEquals(cn.yaoban.ui.Opened.Tasks, MainActivity.openedBy(Intent(MainActivity.SHOW_TASKS)))
    }

    @Test
    fun `a Keystore that does not answer is tried again, one that lost its key begins anew`() {
        runBlocking {
            app.phone.core()
            app.phone.close()
        }
        FakeAndroidKeyStore.broken = true
        start()
        screen.see("key_unavailable")
        FakeAndroidKeyStore.broken = false
        screen.touchText("重试")
        screen.find("code")
        leave()

        FakeAndroidKeyStore.keys.clear()
        start()
        screen.see("密钥已失效")
        screen.touchText("重新开始")
        screen.find("code")
        val status = runBlocking { app.phone.core().call { status() } }
        assertFalse(status.paired)
        assertTrue("what another key made is set aside", status.setAside != null)
    }

    @Test
    fun `the end of a pairing destroys the key and shows the first screen`() {
        val hub = TestHub(TestClock().today).apply { serve() }
        try {
            app.pair(hub)
            start()
            screen.find("tab-TASKS")
            val key = File(app.noBackupFilesDir, "phone.key").readBytes().toList()
            BiometricSeal().make()
            runBlocking { app.phone.core().call { unpair(lose = true) } }
            screen.runOnUiThread { checkNotNull(controller).get().run { lifecycleScope.launch { device.unpaired() } } }
            screen.find("code")
            assertNotEquals(key, File(app.noBackupFilesDir, "phone.key").readBytes().toList())
            assertEquals("nor is anybody recognised", setOf("yaoban.database"), FakeAndroidKeyStore.keys.keys)
            assertFalse(runBlocking { app.phone.core().call { status() } }.paired)
        } finally {
            hub.close()
        }
    }
}
