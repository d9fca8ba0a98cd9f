package cn.yaoban.ui

import androidx.compose.runtime.Composable
import cn.yaoban.core.RecorderFile
import cn.yaoban.core.RecordingPlayer
import cn.yaoban.core.bridge.Secret
import java.io.InputStream

/**
 * What a screen asks of the device. It decides nothing: the core has already said that a contact may be
 * made. Called on the main thread.
 */
interface Platform {
    /** How the hub names this phone, for example its model. */
    val deviceName: String

    /** Calls a number, asking for what permission that takes. */
    suspend fun dial(number: Secret): Handed

    /**
     * Gives a text to the SMS app, or sends it where that is wished and permitted ([smsSender]): then the network's
     * reports are told to the core under [key].
     */
    suspend fun sms(
        number: Secret,
        text: String,
        key: String,
    ): Handed

    /** Sending texts without the SMS app; none: this device cannot. */
    val smsSender: SmsSender? get() = null

    /** Whether there is a camera to scan with. */
    val camera: Boolean get() = true

    /** Shares a text; false: the app is not installed. */
    suspend fun share(
        target: ShareTarget,
        text: String,
    ): Boolean

    /** Puts a text on the clipboard. */
    fun copy(text: String)

    /** The text of a scanned code; none: nothing was scanned, or this device cannot. */
    suspend fun scanCode(): String?

    /** Gives a file to an app of the user's choice; false: there is none. */
    suspend fun shareFile(
        name: String,
        mediaType: String,
        bytes: ByteArray,
    ): Boolean = false

    /** The device's own call recorder; none: its files cannot be had here. */
    val recorder: Recorder? get() = null

    /** Plays a recording to its end, or until it is cancelled; false: the device cannot. */
    suspend fun play(recording: RecordingPlayer): Boolean = false

    /** Whose work is in the app, and under which licence: a line each. */
    fun licences(): List<String> = emptyList()

    /** Finger and face in the place of a PIN; none: this device cannot. */
    val biometrics: Biometrics? get() = null

    /** While it is shown and [enabled], the device's back gesture or key does [action]. */
    @Composable
    fun OnBack(
        enabled: Boolean,
        action: () -> Unit,
    ) = Unit

    /** The pairing has ended and the data are gone: destroys the key and begins anew. */
    suspend fun unpaired()
}

/** The device recognises who uses it. */
interface Biometrics {
    /** Whether it can: by the fingers and faces that it knew when a PIN was typed. */
    suspend fun ready(): Boolean

    /** A PIN was typed: whose finger and face the device knows now may take its place. */
    suspend fun trust()

    /** Asks for the finger or face; true: recognised. */
    suspend fun recognise(reason: String): Boolean
}

/** Texts that go out without the SMS app. */
interface SmsSender {
    /** Whether they do: the clerk wished it, and it is permitted. */
    val on: Boolean

    /** Sets that, asking for the permission that it takes. */
    suspend fun turn(on: Boolean)
}

/**
 * The device's own call recorder. Android lets no app record calls; the maker's dialler does, into a folder that the
 * user names once.
 */
interface Recorder {
    /** The folder that was chosen; none: there is none yet, or it cannot be read any more. */
    suspend fun folder(): String?

    /** Asks for the folder; false: none was chosen. */
    suspend fun chooseFolder(): Boolean

    /** The newest recordings in it and those that were shared with the app, newest first. */
    suspend fun files(): List<RecorderFile>

    /** The bytes of one, closed by the caller; none: it cannot be read any more. */
    fun open(file: RecorderFile): InputStream?
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
