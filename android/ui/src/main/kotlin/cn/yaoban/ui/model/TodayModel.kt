package cn.yaoban.ui.model

import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.setValue
import cn.yaoban.core.ClerkApp
import cn.yaoban.core.DuplicateRow
import cn.yaoban.core.Reassigned
import cn.yaoban.core.StaffRow
import cn.yaoban.core.TodayByClerk
import cn.yaoban.core.TodayFigure
import cn.yaoban.core.TodayItem
import cn.yaoban.core.Whose
import cn.yaoban.core.bridge.ClerkCore
import java.time.LocalDate

/** Who did what today; for the manager, whose task is whose. */
class TodayModel(
    private val core: ClerkCore,
) {
    /** A number, and whose. */
    data class Asked(
        val whose: Whose,
        val name: String,
        val figure: TodayFigure,
    )

    /** The day by clerk; none until it was read. */
    var today: TodayByClerk? by mutableStateOf(null)
        private set

    /** Who may be given a task. */
    var staff: List<StaffRow> by mutableStateOf(emptyList())
        private set

    /** Members who may be one. */
    var duplicates: List<DuplicateRow> by mutableStateOf(emptyList())
        private set

    /** The number whose list is shown. A screen calls [follow] anew when it changes. */
    var asked: Asked? by mutableStateOf(null)

    /** The list behind it. */
    var items: List<TodayItem> by mutableStateOf(emptyList())
        private set

    /** What was given away last. */
    var moved: Reassigned? by mutableStateOf(null)
        private set

    /** The merge that was made last, and may be undone; none: none here. */
    var merged: DuplicateRow? by mutableStateOf(null)
        private set

    /** Why there is nothing to see, or why it was not done. */
    var failure: Failure? by mutableStateOf(null)
        private set

    /** Shows the day, and again whenever rows change, until it is cancelled. */
    suspend fun follow() {
        val number = asked
        core
            .watch {
                val staff = staff()
                val pairs = if (staff.any { it.current && it.may.merge }) duplicates() else emptyList()
                Shown(todayByClerk(), staff, pairs, number?.let { todayItems(it.whose, it.figure) }.orEmpty())
            }.collect { result ->
                result.onSuccess {
                    today = it.today
                    staff = it.staff
                    duplicates = it.duplicates
                    items = it.items
                }
                failure = result.failure
            }
    }

    /** Gives a task to somebody; none: to anyone. */
    suspend fun reassign(
        taskId: String,
        staffId: String?,
    ) = change { reassign(taskId, staffId) }

    /** Gives everything behind the number to somebody; none: to anyone. */
    suspend fun giveAll(staffId: String?) {
        val tasks = items.filter { it.mayGive }.mapNotNull { it.taskId }
        failure = failureOf { moved = core.call { reassignAll(tasks, staffId) } }
    }

    /** Asks for a task to be done soon. */
    suspend fun nudge(taskId: String) = change { nudge(taskId) }

    /** Spreads today's list over those who are here. */
    suspend fun rebalance() {
        failure = failureOf { moved = core.call { rebalance() } }
    }

    /** Somebody is not here today, or is back. */
    suspend fun markOff(
        staffId: String,
        on: LocalDate?,
    ) = change { markOff(staffId, on) }

    /** Two members are one. */
    suspend fun merge(pair: DuplicateRow) {
        if (change { mergeMembers(pair.first.memberId, pair.second.memberId) }) merged = pair
    }

    /** The two that were merged last are two after all. */
    suspend fun undoMerge() {
        val pair = merged ?: return
        if (change { undoMerge(pair.first.memberId, pair.second.memberId) }) merged = null
    }

    /** Two members are two. */
    suspend fun keepApart(pair: DuplicateRow) = change { keepApart(pair.first.memberId, pair.second.memberId) }

    private suspend fun change(block: ClerkApp.() -> Unit): Boolean {
        failure = failureOf { core.call(block) }
        return failure == null
    }

    private data class Shown(
        val today: TodayByClerk,
        val staff: List<StaffRow>,
        val duplicates: List<DuplicateRow>,
        val items: List<TodayItem>,
    )
}
