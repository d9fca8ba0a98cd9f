package cn.yaoban.ui.model

import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.setValue
import cn.yaoban.core.HistoryDay
import cn.yaoban.core.HistoryPage
import cn.yaoban.core.OlderDays
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

    /** Where older days are; none: there are none, or nothing was read yet. */
    var older: OlderDays? by mutableStateOf(null)
        private set

    /** Everything was read. */
    var ended by mutableStateOf(false)
        private set

    /** A page is being read. */
    var busy by mutableStateOf(false)
        private set

    /** The newest day that is looked at; none: all. */
    var until: LocalDate? by mutableStateOf(null)
        private set

    /** The medicines that were bought, the latest first. */
    var medicines: List<String> by mutableStateOf(emptyList())
        private set

    /** The medicine that the days are narrowed to; none: everything. */
    var medicine: String? by mutableStateOf(null)
        private set

    /** Why there is no page. */
    var failure: Failure? by mutableStateOf(null)
        private set

    /** Reads the next page. */
    suspend fun next() {
        if (busy || ended) return
        busy = true
        try {
            failure =
                failureOf {
                    if (older == null) medicines = core.call { boughtIngredients(memberId) }
                    val page = page(older)
                    days = days + page.days
                    older = page.next
                    ended = page.next == null
                }
        } finally {
            busy = false
        }
    }

    /** Looks at the days up to one, it included, and at one medicine; none: at all. */
    suspend fun show(
        until: LocalDate?,
        medicine: String?,
    ) {
        if (busy) return
        this.until = until
        this.medicine = medicine
        days = emptyList()
        older = null
        ended = false
        next()
    }

    private suspend fun page(from: OlderDays?): HistoryPage =
        if (from?.atHub == true) {
            core.cancellable { olderHistory(memberId, from.until, LINES, it, medicine) }
        } else {
            core.call { history(memberId, from?.until ?: until, DAYS, medicine) }
        }

    private companion object {
        const val DAYS = 20uL
        const val LINES = 200u
    }
}
