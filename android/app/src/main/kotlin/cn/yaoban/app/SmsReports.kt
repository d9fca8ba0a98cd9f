package cn.yaoban.app

import android.app.Activity
import android.app.PendingIntent
import android.content.BroadcastReceiver
import android.content.Context
import android.content.Intent
import android.net.Uri
import android.os.Build
import android.telephony.SmsManager
import android.telephony.SmsMessage
import cn.yaoban.core.ClerkException
import cn.yaoban.core.Told
import cn.yaoban.core.bridge.Secret
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.launch

/** Hears what became of texts that the app sent itself: also after the app was closed. */
class SmsReports : BroadcastReceiver() {
    override fun onReceive(
        context: Context,
        intent: Intent,
    ) {
        val key = intent.data?.schemeSpecificPart ?: return
        val told = toldBy(intent, resultCode) ?: return
        val done = goAsync()
        CoroutineScope(Dispatchers.Default).launch {
            try {
                context.phone.core().call { messageTold(key, told) }
            } catch (_: ClerkException) {
                // Behind the lock nobody may write: the message stays as sent.
            } finally {
                done.finish()
            }
        }
    }

    companion object {
        private const val SENT = "cn.yaoban.app.SMS_SENT"
        private const val DELIVERED = "cn.yaoban.app.SMS_DELIVERED"
        private const val FAILED_FROM = 64 // TP-Status of 3GPP TS 23.040: below it waits or has arrived

        /** Sends a text; what becomes of it is told to the core under [key]. False: this device has no way to. */
        fun send(
            context: Context,
            number: Secret,
            text: String,
            key: String,
        ): Boolean {
            val manager = manager(context)
            val parts =
                try {
                    manager.divideMessage(text)
                } catch (_: UnsupportedOperationException) {
                    return false
                }
            val sent = ArrayList(parts.map { report(context, SENT, key) })
            // The last part arrives last.
            val delivered = ArrayList(parts.indices.map { if (it == parts.lastIndex) report(context, DELIVERED, key) else null })
            manager.sendMultipartTextMessage(number.reveal(), null, parts, sent, delivered)
            return true
        }

        @Suppress("DEPRECATION") // the way before Android 12
        private fun manager(context: Context): SmsManager {
            val known = Build.VERSION.SDK_INT >= Build.VERSION_CODES.S
            return if (known) context.getSystemService(SmsManager::class.java) else SmsManager.getDefault()
        }

        private val notTaken = Told.Failed("network")

        /** What a report says; none: nothing new. */
        internal fun toldBy(
            intent: Intent,
            resultCode: Int,
        ): Told? {
            if (intent.action == SENT) return notTaken.takeIf { resultCode != Activity.RESULT_OK }
            val status = intent.getByteArrayExtra("pdu")?.let { SmsMessage.createFromPdu(it, intent.getStringExtra("format")) }?.status ?: 0
            return when (status) {
                0 -> Told.Delivered
                in FAILED_FROM..Int.MAX_VALUE -> notTaken
                else -> null
            }
        }

        /** The system fills the report in, so it is mutable; it names its receiver. */
        private fun report(
            context: Context,
            action: String,
            key: String,
        ): PendingIntent {
            val intent = Intent(action, Uri.fromParts("sms-key", key, null), context, SmsReports::class.java)
            return PendingIntent.getBroadcast(context, 0, intent, PendingIntent.FLAG_UPDATE_CURRENT or mutable)
        }

        private val mutable = if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.S) PendingIntent.FLAG_MUTABLE else 0
    }
}
