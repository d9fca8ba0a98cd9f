package cn.yaoban.phone

import cn.yaoban.core.ClerkApp
import cn.yaoban.core.TaskFilter
import cn.yaoban.core.TaskView
import cn.yaoban.core.WallClock
import cn.yaoban.core.bridge.ClerkCore
import cn.yaoban.core.bridge.TestVault
import cn.yaoban.ui.model.SearchModel
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.yield
import java.io.File
import java.time.LocalDate
import java.time.ZoneId
import kotlin.math.ceil
import kotlin.system.exitProcess
import kotlin.time.Duration
import kotlin.time.DurationUnit
import kotlin.time.measureTime

/**
 * What a clerk waits for on the JVM, drawing apart: `BenchKt HOME DAY` measures on the phone that `tests/bench` loaded,
 * `BenchKt HOME DAY cold` opens it once. Each figure is a line of JSON: `figure`, `measured`, `target`.
 */
fun main(arguments: Array<String>) {
    val (home, day) = arguments
    val bench = Bench(File(home), LocalDate.parse(day))
    runBlocking { if (arguments.getOrNull(2) == "cold") bench.cold() else bench.warm() }
    // The library's threads do not keep the process.
    exitProcess(0)
}

private class Bench(
    private val home: File,
    day: LocalDate,
) {
    private val shiftMs =
        day.atTime(11, 0).atZone(ZoneId.of("Asia/Shanghai")).toInstant().toEpochMilli() - System.currentTimeMillis()

    private val clock =
        object : WallClock {
            override fun nowMs() = System.currentTimeMillis() + shiftMs
        }

    private val whole = TaskFilter(TaskView.DUE, wholeStore = true)

    private suspend fun open(): ClerkCore {
        val core = ClerkCore.open(home, TestVault(), clock)
        val manager = core.call { staff() }.first { it.role == "store_manager" }
        core.call { switchStaff(manager.staffId, null) }
        return core
    }

    /** From the beginning of the program, the library not loaded yet, to the first list; in milliseconds. */
    suspend fun cold() {
        val time = measureTime { check(open().call { find("") to taskPage(whole, 0uL, HOUSEHOLDS) }.second.count > 0uL) }
        println(time.toDouble(DurationUnit.MILLISECONDS))
    }

    suspend fun warm() {
        val core = open()
        val all = """{"all": []}"""
        val count = core.call { groupCount(all) }
        val members = (0 until PAGES).flatMap { core.call { group(all, count * it.toULong() / PAGES.toULong(), PAGE) }.members }
        val ends = members.mapNotNull { it.phoneMasked?.takeLast(DIGITS) }.take(MEMBERS)
        keystrokes(core, "four digits of a number", ends)
        keystrokes(core, "a name", members.map { it.name }.take(MEMBERS))
        val opened = times(members.map { it.memberId }) { core.call { openProfile(it) } }
        row("opening a profile: all that its screen asks across the boundary", opened, "p99 ≤ 10 ms")
        val list = core.call { taskPage(whole, 0uL, HOUSEHOLDS) }
        val starts = (0uL until list.householdCount step HOUSEHOLDS.toLong()).toList()
        val read = times((0 until LISTS).map { starts[it % starts.size] }) { core.call { taskPage(whole, it, HOUSEHOLDS) } }
        row("a page of the list of ${list.count} tasks, across the boundary", read, "≤ 5 ms a page")
        core.close()
    }

    private fun ClerkApp.openProfile(memberId: String) {
        profile(memberId)
        readings(memberId, null, READINGS)
    }

    /** Each member is typed stroke by stroke; a stroke is over when its members are there for the screen. */
    private suspend fun keystrokes(
        core: ClerkCore,
        kind: String,
        typed: List<String>,
    ) {
        val strokes = typed.flatMap { text -> text.indices.map { text.take(it + 1) } }
        row("a keystroke to its results, $kind", times(strokes) { stroke(core, it) }, "p99 ≤ 16 ms")
    }

    private suspend fun stroke(
        core: ClerkCore,
        text: String,
    ) = coroutineScope {
        val model = SearchModel(core).apply { query = text }
        val following = launch { model.follow() }
        while (model.found == null) yield()
        following.cancel()
    }

    /** How long each took, ascending; a tenth of them ran before, uncounted: the JVM compiles what is used. */
    private suspend fun <T> times(
        of: Iterable<T>,
        work: suspend (T) -> Unit,
    ): List<Duration> {
        val all = of.toList()
        all.take(all.size / 10 + 1).forEach { work(it) }
        return all.map { measureTime { work(it) } }.sorted()
    }

    private fun row(
        figure: String,
        times: List<Duration>,
        target: String,
    ) {
        val at = { share: Double -> times[ceil(times.size * share).toInt() - 1].toString(DurationUnit.MILLISECONDS, 2) }
        println("""{"figure": "$figure (n = ${times.size})", "measured": "p50 ${at(0.5)}, p99 ${at(0.99)}", "target": "$target"}""")
    }

    private companion object {
        const val PAGES = 8
        const val PAGE = 250uL
        const val MEMBERS = 250
        const val DIGITS = 4
        const val READINGS = 24u
        const val LISTS = 400

        /** Households of a page, as the list asks for them. */
        const val HOUSEHOLDS: ULong = 20uL
    }
}
