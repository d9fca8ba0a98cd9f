package cn.yaoban.app

import android.Manifest
import android.app.Activity
import android.app.Application
import android.content.ClipboardManager
import android.content.ComponentName
import android.content.Intent
import android.content.IntentFilter
import android.content.pm.PackageManager
import android.net.Uri
import android.provider.DocumentsContract
import android.telephony.SmsManager
import androidx.activity.ComponentActivity
import androidx.core.content.IntentCompat
import androidx.test.core.app.ApplicationProvider
import cn.yaoban.core.Told
import cn.yaoban.core.bridge.Secret
import cn.yaoban.ui.Handed
import cn.yaoban.ui.ShareTarget
import com.journeyapps.barcodescanner.CaptureActivity
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.runBlocking
import org.junit.After
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.annotation.Implementation
import org.robolectric.annotation.Implements
import org.robolectric.shadows.ShadowApplication
import org.robolectric.shadows.ShadowContentResolver
import org.robolectric.shadows.ShadowSmsManager

/** What the screens ask of the device, each as the intent that it becomes. */
@RunWith(RobolectricTestRunner::class)
@Config(application = Application::class)
class DevicePlatformTest {
    private val app = ApplicationProvider.getApplicationContext<Application>()
    private val shadow: ShadowApplication = shadowOf(app)
    private val controller = Robolectric.buildActivity(ComponentActivity::class.java).create()
    private val activity = controller.get()
    private val device = DevicePlatform(activity, onUnpaired = {})
    private val number = Secret("15400000001")

    @Before
    fun open() {
        controller.start().resume()
    }

    @After
    fun close() {
        controller.pause().stop().destroy()
    }

    private val scope = CoroutineScope(Dispatchers.Unconfined)

    private fun refuse(name: String) {
        val asked = shadowOf(activity).lastRequestedPermission
        assertEquals(listOf(name), asked.requestedPermissions.toList())
        activity.onRequestPermissionsResult(asked.requestCode, asked.requestedPermissions, intArrayOf(-1))
    }

    @Test
    fun `with the permission a call is placed`() = runBlocking {
        shadow.grantPermissions(Manifest.permission.CALL_PHONE)
        assertEquals(Handed.DONE, device.dial(number))
        val intent = shadow.nextStartedActivity
        assertEquals(Intent.ACTION_CALL to "tel:15400000001", intent.action to intent.dataString)
    }

    @Test
    fun `without it the dialler opens, and nobody is asked a second time`() = runBlocking {
        val first = scope.async { device.dial(number) }
        refuse(Manifest.permission.CALL_PHONE)
        assertEquals(Handed.OPENED, first.await())
        assertEquals(Intent.ACTION_DIAL, shadow.nextStartedActivity.action)
        assertEquals(Handed.OPENED, device.dial(number))
        val intent = shadow.nextStartedActivity
        assertEquals(Intent.ACTION_DIAL to "tel:15400000001", intent.action to intent.dataString)
    }

    @Test
    fun `a tablet without a telephone says that nothing takes the number`() = runBlocking {
        shadow.grantPermissions(Manifest.permission.CALL_PHONE)
        shadow.checkActivities(true)
        assertEquals(Handed.NOT_POSSIBLE, device.dial(number))
        assertEquals(Handed.NOT_POSSIBLE, device.sms(number, "您好", "key"))
        assertNull("there is nothing to send with", device.smsSender)
    }

    @Test
    fun `a text goes to the SMS app`() = runBlocking {
        assertEquals(Handed.OPENED, device.sms(number, "您好，到店取药", "key"))
        val intent = shadow.nextStartedActivity
        assertEquals(Intent.ACTION_SENDTO, intent.action)
        assertEquals("smsto", intent.data?.scheme)
        assertEquals("15400000001", intent.data?.schemeSpecificPart)
        assertEquals("您好，到店取药", intent.getStringExtra("sms_body"))
    }

    /** Robolectric cannot tell how long a text may be. */
    @Implements(SmsManager::class)
    class Texts : ShadowSmsManager() {
        @Implementation
        @Suppress("unused") // Robolectric calls it
        fun divideMessage(text: String) = arrayListOf(text)
    }

    @Test
    @Config(shadows = [Texts::class])
    fun `with the permission, and only if it is wished, a text is sent with reports`() = runBlocking {
        shadowOf(app.packageManager).setSystemFeature(PackageManager.FEATURE_TELEPHONY, true)
        val sender = checkNotNull(device.smsSender)
        val refused = scope.async { sender.turn(true) }
        refuse(Manifest.permission.SEND_SMS)
        refused.await()
        assertFalse(sender.on)

        shadow.grantPermissions(Manifest.permission.SEND_SMS)
        assertFalse("the permission alone is no wish", sender.on)
        val wished = scope.async { sender.turn(true) }
        val asked = shadowOf(activity).lastRequestedPermission
        activity.onRequestPermissionsResult(asked.requestCode, asked.requestedPermissions, intArrayOf(0))
        wished.await()
        assertEquals(Handed.DONE, device.sms(number, "您好，到店取药", "key-1"))
        val sent = shadowOf(activity.getSystemService(SmsManager::class.java)).lastSentMultipartTextMessageParams
        assertEquals("15400000001" to listOf("您好，到店取药"), sent.destinationAddress to sent.parts)
        val report = shadowOf(sent.deliveryIntents.last()).savedIntent
        assertEquals(SmsReports::class.java.name to "key-1", report.component?.className to report.data?.schemeSpecificPart)
        assertEquals(Told.Delivered, SmsReports.toldBy(report, Activity.RESULT_OK))
        val left = shadowOf(sent.sentIntents.last()).savedIntent
        assertNull(SmsReports.toldBy(left, Activity.RESULT_OK))
        assertEquals(Told.Failed("network"), SmsReports.toldBy(left, SmsManager.RESULT_ERROR_NO_SERVICE))
        sender.turn(false)
        assertEquals(Handed.OPENED, device.sms(number, "您好", "key-2"))
    }

    @Test
    fun `recorder-folder`() = runBlocking {
        ShadowContentResolver.registerProviderInternal("recorder", TestDocuments())
        val recorder = device.recorder
        assertNull(recorder.folder())
        assertTrue(recorder.files().isEmpty())
        val choice = scope.async { recorder.chooseFolder() }
        val asked = shadowOf(activity).nextStartedActivityForResult
        assertEquals(Intent.ACTION_OPEN_DOCUMENT_TREE, asked.intent.action)
        val tree = DocumentsContract.buildTreeDocumentUri("recorder", "calls")
        shadowOf(activity).receiveResult(asked.intent, Activity.RESULT_OK, Intent().setData(tree))
        assertTrue(choice.await())
        assertEquals("call_rec", recorder.folder())
        // Sound alone, the newest first.
        assertEquals(listOf("audio/mp4", "audio/amr"), recorder.files().map { it.mediaType })

        app.contentResolver.releasePersistableUriPermission(tree, Intent.FLAG_GRANT_READ_URI_PERMISSION)
        assertNull("what may not be read is asked for anew", recorder.folder())
    }

    @Test
    fun `a file is shared so that the chosen app alone can read it`() = runBlocking {
        assertTrue(device.shareFile("bundle.bin", "application/octet-stream", byteArrayOf(1, 2, 3)))
        val chooser = shadow.nextStartedActivity
        assertEquals(Intent.ACTION_CHOOSER, chooser.action)
        val send = checkNotNull(IntentCompat.getParcelableExtra(chooser, Intent.EXTRA_INTENT, Intent::class.java))
        val file = checkNotNull(IntentCompat.getParcelableExtra(send, Intent.EXTRA_STREAM, Uri::class.java))
        assertEquals("content" to "${app.packageName}.files", file.scheme to file.authority)
        assertTrue(send.flags and Intent.FLAG_GRANT_READ_URI_PERMISSION != 0)
        assertArrayEquals(byteArrayOf(1, 2, 3), app.contentResolver.openInputStream(file)?.readBytes())
    }

    @Test
    fun `every licence is named`() {
        val lines = device.licences()
        assertTrue(lines.size > 100 && lines.all { it.substringAfter(" · ", "").isNotBlank() })
        for (name in listOf("SQLCipher", "rusqlite", "androidx.compose.ui")) assertTrue(name, lines.any { it.startsWith(name) })
    }

    @Test
    fun `wechat-missing`() = runBlocking {
        shadow.checkActivities(true)
        assertFalse(device.share(ShareTarget.WECHAT, "您好"))
        assertFalse(device.share(ShareTarget.WECOM, "您好"))
        assertNull(shadow.nextStartedActivity)

        val share = ComponentName("com.tencent.mm", "com.tencent.mm.Share")
        shadowOf(app.packageManager).addActivityIfNotPresent(share)
        val filter = IntentFilter(Intent.ACTION_SEND, "text/plain").apply { addCategory(Intent.CATEGORY_DEFAULT) }
        shadowOf(app.packageManager).addIntentFilterForActivity(share, filter)
        assertTrue(device.share(ShareTarget.WECHAT, "您好"))
        val intent = shadow.nextStartedActivity
        assertEquals("com.tencent.mm" to "您好", intent.`package` to intent.getStringExtra(Intent.EXTRA_TEXT))
    }

    @Test
    fun `what is copied does not show in the system's preview`() {
        device.copy("您好，到店取药")
        val clip = app.getSystemService(ClipboardManager::class.java).primaryClip
        assertEquals("您好，到店取药", clip?.getItemAt(0)?.text)
        assertTrue(clip?.description?.extras?.getBoolean("android.content.extra.IS_SENSITIVE") == true)
    }

    @Test
    fun `the scanner gives its code, nothing when it was left, and without a camera it does not open`() = runBlocking {
        assertFalse(device.camera)
        assertNull(device.scanCode())
        shadowOf(app.packageManager).setSystemFeature(PackageManager.FEATURE_CAMERA_ANY, true)
        val scan = scope.async { device.scanCode() }
        val asked = shadowOf(activity).nextStartedActivityForResult
        assertEquals(CaptureActivity::class.java.name, asked.intent.component?.className)
        shadowOf(activity).receiveResult(asked.intent, Activity.RESULT_OK, Intent().putExtra("SCAN_RESULT", "YB1-abc"))
        assertEquals("YB1-abc", scan.await())

        val left = scope.async { device.scanCode() }
        shadowOf(activity).receiveResult(shadowOf(activity).nextStartedActivityForResult.intent, Activity.RESULT_CANCELED, Intent())
        assertNull(left.await())
    }
}
