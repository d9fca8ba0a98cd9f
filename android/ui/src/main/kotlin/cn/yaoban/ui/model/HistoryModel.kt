package cn.yaoban.ui.model

import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.setValue
import cn.yaoban.core.DaysAsked
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

    /** What is read next; none: there is nothing older. */
    var older: DaysAsked? by mutableStateOf(DaysAsked())
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

    private var begun = false

    /** Reads the next page, from this phone or from the hub. */
    suspend fun next() {
        val asked = older ?: return
        if (busy) return
        busy = true
        try {
            failure =
                failureOf {
                    if (!begun) medicines = core.call { boughtIngredients(memberId) }
                    begun = true
                    val page = core.cancellable { history(memberId, asked, it) }
                    days = days + page.days
                    older = page.next
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
        older = DaysAsked(until, medicine)
        next()
    }
}
