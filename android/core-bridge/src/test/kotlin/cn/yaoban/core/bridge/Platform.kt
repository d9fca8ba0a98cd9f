package cn.yaoban.core.bridge

import cn.yaoban.core.KeyVault
import cn.yaoban.core.WallClock
import java.time.LocalDate
import java.time.ZoneId
import java.util.concurrent.atomic.AtomicLong

/** A key for tests: the same byte thirty-two times. */
class TestVault(private val byte: Int = 7, private val length: Int = 32) : KeyVault {
    override fun databaseKey() = ByteArray(length) { byte.toByte() }
}

/** A clock that begins at half past ten this morning in China, when calls are allowed, and runs on. */
class TestClock : WallClock {
    private val shiftMs: AtomicLong

    /** Today, where the chain is. */
    val today: LocalDate = LocalDate.now(CHINA)

    init {
        val morningMs = today.atTime(10, 30).atZone(CHINA).toInstant().toEpochMilli()
        shiftMs = AtomicLong(morningMs - System.currentTimeMillis())
    }

    override fun nowMs(): Long = System.currentTimeMillis() + shiftMs.get()

    fun later(minutes: Long) {
        shiftMs.addAndGet(minutes * 60_000)
    }

    companion object {
        private val CHINA = ZoneId.of("Asia/Shanghai")
    }
}
