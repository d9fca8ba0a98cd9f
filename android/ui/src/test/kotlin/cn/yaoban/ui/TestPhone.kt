package cn.yaoban.ui

import androidx.compose.ui.geometry.Size
import androidx.compose.ui.semantics.SemanticsProperties
import androidx.compose.ui.semantics.getOrNull
import androidx.compose.ui.test.ComposeUiTest
import androidx.compose.ui.test.ExperimentalTestApi
import androidx.compose.ui.test.SemanticsNodeInteraction
import androidx.compose.ui.test.hasAnyAncestor
import androidx.compose.ui.test.hasClickAction
import androidx.compose.ui.test.hasText
import androidx.compose.ui.test.isDialog
import androidx.compose.ui.test.onAllNodesWithTag
import androidx.compose.ui.test.onAllNodesWithText
import androidx.compose.ui.test.onFirst
import androidx.compose.ui.test.onNodeWithContentDescription
import androidx.compose.ui.test.onNodeWithTag
import androidx.compose.ui.test.onNodeWithText
import androidx.compose.ui.test.performClick
import androidx.compose.ui.test.performScrollTo
import androidx.compose.ui.test.performTouchInput
import androidx.compose.ui.test.swipeRight
import androidx.compose.ui.test.v2.runSkikoComposeUiTest
import androidx.compose.ui.unit.Density
import cn.yaoban.core.RecorderFile
import cn.yaoban.core.RecordingPlayer
import cn.yaoban.core.bridge.ClerkCore
import cn.yaoban.core.bridge.Secret
import cn.yaoban.core.bridge.TestClock
import cn.yaoban.core.bridge.TestHub
import cn.yaoban.core.bridge.TestVault
import cn.yaoban.core.bridge.pairAndCutShort
import cn.yaoban.phone.PropertyTexts
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.io.InputStream
import kotlin.math.roundToInt

/** A device that remembers what it was asked. */
internal class TestDevice : Platform {
    override val deviceName = "test"
    val dialled = mutableListOf<String>()
    val sent = mutableListOf<Pair<String, String>>()
    val shared = mutableListOf<Pair<ShareTarget, String>>()
    var dials = Handed.OPENED
    val files = mutableListOf<ByteArray>()
    val played = mutableListOf<ByteArray>()
    var scanned: String? = null
    var unpaired = 0
    override var camera = true
    override val recorder = TestRecorder()
    override var smsSender: SmsSender? = null
    override val biometrics = TestBiometrics()

    /** The phone may send texts by itself, or could. */
    fun sends(itself: Boolean) {
        smsSender =
            object : SmsSender {
                override val on = itself

                override suspend fun turn(on: Boolean) = Unit
            }
    }

    override fun licences() = listOf("rusqlite 0.41.1 · MIT")

    override suspend fun play(recording: RecordingPlayer): Boolean {
        played += recording.readAt(0uL, recording.bytes().toUInt())
        return true
    }

    override suspend fun shareFile(
        name: String,
        mediaType: String,
        bytes: ByteArray,
    ): Boolean {
        files += bytes
        return true
    }

    override suspend fun dial(number: Secret): Handed {
        dialled += number.reveal()
        return dials
    }

    override suspend fun sms(
        number: Secret,
        text: String,
        key: String,
    ): Handed {
        sent += number.reveal() to text
        return if (smsSender?.on == true) Handed.DONE else Handed.OPENED
    }

    override suspend fun share(
        target: ShareTarget,
        text: String,
    ): Boolean {
        shared += target to text
        return true
    }

    override fun copy(text: String) = Unit

    override suspend fun scanCode(): String? = scanned

    override suspend fun unpaired() {
        unpaired += 1
    }
}

/** The sensor of a device that knows somebody. */
internal class TestBiometrics : Biometrics {
    /** How often a PIN was typed. */
    var trusted = 0

    /** Whether the finger on the sensor is one of those. */
    var knowsUser = false

    override suspend fun ready() = trusted > 0

    override suspend fun trust() {
        trusted++
    }

    override suspend fun recognise(reason: String) = ready() && knowsUser
}

/** The recorder of a device whose folder is still to be chosen. */
internal class TestRecorder : Recorder {
    val written = mutableListOf<ByteArray>()

    /** When the files were written; none: long before. */
    var writtenAtMs = 0L
    private var chosen = false

    /** A folder on a slow card: it is read once this is complete. */
    var read = CompletableDeferred(Unit)

    override suspend fun folder(): String? {
        read.await()
        return if (chosen) "call_rec" else null
    }

    override suspend fun chooseFolder(): Boolean {
        chosen = true
        return true
    }

    override suspend fun files(): List<RecorderFile> =
        if (chosen) {
            written.mapIndexed { at, bytes -> RecorderFile("$at", "录音$at.m4a", writtenAtMs + at, bytes.size.toULong(), "audio/mp4") }
        } else {
            emptyList()
        }

    override fun open(file: RecorderFile): InputStream? = written.getOrNull(file.id.toInt())?.inputStream()
}

/** A phone with the real core; paired, loaded and signed in unless it is new. */
internal class TestPhone(
    private val home: File,
    private val hub: TestHub,
    val clock: TestClock = TestClock(),
) : AutoCloseable {
    val device = TestDevice()
    var core: ClerkCore = open()
        private set

    private fun open() = runBlocking { ClerkCore.open(home, TestVault(), clock) }

    fun pair(staffId: String? = "C1"): TestPhone {
        runBlocking {
            core.call { pair(hub.pairingCode(), "test") }
            core.sync()
            if (staffId != null) core.call { switchStaff(staffId, null) }
        }
        return this
    }

    /** Paired; the first load was cut short. */
    fun pairAndCutShort(): TestPhone {
        runBlocking { core.pairAndCutShort(hub) }
        return this
    }

    /** The app is killed and started again. */
    fun restart() {
        close()
        core = open()
    }

    override fun close() = runBlocking { core.close() }
}

/** A test with a hub of its own: what one did, another does not see. It makes the phone that it needs. */
abstract class WithHub {
    @TempDir
    lateinit var home: File

    internal val hub = TestHub(TestClock().today).apply { serve() }
    internal lateinit var phone: TestPhone

    @AfterEach
    fun close() {
        phone.close()
        hub.close()
    }
}

/** How long something may take to be seen, on a machine that does other work too. */
private const val WAIT_MS = 20_000L

/** The app on a screen of 360 × 780 dp, or on one of another [size] at two pixels a dp. */
@OptIn(ExperimentalTestApi::class)
internal fun TestPhone.screen(
    live: Boolean = false,
    language: String = "zh",
    size: Size = Size(720f, 1560f),
    block: ComposeUiTest.() -> Unit,
) = runSkikoComposeUiTest(size, Density(2f)) {
    setContent { YaobanApp(core, device, PropertyTexts(language), live = live, dark = false) }
    block()
}

/** Waits until a text is there. */
@OptIn(ExperimentalTestApi::class)
internal fun ComposeUiTest.see(text: String): SemanticsNodeInteraction {
    waitUntil("“$text” is seen", WAIT_MS) {
        onAllNodesWithText(text, substring = true).fetchSemanticsNodes().isNotEmpty()
    }
    return onAllNodesWithText(text, substring = true).onFirst()
}

/** Waits until a text is gone. */
@OptIn(ExperimentalTestApi::class)
internal fun ComposeUiTest.seeNo(text: String) {
    waitUntil("“$text” is gone", WAIT_MS) {
        onAllNodesWithText(text, substring = true).fetchSemanticsNodes().isEmpty()
    }
}

/** Waits until what has this tag is there. */
@OptIn(ExperimentalTestApi::class)
internal fun ComposeUiTest.find(tag: String): SemanticsNodeInteraction {
    waitUntil("$tag is there", WAIT_MS) { onAllNodesWithTag(tag).fetchSemanticsNodes().isNotEmpty() }
    return onNodeWithTag(tag)
}

/** Touches what has this tag, scrolled into view where that is possible. */
@OptIn(ExperimentalTestApi::class)
internal fun ComposeUiTest.touch(tag: String) {
    val node = find(tag)
    runCatching { node.performScrollTo() }
    node.performClick()
}

/** Touches what shows this text and nothing else. */
@OptIn(ExperimentalTestApi::class)
internal fun ComposeUiTest.touchText(text: String) {
    waitUntil("“$text” is there", WAIT_MS) { onAllNodesWithText(text).fetchSemanticsNodes().isNotEmpty() }
    val node = onNodeWithText(text)
    runCatching { node.performScrollTo() }
    node.performClick()
}

/** Types digits on the keypad. */
@OptIn(ExperimentalTestApi::class)
internal fun ComposeUiTest.keys(digits: String) = digits.forEach { touch("key-$it") }

/** Types a PIN. */
@OptIn(ExperimentalTestApi::class)
internal fun ComposeUiTest.pin(digits: String) {
    keys(digits)
    touchText("确定")
}

/** A line over the pad, as a name is written. */
@OptIn(ExperimentalTestApi::class)
internal fun ComposeUiTest.sign() {
    find("sign").performScrollTo().performTouchInput { swipeRight() }
    find("sign-again")
}

/** Calls a member whose call is on the list. */
@OptIn(ExperimentalTestApi::class)
internal fun ComposeUiTest.dial(memberId: String) {
    touch("tab-TASKS")
    touch("call-$memberId")
    touch("dial")
}

/** After a call: the next one of the list is offered, and is not made. */
@OptIn(ExperimentalTestApi::class)
internal fun ComposeUiTest.leaveNextCall() {
    touch("next")
    find("dial")
    onNodeWithContentDescription("返回").performClick()
}

/** Touches a button of the dialog that is open: it has the same words as the one that opened it, and is drawn later. */
@OptIn(ExperimentalTestApi::class)
internal fun ComposeUiTest.onDialog(text: String) {
    onAllNodes(hasText(text) and hasClickAction() and hasAnyAncestor(isDialog())).onFirst().performClick()
}

/** Whatever can be touched is 48 dp large, and has words for those who do not see it. */
@OptIn(ExperimentalTestApi::class)
internal fun ComposeUiTest.everyTouchIsLargeAndNamed() {
    waitForIdle()
    val nodes = onAllNodes(hasClickAction()).fetchSemanticsNodes()
    val wrong =
        nodes.mapNotNull { node ->
            val config = node.config
            val words =
                config.getOrNull(SemanticsProperties.ContentDescription).orEmpty() +
                    config.getOrNull(SemanticsProperties.Text).orEmpty().map { it.text } +
                    listOfNotNull(config.getOrNull(SemanticsProperties.EditableText)?.text)
            val touch = node.touchBoundsInRoot
            // What is scrolled half out of sight is as large as it is.
            val whole = touch.height.roundToInt() >= node.size.height && touch.width.roundToInt() >= node.size.width && touch.top > 0
            when {
                words.all { it.isBlank() } && config.getOrNull(SemanticsProperties.EditableText) == null -> "without words: $config"
                whole && minOf(touch.width, touch.height) < 95f -> "$words is ${touch.width / 2} × ${touch.height / 2} dp"
                else -> null
            }
        }
    assertTrue(nodes.isNotEmpty() && wrong.isEmpty(), wrong.joinToString("\n"))
}
