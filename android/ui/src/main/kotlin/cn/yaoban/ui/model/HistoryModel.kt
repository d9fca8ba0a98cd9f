package cn.yaoban.ui.model

import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.setValue
import cn.yaoban.core.HistoryDay
import cn.yaoban.core.bridge.ClerkCore
import java.time.LocalDate

/** A member's purchases, page by page: the phone's first, then the hub's. */
class HistoryModel(
    private val core: ClerkCore,
    private val memberId: String,
) {
    /** The days that were read, newest first. */
    var days: List<HistoryDay> by mutableStateOf(emptyList())
        private set

    /** What can be read next. */
    var more by mutableStateOf(More.PHONE)
        private set

    /** A page is being read. */
    var busy by mutableStateOf(false)
        private set

    /** Why there is no page. */
    var failure: Failure? by mutableStateOf(null)
        private set

    private var before: LocalDate? = null
    private var lifetime = 0u

    /** Where the next page comes from. */
    enum class More {
        /** From this phone. */
        PHONE,

        /** From the hub: older days than the phone holds. */
        HUB,

        /** There is nothing older. */
        NONE,
    }

    /** Reads the next page. */
    suspend fun next() {
        if (busy || more == More.NONE) return
        busy = true
        try {
            failure = failureOf { if (more == More.PHONE) fromPhone() else fromHub() }
        } finally {
            busy = false
        }
    }

    private suspend fun fromPhone() {
        val page = core.call { history(memberId, before, DAYS) }
        days = days + page.days
        before = page.before
        lifetime = page.lifetimeTimes
        if (page.before == null) more = if (lifetime > days.size.toUInt()) More.HUB else More.NONE
    }

    private suspend fun fromHub() {
        val oldest = before ?: days.lastOrNull()?.day ?: core.call { today() }
        val page = core.cancellable { olderHistory(memberId, oldest, LINES, it) }
        days = days + page.days
        before = page.before
        if (page.before == null) more = More.NONE
    }

    private companion object {
        const val DAYS = 20uL
        const val LINES = 200u
    }
}
