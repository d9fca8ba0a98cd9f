package cn.yaoban.core.bridge

import cn.yaoban.core.Care
import cn.yaoban.core.CarrierResult
import cn.yaoban.core.ClerkException
import cn.yaoban.core.DialTarget
import cn.yaoban.core.ErrorKind
import cn.yaoban.core.NewOutcome
import cn.yaoban.core.OutcomeCode
import cn.yaoban.core.RecordingSource
import cn.yaoban.core.SyncProgress
import cn.yaoban.core.TaskFilter
import cn.yaoban.core.TaskView
import cn.yaoban.core.TypedReading
import kotlinx.coroutines.TimeoutCancellationException
import kotlinx.coroutines.channels.ReceiveChannel
import kotlinx.coroutines.flow.produceIn
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.AfterAll
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.BeforeAll
import org.junit.jupiter.api.BeforeEach
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.net.InetAddress
import java.net.ServerSocket
import java.util.concurrent.ConcurrentLinkedQueue

/** A phone with a real hub: pairing, sync, a call from list to effect, changes, cancellation. */
class HubTest {
    @TempDir
    lateinit var home: File

    private val clock = TestClock()
    private lateinit var core: ClerkCore

    @BeforeEach
    fun pairAndLoad() = runBlocking {
        core = ClerkCore.open(home, TestVault(), clock)
        val paired = core.call { pair(hub.pairingCode(), "kotlin") }
        assertEquals("晨光大药房" to "晨光一店", paired.chainName to paired.storeName)
        val report = core.sync()
        assertTrue(report.upToDate)
        core.call { switchStaff("C1", null) }
    }

    @AfterEach
    fun close() = runBlocking { core.close() }

    @Test
    fun `a round tells how far it is`() = runBlocking {
        val heard = ConcurrentLinkedQueue<SyncProgress>()
        core.call { setPin("C1", null, "1234") }
        core.sync { heard.add(it) }
        assertTrue(heard.isNotEmpty())
    }

    @Test
    fun `a profile comes over whole`() = runBlocking {
        val found = core.call { find("0001") }
        assertEquals(listOf("M1"), found.members.map { it.memberId })
        val profile = core.call { profile("M1") }
        assertEquals("王约", profile.member.name)
        assertEquals("青霉素", profile.allergies.single().text)
        assertEquals(clock.today.minusDays(25), profile.lastVisit)
        assertEquals(6_000L, profile.totalFen)
        assertEquals("氨氯地平", profile.medicines.single().ingredient)
        assertEquals(clock.today.minusDays(25), profile.latestPurchase?.day)
        assertEquals("D1", profile.latestPurchase?.lines?.single()?.drugId)
        val unknown = assertThrows<ClerkException> { core.call { profile("nobody") } }
        assertEquals(ErrorKind.UNKNOWN to "unknown_member", unknown.kind to unknown.code)
    }

    @Test
    fun `a call from the list to the hub`() = runBlocking {
        val task = core.call { tasks(DUE) }.households.flatMap { it.tasks }.first { it.memberId == "M1" }
        assertEquals(Care.CHRONIC, task.care)
        assertEquals("open", task.state)

        val dial = core.call { dial(DialTarget.Task(task.taskId)) }
        assertEquals("15400000001", dial.number.reveal())
        assertFalse(dial.toString().contains("15400000001"), "a record is printed without the number")
        val ended = core.call { endAttempt(dial.attemptId, CarrierResult.ANSWERED, 42u) }
        assertTrue(ended.outcomeRequired)

        val undated = assertThrows<ClerkException> {
            core.call { recordOutcome(task.taskId, NewOutcome(code = OutcomeCode.AGREED_TO_VISIT)) }
        }
        assertEquals(ErrorKind.REFUSED to "date_required", undated.kind to undated.code)
        val agreed = NewOutcome(code = OutcomeCode.AGREED_TO_VISIT, date = clock.today.plusDays(2), note = "下周来")
        val recorded = core.call { recordOutcome(task.taskId, agreed) }
        assertEquals("deferred", recorded.task.state, "it waits for the visit")

        val before = core.call { status() }
        assertTrue(before.held > 0, "an outcome can be taken back for a while")
        assertEquals("in_progress", core.call { takeBack(recorded.outcomeId) }.state)
        core.call { recordOutcome(task.taskId, agreed) }
        clock.later(minutes = 1)
        val report = core.sync()
        assertTrue(report.pushedOps >= 3u, report.toString())
        assertEquals(0uL to 0uL, report.rejectedOps to report.parkedOps)
        core.sync()
        assertEquals(0L, core.call { status() }.outbox)
    }

    @Test
    fun `the gate refuses with its reason`() = runBlocking {
        val refused = assertThrows<ClerkException> {
            core.call { dial(DialTarget.Member("M3")) }
        }
        assertEquals(ErrorKind.REFUSED to "gate.no_consent", refused.kind to refused.code)
    }

    @Test
    fun `a list follows changes, errors included, and the lock falls although it does`() = runBlocking {
        val lists = core.watch { tasks(DUE) }.produceIn(this)
        assertTrue(lists.next().isSuccess)
        val task = core.call { planCall("M2") }
        lists.until { list -> list.getOrNull()?.households.orEmpty().any { it.tasks.any { row -> row.taskId == task } } }

        clock.later(minutes = 14)
        core.call { tag("M2", emptyList(), listOf("常客")) }
        clock.later(minutes = 1)
        assertThrows<ClerkException> { core.call { tag("M2", listOf("常客"), emptyList()) } }
            .let { assertEquals(ErrorKind.LOCKED, it.kind) }
        core.call { lockNow() }
        lists.until { (it.exceptionOrNull() as? ClerkException)?.kind == ErrorKind.LOCKED }
        core.call { switchStaff("C1", null) }
        lists.until { it.isSuccess }
        clock.later(minutes = 14)
        core.call { touch() }
        clock.later(minutes = 14)
        assertTrue(core.call { tasks(DUE) }.count > 0u)
        lists.cancel()
    }

    @Test
    fun `a recording is read from the platform and played back`() = runBlocking {
        val dial = core.call { dial(DialTarget.Member("M2")) }
        core.call { endAttempt(dial.attemptId, CarrierResult.ANSWERED, 3u) }
        val bytes = ByteArray(200_000) { (it * 31).toByte() }
        val row = core.call { attachRecording(dial.attemptId, source(bytes), "audio/mp4") }
        assertEquals(bytes.size.toULong(), row.bytes)
        core.call { playRecording(dial.attemptId) }.use { player ->
            assertEquals(bytes.size.toULong(), player.bytes())
            assertArrayEquals(bytes.copyOfRange(150_000, 150_100), player.readAt(150_000u, 100u))
            assertEquals(0, player.readAt(200_000u, 10u).size)
        }
        val again = core.call { dial(DialTarget.Member("M1")) }
        core.call { endAttempt(again.attemptId, CarrierResult.ANSWERED, 3u) }
        val failing = object : RecordingSource {
            override fun read(bytesMax: UInt): ByteArray = error("the card was taken out")
        }
        val error = assertThrows<ClerkException> { core.call { attachRecording(again.attemptId, failing, "audio/mp4") } }
        assertEquals(ErrorKind.STORAGE, error.kind)
    }

    @Test
    fun `cancelling the coroutine ends the call, and the next one works`() = runBlocking {
        hub.stop()
        try {
            // Somebody who takes the connection and says nothing.
            ServerSocket(hub.port, 50, InetAddress.getByName("127.0.0.1")).use {
                val began = System.nanoTime()
                assertThrows<TimeoutCancellationException> { withTimeout(1_000) { core.sync() } }
                val tookMs = (System.nanoTime() - began) / 1_000_000
                assertTrue(tookMs in 900..5_000, "$tookMs ms")
            }
        } finally {
            hub.serve()
        }
        assertTrue(core.sync().upToDate)
    }

    @Test
    fun `a handle that was used up ends a call at once`() = runBlocking {
        val error = assertThrows<ClerkException> {
            core.cancellable { handle ->
                handle.cancel()
                assertTrue(handle.isCancelled())
                sync(null, handle)
            }
        }
        assertEquals(ErrorKind.OFFLINE to "cancelled", error.kind to error.code)
    }

    @Test
    fun `the background brings what was done by itself, until it is left`() = runBlocking {
        val events = core.backgroundSync().produceIn(this)
        events.until { it is BackgroundEvent.Synced }
        core.call { addTyped("M1", TypedReading("bp", listOf("128", "78"), "home")) }
        events.until { it is BackgroundEvent.Synced && it.report.pushedOps == 1uL }
        events.cancel()
        // The loop ends by itself; a round of our own waits for its last one.
        assertTrue(withTimeout(10_000) { core.sync() }.upToDate)
    }

    private fun source(bytes: ByteArray) = object : RecordingSource {
        var at = 0

        override fun read(bytesMax: UInt): ByteArray {
            val until = minOf(bytes.size, at + bytesMax.toInt())
            return bytes.copyOfRange(at, until).also { at = until }
        }
    }

    private suspend fun <T> ReceiveChannel<T>.next(): T = withTimeout(WAIT_MS) { receive() }

    private suspend fun <T> ReceiveChannel<T>.until(wanted: (T) -> Boolean) {
        withTimeout(WAIT_MS) {
            while (!wanted(receive())) {
                // Not yet.
            }
        }
    }

    companion object {
        private const val WAIT_MS = 20_000L
        private val DUE = TaskFilter(view = TaskView.DUE)
        private lateinit var hub: TestHub

        @BeforeAll
        @JvmStatic
        fun start() {
            hub = TestHub(TestClock().today).apply { serve() }
        }

        @AfterAll
        @JvmStatic
        fun stop() = hub.close()
    }
}
