package cn.yaoban.ui

import androidx.compose.runtime.Composable
import cn.yaoban.core.bridge.Secret

/**
 * What a screen asks of the device. It decides nothing: the core has already said that a contact may be
 * made. Called on the main thread.
 */
interface Platform {
    /** How the hub names this phone, for example its model. */
    val deviceName: String

    /** Calls a number, asking for what permission that takes. */
    suspend fun dial(number: Secret): Handed

    /** Gives a text to the SMS app, or sends it where that is permitted. */
    suspend fun sms(
        numbers: List<Secret>,
        text: String,
    ): Handed

    /** Shares a text; false: the app is not installed. */
    suspend fun share(
        target: ShareTarget,
        text: String,
    ): Boolean

    /** Puts a text on the clipboard. */
    fun copy(text: String)

    /** The text of a scanned code; none: nothing was scanned, or this device cannot. */
    suspend fun scanCode(): String?

    /** Whether the device recognises its user by fingerprint or face. */
    val biometrics: Boolean get() = false

    /** Asks for the finger or face; true: recognised. */
    suspend fun recognise(reason: String): Boolean = false

    /** While it is shown and [enabled], the device's back gesture or key does [action]. */
    @Composable
    fun OnBack(
        enabled: Boolean,
        action: () -> Unit,
    ) = Unit

    /** The pairing has ended and the data are gone: destroys the key and begins anew. */
    suspend fun unpaired()
}

/** What became of a number that was given to the device. */
enum class Handed {
    /** The call was placed, or the text was sent. */
    DONE,

    /** The dialler or SMS app is open; the clerk does the rest there. */
    OPENED,

    /** Nothing on this device takes it. */
    NOT_POSSIBLE,
}

/** Where a text can be shared. */
enum class ShareTarget {
    /** 微信 */
    WECHAT,

    /** 企业微信 */
    WECOM,
}
