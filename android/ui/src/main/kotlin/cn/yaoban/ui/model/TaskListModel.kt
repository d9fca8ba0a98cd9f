package cn.yaoban.ui.model

import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.setValue
import cn.yaoban.core.ClerkApp
import cn.yaoban.core.MemberClass
import cn.yaoban.core.MemberCounts
import cn.yaoban.core.OpenAttempt
import cn.yaoban.core.TaskCounts
import cn.yaoban.core.TaskFilter
import cn.yaoban.core.TaskList
import cn.yaoban.core.TaskView
import cn.yaoban.core.bridge.ClerkCore
import java.time.LocalDate

/** Whom to call next. */
class TaskListModel(
    private val core: ClerkCore,
    private val page: ULong = PAGE,
) {
    /** Which tasks. A screen calls [follow] anew when it changes. */
    var filter by mutableStateOf(TaskFilter(TaskView.DUE))

    /** The tasks by household, in the order of the rules; none until they were read, and on a locked phone. */
    var list: TaskList? by mutableStateOf(null)
        private set

    /** How many there are in each view, and how many messages wait. */
    var counts: TaskCounts? by mutableStateOf(null)
        private set

    /** How many there are on today's list. */
    val due: ULong get() = counts?.views?.firstOrNull { it.view == TaskView.DUE }?.count ?: 0uL

    /** Diseases and tags of the store, to narrow the list by. */
    var members: MemberCounts? by mutableStateOf(null)
        private set

    /** Dials that wait for the clerk's word, newest first. */
    var open: List<OpenAttempt> by mutableStateOf(emptyList())
        private set

    /** Why there is no list, or why what was asked for was not done. */
    var failure: Failure? by mutableStateOf(null)
        private set

    /** Shows the list, and again whenever rows change, until it is cancelled. */
    suspend fun follow() {
        val asked = filter
        core
            .watch {
                Shown(taskPage(asked, 0uL, known()), taskCounts(asked.wholeStore), memberCounts(), openAttempts())
            }.collect { result ->
                if (asked != filter) return@collect
                val shown = result.getOrNull()
                list = shown?.list
                counts = shown?.counts
                members = shown?.members
                open = shown?.open.orEmpty()
                failure = result.failure
            }
    }

    /** The end of what is shown came into sight: the next page. */
    suspend fun more() {
        val before = list ?: return
        if (before.households.size.toULong() >= before.householdCount) return
        val asked = filter
        failure =
            failureOf {
                val next = core.call { taskPage(asked, before.households.size.toULong(), page) }
                if (list === before) list = next.copy(households = before.households + next.households)
            }
    }

    /** What is shown is read again as far as it was read. */
    private fun known(): ULong = maxOf(page, list?.households?.size?.toULong() ?: 0uL)

    /** Shows another view. */
    fun show(view: TaskView) {
        filter = filter.copy(view = view)
    }

    /** Narrows to a class; none: every one. */
    fun narrow(to: MemberClass?) {
        filter = filter.copy(`class` = to)
    }

    /** The task comes back on a day. */
    suspend fun defer(
        taskId: String,
        until: LocalDate,
    ) = change { deferTask(taskId, until, null) }

    /** The task is not done. */
    suspend fun cancel(taskId: String) = change { cancelTask(taskId) }

    /** Whom to call next of what the list is narrowed to; none: nobody is left. */
    suspend fun nextCall(): String? {
        var next: String? = null
        failure = failureOf { next = core.call { nextCall(filter) } }
        return next
    }

    private suspend fun change(block: ClerkApp.() -> Unit) {
        failure = failureOf { core.call(block) }
    }

    private data class Shown(
        val list: TaskList,
        val counts: TaskCounts,
        val members: MemberCounts,
        val open: List<OpenAttempt>,
    )

    private companion object {
        /** Households of a page: three screens of a phone. */
        const val PAGE: ULong = 20uL
    }
}
