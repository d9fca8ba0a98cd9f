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
import androidx.core.content.edit
import cn.yaoban.core.bridge.Secret
import cn.yaoban.ui.Handed
import cn.yaoban.ui.Platform
import cn.yaoban.ui.ShareTarget
import com.journeyapps.barcodescanner.ScanContract
import com.journeyapps.barcodescanner.ScanOptions
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock

/** The device as the screens see it. Made while its activity is created. [onUnpaired]: what follows on the end of a pairing. */
class DevicePlatform(
    private val activity: ComponentActivity,
    private val onUnpaired: suspend () -> Unit,
) : Platform {
    private val biometric = Biometric(activity)
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
        numbers: List<Secret>,
        text: String,
    ): Handed {
        // Samsung's app takes a comma between numbers, everybody else's a semicolon.
        val separator = if (Build.MANUFACTURER.equals("samsung", ignoreCase = true)) "," else ";"
        val uri = Uri.fromParts("smsto", numbers.joinToString(separator) { it.reveal() }, null)
        return opened(Intent(Intent.ACTION_SENDTO, uri).putExtra("sms_body", text))
    }

    override suspend fun share(
        target: ShareTarget,
        text: String,
    ): Boolean {
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

    override suspend fun scanCode(): String? {
        if (!activity.packageManager.hasSystemFeature(PackageManager.FEATURE_CAMERA_ANY)) return null
        val answer = CompletableDeferred<String?>().also { scan = it }
        scanAsk.launch(ScanOptions().setPrompt("").setBeepEnabled(false).setOrientationLocked(false))
        return answer.await()
    }

    override val biometrics: Boolean get() = biometric.ready

    override suspend fun recognise(reason: String): Boolean = biometric.recognise(reason)

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
    private suspend fun allowed(name: String): Boolean =
        asking.withLock {
            if (activity.checkSelfPermission(name) == PackageManager.PERMISSION_GRANTED) return true
            val asked = activity.getSharedPreferences("device", Context.MODE_PRIVATE)
            if (asked.getBoolean(name, false)) return false
            val answer = CompletableDeferred<Boolean>().also { permission = it }
            permissionAsk.launch(name)
            answer.await().also { asked.edit { putBoolean(name, true) } }
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
        const val IS_SENSITIVE = "android.content.extra.IS_SENSITIVE"
    }
}
