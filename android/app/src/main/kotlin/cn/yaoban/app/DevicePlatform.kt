package cn.yaoban.app

import android.Manifest
import android.content.ActivityNotFoundException
import android.content.ClipData
import android.content.ClipDescription
import android.content.ClipboardManager
import android.content.Context
import android.content.Intent
import android.content.pm.PackageManager
import android.net.Uri
import android.os.Build
import android.os.PersistableBundle
import androidx.activity.ComponentActivity
import androidx.activity.compose.BackHandler
import androidx.activity.result.contract.ActivityResultContracts.RequestPermission
import androidx.compose.runtime.Composable
import androidx.core.content.FileProvider
import androidx.core.content.edit
import cn.yaoban.core.RecordingPlayer
import cn.yaoban.core.bridge.Secret
import cn.yaoban.ui.Handed
import cn.yaoban.ui.Platform
import cn.yaoban.ui.ShareTarget
import cn.yaoban.ui.SmsSender
import com.journeyapps.barcodescanner.ScanContract
import com.journeyapps.barcodescanner.ScanOptions
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock
import kotlinx.coroutines.withContext
import java.io.File

/** The device as the screens see it. Made while its activity is created. [onUnpaired]: what follows on the end of a pairing. */
class DevicePlatform(
    private val activity: ComponentActivity,
    private val onUnpaired: suspend () -> Unit,
) : Platform {
    private val settings = activity.getSharedPreferences("device", Context.MODE_PRIVATE)
    private val wechat by lazy { WeChat(activity.applicationContext, activity.getString(R.string.wechat_app_id)) }
    private val asking = Mutex() // the system shows one question at a time
    private var permission: CompletableDeferred<Boolean>? = null
    private var scan: CompletableDeferred<String?>? = null
    private val permissionAsk = activity.registerForActivityResult(RequestPermission()) { permission?.complete(it) }
    private val scanAsk = activity.registerForActivityResult(ScanContract()) { scan?.complete(it.contents) }

    override val deviceName: String
        get() = listOf(Build.MANUFACTURER, Build.MODEL).distinct().joinToString(" ").trim()

    override suspend fun dial(number: Secret): Handed {
        val uri = Uri.fromParts("tel", number.reveal(), null)
        if (allowed(Manifest.permission.CALL_PHONE) && started(Intent(Intent.ACTION_CALL, uri))) return Handed.DONE
        return opened(Intent(Intent.ACTION_DIAL, uri))
    }

    override suspend fun sms(
        number: Secret,
        text: String,
        key: String,
    ): Handed {
        if (smsSender?.on == true && SmsReports.send(activity, number, text, key)) return Handed.DONE
        val uri = Uri.fromParts("smsto", number.reveal(), null)
        return opened(Intent(Intent.ACTION_SENDTO, uri).putExtra("sms_body", text))
    }

    override val smsSender: SmsSender?
        get() = Sender().takeIf { activity.packageManager.hasSystemFeature(PackageManager.FEATURE_TELEPHONY) }

    private inner class Sender : SmsSender {
        override val on get() = settings.getBoolean(SENDS_ITSELF, false) && granted(Manifest.permission.SEND_SMS)

        override suspend fun turn(on: Boolean) {
            val may = on && ask(Manifest.permission.SEND_SMS)
            settings.edit { putBoolean(SENDS_ITSELF, may) }
        }
    }

    override suspend fun share(
        target: ShareTarget,
        text: String,
    ): Boolean {
        if (target == ShareTarget.WECHAT && wechat.share(text)) return true
        val app =
            when (target) {
                ShareTarget.WECHAT -> "com.tencent.mm"
                ShareTarget.WECOM -> "com.tencent.wework"
            }
        return started(Intent(Intent.ACTION_SEND).setType("text/plain").setPackage(app).putExtra(Intent.EXTRA_TEXT, text))
    }

    override fun copy(text: String) {
        val clip = ClipData.newPlainText("", text)
        // Since Android 13 the system shows what was copied, unless it is told not to.
        val sensitive = if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.TIRAMISU) ClipDescription.EXTRA_IS_SENSITIVE else IS_SENSITIVE
        clip.description.extras = PersistableBundle().apply { putBoolean(sensitive, true) }
        activity.getSystemService(ClipboardManager::class.java).setPrimaryClip(clip)
    }

    override val camera: Boolean get() = activity.packageManager.hasSystemFeature(PackageManager.FEATURE_CAMERA_ANY)

    override suspend fun shareFile(
        name: String,
        mediaType: String,
        bytes: ByteArray,
    ): Boolean {
        val file = File(activity.cacheDir, "shared/$name")
        withContext(Dispatchers.IO) {
            file.parentFile?.mkdirs()
            file.writeBytes(bytes)
        }
        val uri = FileProvider.getUriForFile(activity, "${activity.packageName}.files", file)
        val send =
            Intent(Intent.ACTION_SEND)
                .setType(mediaType)
                .putExtra(Intent.EXTRA_STREAM, uri)
                .addFlags(Intent.FLAG_GRANT_READ_URI_PERMISSION)
        send.clipData = ClipData.newRawUri(null, uri)
        return started(Intent.createChooser(send, null))
    }

    override val recorder = FolderRecorder(activity)

    override suspend fun play(recording: RecordingPlayer): Boolean = Sound.play(recording)

    override fun licences(): List<String> = activity.resources.openRawResource(R.raw.licences).bufferedReader().readLines()

    override suspend fun scanCode(): String? {
        if (!camera) return null
        val answer = CompletableDeferred<String?>().also { scan = it }
        scanAsk.launch(ScanOptions().setPrompt("").setBeepEnabled(false).setOrientationLocked(false))
        return answer.await()
    }

    override val biometrics = Biometric(activity)

    @Composable
    override fun OnBack(
        enabled: Boolean,
        action: () -> Unit,
    ) = BackHandler(enabled, action)

    override suspend fun unpaired() = onUnpaired()

    /** Asks to be allowed to tell of due tasks, once. */
    suspend fun askForNotifications() {
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.TIRAMISU) allowed(Manifest.permission.POST_NOTIFICATIONS)
    }

    /** Whether a permission is given; the user is asked once and not at every call. */
    private suspend fun allowed(name: String): Boolean {
        if (granted(name)) return true
        if (settings.getBoolean(name, false)) return false
        return ask(name).also { settings.edit { putBoolean(name, true) } }
    }

    private fun granted(name: String) = activity.checkSelfPermission(name) == PackageManager.PERMISSION_GRANTED

    private suspend fun ask(name: String): Boolean =
        asking.withLock {
            val answer = CompletableDeferred<Boolean>().also { permission = it }
            permissionAsk.launch(name)
            answer.await()
        }

    private fun opened(intent: Intent) = if (started(intent)) Handed.OPENED else Handed.NOT_POSSIBLE

    private fun started(intent: Intent): Boolean =
        try {
            activity.startActivity(intent)
            true
        } catch (_: ActivityNotFoundException) {
            false
        } catch (_: SecurityException) {
            // Some makers guard their SMS app, or take a permission back between two calls.
            false
        }

    private companion object {
        const val SENDS_ITSELF = "sends_itself"
        const val IS_SENSITIVE = "android.content.extra.IS_SENSITIVE"
    }
}
