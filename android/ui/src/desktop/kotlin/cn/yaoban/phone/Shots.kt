package cn.yaoban.phone

import androidx.compose.runtime.CompositionLocalProvider
import androidx.compose.ui.geometry.Size
import androidx.compose.ui.graphics.asSkiaBitmap
import androidx.compose.ui.platform.LocalDensity
import androidx.compose.ui.test.ComposeUiTest
import androidx.compose.ui.test.ExperimentalTestApi
import androidx.compose.ui.test.captureToImage
import androidx.compose.ui.test.isRoot
import androidx.compose.ui.test.onAllNodesWithTag
import androidx.compose.ui.test.onAllNodesWithText
import androidx.compose.ui.test.onFirst
import androidx.compose.ui.test.onLast
import androidx.compose.ui.test.onNodeWithTag
import androidx.compose.ui.test.performClick
import androidx.compose.ui.test.performScrollTo
import androidx.compose.ui.test.performScrollToIndex
import androidx.compose.ui.test.performTextInput
import androidx.compose.ui.test.v2.runSkikoComposeUiTest
import androidx.compose.ui.unit.Density
import cn.yaoban.core.Allergy
import cn.yaoban.core.ProfileFields
import cn.yaoban.core.TaskFilter
import cn.yaoban.core.TaskView
import cn.yaoban.core.TypedReading
import cn.yaoban.core.WallClock
import cn.yaoban.core.bridge.ClerkCore
import cn.yaoban.core.bridge.Secret
import cn.yaoban.core.bridge.TestHub
import cn.yaoban.core.bridge.TestVault
import cn.yaoban.core.bridge.pairAndCutShort
import cn.yaoban.ui.Handed
import cn.yaoban.ui.Platform
import cn.yaoban.ui.ShareTarget
import cn.yaoban.ui.YaobanApp
import kotlinx.coroutines.runBlocking
import org.jetbrains.skia.EncodedImageFormat
import org.jetbrains.skia.Image
import java.io.File
import java.nio.file.Files
import java.time.LocalDate
import java.time.ZoneId
import java.util.concurrent.atomic.AtomicLong
import kotlin.system.exitProcess

/**
 * Draws the screens to pictures: `make phone SHOTS=1`. The phone is real, and so is its hub, with the sample chain;
 * the first argument is the folder for the pictures, further ones name the pictures to draw.
 */
fun main(arguments: Array<String>) {
    val out = File(arguments.first()).apply { mkdirs() }
    val only = arguments.drop(1)
    draw({ only.isEmpty() || it in only }) { name, png ->
        File(out, "$name.png").writeBytes(png)
        println("phone: $name.png")
    }
    // The library's threads do not keep the process.
    exitProcess(0)
}

/** Draws the pictures whose names are [wanted], each as a PNG. */
internal fun draw(
    wanted: (String) -> Boolean,
    take: (String, ByteArray) -> Unit,
) {
    TestHub(StillClock.DAY, sample = 900).use { hub ->
        hub.serve()
        SCENES.filter { wanted(it.name) }.forEach { take(it.name, Shot(hub, it).draw()) }
    }
}

/** Pictures that are the same next month. The others show tasks, whose days are of the hub's own clock. */
internal val LASTING = setOf("counter", "members", "register")

/** Half past ten of one day, for ever, so that a picture is the same next month; each look is a millisecond later. */
private class StillClock : WallClock {
    private val now = AtomicLong(DAY.atTime(10, 30).atZone(ZoneId.of("Asia/Shanghai")).toInstant().toEpochMilli())

    override fun nowMs(): Long = now.incrementAndGet()

    companion object {
        val DAY: LocalDate = LocalDate.of(2026, 11, 26)
    }
}

/** A picture: who looks, how, and what was touched before. */
private class Scene(
    val name: String,
    /** Who is signed in; empty: nobody, on a phone that is loaded; none: the phone is new. */
    val staff: String? = "C001",
    val dark: Boolean = false,
    val scale: Float = 1f,
    val language: String = "zh",
    val wide: Boolean = false,
    /** The first load was cut short. */
    val cut: Boolean = false,
    val touches: Walk.() -> Unit,
)

private val SCENES =
    listOf(
        Scene("pairing", staff = null) { see("配对码") },
        Scene("pairing-offer", staff = null) {
            scan()
            touchText("配对")
            see("是这家店")
        },
        Scene("pairing-usable", staff = null, cut = true) { see("先用起来") },
        Scene("sign-in", staff = "") { see("谁在用") },
        Scene("pin", staff = "") {
            touch("staff-C001")
            see("设一个密码")
        },
        Scene("counter") { type("9719") },
        Scene("counter-dark", dark = true) { type("9719") },
        Scene("counter-none") { type("0000000") },
        Scene("member") { member() },
        Scene("member-below") {
            member()
            scrollTo("标签")
        },
        Scene("member-dark", dark = true) { member() },
        Scene("member-large", scale = 1.4f) { member() },
        Scene("member-english", language = "en") { member("Last visit") },
        Scene("member-tablet", wide = true) {
            touch("tab-TASKS")
            touch("task-${chosen.first()}")
            see("上次到店")
        },
        Scene("tasks") {
            touch("tab-TASKS")
            see("到期")
        },
        Scene("tasks-dark", dark = true) {
            touch("tab-TASKS")
            see("到期")
        },
        Scene("call-below") {
            call()
            touch("dial")
            touch("outcome-BOUGHT_ELSEWHERE")
            see("大概用到哪天")
        },
        Scene("call") {
            call()
            see("怎么样")
        },
        Scene("call-outcome") {
            call()
            touch("dial")
            touch("outcome-AGREED_TO_VISIT")
            see("哪天来")
        },
        Scene("call-recorded") {
            call()
            touch("dial")
            touch("outcome-AGREED_TO_VISIT")
            touch("day-2")
            see("已记下")
        },
        Scene("reading") {
            member()
            touchText("记一次")
            type("162")
            see("走势")
        },
        Scene("reading-alarm") {
            member()
            touchText("记一次")
            type("190125")
            touch("save")
            see("数值危险")
        },
        Scene("reading-below") {
            member()
            touchText("记一次")
            scrollTo("走势")
        },
        Scene("history") {
            member()
            touchText("购买记录")
            see("×")
        },
        Scene("register") {
            type("15499990000")
            touchText("登记新会员")
            see("请会员看过")
        },
        Scene("members-below") {
            touch("tab-MEMBERS")
            touch("by-win_back")
            see("符合条件的会员")
            scrollList("members", 3)
        },
        Scene("members") {
            touch("tab-MEMBERS")
            touch("by-win_back")
            see("符合条件的会员")
        },
        Scene("message") { message() },
        Scene("message-result") {
            message()
            touch("send")
            see("不能发")
        },
        Scene("today", staff = "G001") {
            touch("tab-TODAY")
            see("全店")
        },
        Scene("today-dark", staff = "G001", dark = true) {
            touch("tab-TODAY")
            see("全店")
        },
        Scene("phone") {
            touch("tab-PHONE")
            see("上次同步")
        },
    )

/** What is done on a screen before its picture. */
@OptIn(ExperimentalTestApi::class)
private class Walk(
    val test: ComposeUiTest,
    val core: ClerkCore,
    /** Members with a task, an allergy first if there is one. */
    val chosen: List<String>,
    /** A code to pair by. */
    val code: () -> String,
) {
    fun see(text: String) = test.waitUntil("“$text” is seen", WAIT_MS) {
        test.onAllNodesWithText(text, substring = true).fetchSemanticsNodes().isNotEmpty()
    }

    fun touch(tag: String) {
        test.waitUntil("$tag is there", WAIT_MS) { test.onAllNodesWithTag(tag).fetchSemanticsNodes().isNotEmpty() }
        val node = test.onAllNodesWithTag(tag).onFirst()
        runCatching { node.performScrollTo() }
        node.performClick()
    }

    fun touchText(text: String) {
        see(text)
        val node = test.onAllNodesWithText(text).onFirst()
        runCatching { node.performScrollTo() }
        node.performClick()
    }

    /** The hub's code is in the field, as if it had been scanned. */
    fun scan() {
        see("配对码")
        test.onNodeWithTag("code").performTextInput(code())
    }

    fun type(digits: String) = digits.forEach { touch("key-$it") }

    fun scrollList(
        tag: String,
        to: Int,
    ) = test.onNodeWithTag(tag).performScrollToIndex(to)

    fun scrollTo(text: String) {
        see(text)
        test.onAllNodesWithText(text).onLast().performScrollTo()
    }

    fun member(until: String = "上次到店") {
        touch("tab-TASKS")
        touch("task-${chosen.first()}")
        see(until)
    }

    fun message() {
        touch("tab-MEMBERS")
        touch("by-win_back")
        see("符合条件的会员")
        touch("group-message")
        touch("template-refill-sms")
        see("逐个核对并生成")
    }

    fun call() {
        touch("tab-TASKS")
        touch("call-${chosen.first()}")
        test.waitUntil("the call", WAIT_MS) { test.onAllNodesWithTag("dial").fetchSemanticsNodes().isNotEmpty() }
    }
}

private const val WAIT_MS = 30_000L

@OptIn(ExperimentalTestApi::class)
private class Shot(
    private val hub: TestHub,
    private val shown: Scene,
) {
    private val home = Files.createTempDirectory("yaoban-shot").toFile()

    fun draw(): ByteArray {
        val core = runBlocking { ClerkCore.open(home, TestVault(), StillClock()) }
        var png = ByteArray(0)
        val chosen = runBlocking { prepare(core) }
        val size = if (shown.wide) Size(1800f, 1200f) else Size(720f, 1560f)
        runSkikoComposeUiTest(size, Density(if (shown.wide) 1.5f else 2f)) {
            setContent {
                CompositionLocalProvider(LocalDensity provides Density(LocalDensity.current.density, shown.scale)) {
                    YaobanApp(core, Nowhere, PropertyTexts(shown.language), live = false, dark = shown.dark)
                }
            }
            Walk(this, core, chosen, hub::pairingCode).let { with(shown) { it.touches() } }
            waitForIdle()
            // Ripples and entering dialogs end.
            mainClock.advanceTimeBy(1_000)
            waitForIdle()
            val image = onAllNodes(isRoot()).onFirst().captureToImage().asSkiaBitmap()
            png = checkNotNull(Image.makeFromBitmap(image).encodeToData(EncodedImageFormat.PNG)).bytes
        }
        runBlocking { core.close() }
        home.deleteRecursively()
        return png
    }

    /** Pairs, loads, signs in, as far as the scene is; then the first of the list is somebody about whom there is much to see. */
    private suspend fun prepare(core: ClerkCore): List<String> {
        if (shown.cut) core.pairAndCutShort(hub)
        if (shown.staff == null) return emptyList()
        core.call { pair(hub.pairingCode(), "shots") }
        core.sync()
        val staff = shown.staff.ifEmpty { return emptyList() }
        core.call { switchStaff(staff, null) }
        // A manager's own list is empty: the store's is what it looks at.
        val whole = core.call { staff() }.first { it.current }.may.seeStore
        val tasks = core.call { tasks(TaskFilter(TaskView.DUE, wholeStore = whole)) }.households.flatMap { it.tasks }
        val reached = tasks.map { core.call { profile(it.memberId) } }.filter { !it.doNotContact && it.member.phoneMasked != null }
        val (allergic, others) = reached.partition { it.allergies.isNotEmpty() }
        val chosen = (allergic + others).map { it.member.memberId }
        val first = chosen.first()
        core.call {
            val before = listOf("138" to "86", "142" to "88", "150" to "92", "146" to "90", "152" to "94")
            before.forEach { (high, low) -> addTyped(first, TypedReading("bp", listOf(high, low), "office")) }
            editMember(first, ProfileFields(allergies = listOf(Allergy("青霉素", emptyList()))))
            addTyped(first, TypedReading("glucose", listOf("5.8"), "fasting"))
            addNote(first, "女儿代买，周末来；爱问药师怎么吃", null)
        }
        return chosen
    }
}

/** A device on which nothing happens. */
private object Nowhere : Platform {
    override val deviceName = "shots"

    override suspend fun dial(number: Secret) = Handed.OPENED

    override suspend fun sms(
        number: Secret,
        text: String,
        key: String,
    ) = Handed.OPENED

    override suspend fun share(
        target: ShareTarget,
        text: String,
    ) = true

    override fun copy(text: String) = Unit

    override suspend fun scanCode(): String? = null

    override suspend fun unpaired() = Unit
}
