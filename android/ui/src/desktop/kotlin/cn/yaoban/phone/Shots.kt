package cn.yaoban.phone

import androidx.compose.runtime.CompositionLocalProvider
import androidx.compose.ui.geometry.Offset
import androidx.compose.ui.geometry.Size
import androidx.compose.ui.graphics.asSkiaBitmap
import androidx.compose.ui.platform.LocalDensity
import androidx.compose.ui.test.ComposeUiTest
import androidx.compose.ui.test.ExperimentalTestApi
import androidx.compose.ui.test.captureToImage
import androidx.compose.ui.test.hasTestTag
import androidx.compose.ui.test.isRoot
import androidx.compose.ui.test.onAllNodesWithContentDescription
import androidx.compose.ui.test.onAllNodesWithTag
import androidx.compose.ui.test.onAllNodesWithText
import androidx.compose.ui.test.onFirst
import androidx.compose.ui.test.onLast
import androidx.compose.ui.test.onNodeWithContentDescription
import androidx.compose.ui.test.onNodeWithTag
import androidx.compose.ui.test.performClick
import androidx.compose.ui.test.performScrollTo
import androidx.compose.ui.test.performScrollToIndex
import androidx.compose.ui.test.performScrollToNode
import androidx.compose.ui.test.performTextInput
import androidx.compose.ui.test.performTouchInput
import androidx.compose.ui.test.v2.runSkikoComposeUiTest
import androidx.compose.ui.unit.Density
import cn.yaoban.core.GroupConditions
import cn.yaoban.core.NewConsent
import cn.yaoban.core.TaskFilter
import cn.yaoban.core.TaskView
import cn.yaoban.core.Told
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
import java.time.LocalDateTime
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
    TestHub(StillClock.DAY, sample = 900, nowMs = StillClock.ms(StillClock.DAY.atTime(10, 30))).use { hub ->
        hub.serve()
        SCENES.filter { wanted(it.name) }.forEach { take(it.name, Shot(hub, it).draw()) }
    }
}

/** Half past ten of one day, for ever, so that a picture is the same next month; each look is a millisecond later. */
private class StillClock : WallClock {
    private val now = AtomicLong(ms(DAY.atTime(10, 30)))

    override fun nowMs(): Long = now.incrementAndGet()

    /** It stands at another time now. */
    fun set(at: LocalDateTime) = now.set(ms(at))

    companion object {
        val DAY: LocalDate = LocalDate.of(2026, 11, 26)

        /** An instant by the chain's clock. */
        fun ms(at: LocalDateTime): Long = at.atZone(ZoneId.of("Asia/Shanghai")).toInstant().toEpochMilli()
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
    /** A phone on its side. */
    val side: Boolean = false,
    /** The first load was cut short. */
    val cut: Boolean = false,
    /** What happened before the app was opened. */
    val before: suspend Before.() -> Unit = {},
    val touches: Walk.() -> Unit,
)

/** A phone before its app is opened. */
private class Before(
    val core: ClerkCore,
    val clock: StillClock,
    /** Members whom a campaign calls. */
    val chosen: List<String>,
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
        Scene("counter-side", side = true) { type("9719") },
        Scene("counter-none") { type("0000000") },
        Scene("member") { member() },
        Scene("member-below") {
            member()
            scrollTo("标签")
        },
        Scene("member-dark", dark = true) { member() },
        Scene("member-large", scale = 1.4f) { member() },
        Scene("member-side", side = true) { member() },
        Scene("member-english", language = "en") { member("Last visit") },
        Scene("member-tablet", wide = true) {
            member()
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
        Scene("sign", before = { withdraw() }) { sign() },
        Scene("sign-dark", dark = true, before = { withdraw() }) { sign() },
        Scene("sign-side", side = true, before = { withdraw() }) { sign() },
        Scene("edit") { edit("资料") },
        Scene("edit-large", scale = 1.4f) { edit("资料") },
        Scene("regimen") { regimen() },
        Scene("regimen-side", side = true) { regimen() },
        Scene("waiting", before = { leaveMessages() }) { waiting("等着处理的消息") },
        Scene("waiting-large", scale = 1.4f, before = { leaveMessages() }) { waiting("等着处理的消息") },
        Scene("waiting-english", language = "en", before = { leaveMessages() }) { waiting("Messages that wait") },
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
        Scene("today", staff = MANAGER) {
            touch("tab-TODAY")
            see("全店")
        },
        Scene("today-list", staff = MANAGER) { todayList() },
        Scene("today-give", staff = MANAGER) {
            todayList()
            touch("give-all")
        },
        Scene("today-large", staff = MANAGER, scale = 1.4f) { todayList() },
        Scene("today-dark", staff = MANAGER, dark = true) {
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
    /** Members whom a campaign calls, an allergy first if there is one. */
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

    /** Touches what has this tag on the list of tasks, which is read as it is scrolled. */
    private fun ofTheList(tag: String) {
        touch("tab-TASKS")
        test.waitUntil("the list", WAIT_MS) { test.onAllNodesWithTag("view-DUE").fetchSemanticsNodes().isNotEmpty() }
        test.waitUntil("$tag is on the list", WAIT_MS) {
            runCatching { test.onNodeWithTag("tasks").performScrollToNode(hasTestTag(tag)) }.isSuccess
        }
        touch(tag)
    }

    fun member(until: String = "上次到店") {
        ofTheList("task-${chosen.first()}")
        see(until)
    }

    /** A consent that is asked later, and the name written on the pad. */
    fun sign() {
        member()
        touch("ask-marketing")
        test.waitUntil("the pad", WAIT_MS) { test.onAllNodesWithTag("sign").fetchSemanticsNodes().isNotEmpty() }
        runCatching { test.onNodeWithTag("sign").performScrollTo() }
        test.onNodeWithTag("sign").performTouchInput {
            for (stroke in NAME) {
                val points = stroke.map { (x, y) -> Offset(width * x, height * y) }
                down(points.first())
                points.drop(1).forEach { moveTo(it) }
                up()
            }
        }
    }

    fun edit(until: String) {
        member()
        touch("edit")
        see(until)
    }

    fun regimen() {
        member()
        val medicine = runBlocking { core.call { profile(chosen.first()) } }.medicines.first()
        touch("regimen-${medicine.ingredient}")
        see("每日用量")
    }

    fun waiting(name: String) {
        touch("tab-TASKS")
        test.waitUntil("the button", WAIT_MS) { test.onAllNodesWithContentDescription(name).fetchSemanticsNodes().isNotEmpty() }
        test.onNodeWithContentDescription(name).performClick()
        test.waitUntil("what waits", WAIT_MS) { test.onAllNodesWithTag("release").fetchSemanticsNodes().isNotEmpty() }
    }

    fun todayList() {
        touch("tab-TODAY")
        touch("全店-DUE")
        see("全部交给")
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
        ofTheList("call-${chosen.first()}")
        test.waitUntil("the call", WAIT_MS) { test.onAllNodesWithTag("dial").fetchSemanticsNodes().isNotEmpty() }
    }
}

private const val WAIT_MS = 30_000L

/** The manager of the store. */
private const val MANAGER = "G001"

/** A name as strokes, in shares of the pad. */
private val NAME =
    listOf(
        listOf(0.20f to 0.25f, 0.30f to 0.24f, 0.38f to 0.22f),
        listOf(0.21f to 0.48f, 0.29f to 0.47f, 0.37f to 0.45f),
        listOf(0.17f to 0.76f, 0.28f to 0.74f, 0.42f to 0.72f),
        listOf(0.29f to 0.24f, 0.30f to 0.48f, 0.29f to 0.75f),
        listOf(0.58f to 0.20f, 0.56f to 0.42f, 0.50f to 0.66f, 0.46f to 0.78f),
        listOf(0.54f to 0.36f, 0.66f to 0.34f, 0.76f to 0.30f),
        listOf(0.66f to 0.36f, 0.66f to 0.60f, 0.62f to 0.82f, 0.57f to 0.76f),
        listOf(0.56f to 0.56f, 0.66f to 0.54f, 0.78f to 0.52f),
    )

/** Whoever said yes to marketing may be asked anew. */
private suspend fun Before.withdraw() {
    val of = core.call { profile(chosen.first()) }.consents.first { it.purpose == "marketing" }
    if (!of.granted) return
    core.call { setConsent(chosen.first(), NewConsent(of.purpose, null, false, checkNotNull(of.wordingVersion)), null) }
}

/** Messages that were made yesterday and not told of, and some that came too late in the evening; it is the next morning. */
private suspend fun Before.leaveMessages() {
    val reached = core.call { groupIds(checkNotNull(groupRule(GroupConditions(classes = listOf("win_back")))), 0uL, 40uL) }
    val result = core.call { message(reached, "refill-sms") }
    result.ready.drop(2).forEach { core.call { messageTold(it.key, Told.Sent) } }
    clock.set(StillClock.DAY.atTime(21, 10))
    core.call { switchStaff("C001", null) }
    core.call { message(chosen, "refill-sms") }
    clock.set(StillClock.DAY.plusDays(1).atTime(9, 5))
    core.call { switchStaff("C001", null) }
}

@OptIn(ExperimentalTestApi::class)
private class Shot(
    private val hub: TestHub,
    private val shown: Scene,
) {
    private val home = Files.createTempDirectory("yaoban-shot").toFile()

    fun draw(): ByteArray {
        val clock = StillClock()
        val core = runBlocking { ClerkCore.open(home, TestVault(), clock) }
        var png = ByteArray(0)
        val chosen = runBlocking { prepare(core).also { shown.before(Before(core, clock, it)) } }
        val size =
            when {
                shown.wide -> Size(1800f, 1200f)
                shown.side -> Size(1560f, 720f)
                else -> Size(720f, 1560f)
            }
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
        core.call { switchStaff(MANAGER, null) }
        val tasks = core.call { tasks(TaskFilter(TaskView.DUE, wholeStore = true)) }.households.flatMap { it.tasks }
        if (staff != MANAGER) {
            // Emergencies and calls in one list.
            core.call { reassignAll(tasks.map { it.taskId }, staff) }
            core.call { switchStaff(staff, null) }
        }
        val calls = tasks.filter { it.why.code == "campaign" }
        val reached = calls.map { core.call { profile(it.memberId) } }.filter { !it.doNotContact && it.member.phoneMasked != null }
        val (allergic, others) = reached.partition { it.allergies.isNotEmpty() }
        val chosen = (allergic + others).map { it.member.memberId }
        val first = chosen.first()
        core.call {
            val before = listOf("138" to "86", "142" to "88", "150" to "92", "146" to "90", "152" to "94")
            before.forEach { (high, low) -> addTyped(first, TypedReading("bp", listOf(high, low), "office")) }
            profile(first).allergies.forEach { removeAllergy(first, it.text) }
            addAllergies(first, "青霉素")
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
