package cn.yaoban.app

import android.app.Application
import android.content.ComponentName
import android.content.pm.PackageInfo
import android.content.pm.Signature
import androidx.test.core.app.ApplicationProvider
import cn.yaoban.app.wxapi.WXEntryActivity
import com.tencent.mm.opensdk.modelmsg.SendMessageToWX
import com.tencent.mm.opensdk.modelmsg.WXTextObject
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config

/** What WeChat's own SDK makes of a text; WeChat itself is a name in the system here. */
@RunWith(RobolectricTestRunner::class)
@Config(application = Application::class)
class WeChatTest {
    private val app = ApplicationProvider.getApplicationContext<Application>()
    private val shadow = shadowOf(app)

    private fun install() {
        val entry = ComponentName("com.tencent.mm", "com.tencent.mm.plugin.base.stub.WXEntryActivity")
        shadowOf(app.packageManager).addActivityIfNotPresent(entry)
    }

    @Test
    fun `a text opens WeChat's list of chats`() {
        install()
        assertTrue(WeChat(app, ID, checksSignature = false).share("您的药快用完了"))
        val intent = shadow.nextStartedActivity
        assertEquals("com.tencent.mm", intent.component?.packageName)
        val request = SendMessageToWX.Req(checkNotNull(intent.extras))
        assertEquals("您的药快用完了", (request.message.mediaObject as WXTextObject).text)
        assertEquals(SendMessageToWX.Req.WXSceneSession, request.scene)
    }

    @Test
    fun `without WeChat, with another under its name, and for a chain that is not registered there nothing opens`() {
        assertFalse(WeChat(app, ID).share("您好"))
        val signed = PackageInfo().apply { packageName = "com.tencent.mm" }
        @Suppress("DEPRECATION") // What WeChat's SDK looks at.
        signed.signatures = arrayOf(Signature(byteArrayOf(1)))
        shadowOf(app.packageManager).installPackage(signed)
        install()
        assertFalse(WeChat(app, ID).share("您好"))
        assertFalse(WeChat(app, "", checksSignature = false).share("您好"))
        assertNull(shadow.nextStartedActivity)
    }

    @Test
    fun `where WeChat comes back to ends at once`() {
        val back = Robolectric.buildActivity(WXEntryActivity::class.java).create().get()
        assertTrue(back.isFinishing)
    }

    private companion object {
        const val ID = "wx0123456789abcdef"
    }
}
