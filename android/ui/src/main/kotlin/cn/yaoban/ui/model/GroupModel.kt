package cn.yaoban.ui.model

import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.setValue
import cn.yaoban.core.GroupConditions
import cn.yaoban.core.GroupTasks
import cn.yaoban.core.MemberCounts
import cn.yaoban.core.MemberGroup
import cn.yaoban.core.MemberRow
import cn.yaoban.core.SavedGroup
import cn.yaoban.core.bridge.ClerkCore

/** Members of the store by conditions: looked at, kept, given a task or a message. */
class GroupModel(
    private val core: ClerkCore,
) {
    /** What is asked for by chips. A screen calls [follow] anew when it changes. */
    var conditions: GroupConditions by mutableStateOf(GroupConditions())
        private set

    /** A filter that was kept; one of simple conditions shows as these. A screen calls [follow] anew when it changes. */
    var kept: SavedGroup? by mutableStateOf(null)
        private set

    /** The audience that is shown; none: nothing is asked. */
    var rule: String? by mutableStateOf(null)
        private set

    /** How many there are of each kind; none until that was read. */
    var counts: MemberCounts? by mutableStateOf(null)
        private set

    /** The filters that were kept. */
    var saved: List<SavedGroup> by mutableStateOf(emptyList())
        private set

    /** How many fit; none while nothing is asked. */
    var count: ULong? by mutableStateOf(null)
        private set

    /** The first ones who fit, the most valuable first. */
    var members: List<MemberRow> by mutableStateOf(emptyList())
        private set

    /** Those who were picked out of them; none: all. */
    var picked: Set<String> by mutableStateOf(emptySet())

    /** What became of the tasks that were made. */
    var made: GroupTasks? by mutableStateOf(null)
        private set

    /** Tasks are being made. */
    var busy by mutableStateOf(false)
        private set

    /** Why there is no group. */
    var failure: Failure? by mutableStateOf(null)
        private set

    /** Shows who fits, and again whenever rows change, until it is cancelled. */
    suspend fun follow() {
        val (asked, filter) = conditions to kept
        core
            .watch {
                val audience = filter?.rule ?: groupRule(asked)
                Shown(memberCounts(), savedGroups(), audience, audience?.let { group(it, 0uL, PAGE) })
            }.collect { result ->
                if (asked != conditions || filter != kept) return@collect
                result.onSuccess { shown ->
                    counts = shown.counts
                    saved = shown.saved
                    rule = shown.rule
                    count = shown.group?.count
                    members = shown.group?.members.orEmpty()
                }
                failure = result.failure
            }
    }

    /** Asks by other chips. */
    fun ask(conditions: GroupConditions) = begin(null, conditions)

    /** Shows who fits a filter that was kept; none: nobody. */
    fun show(filter: SavedGroup?) = begin(filter, filter?.conditions ?: GroupConditions())

    private fun begin(
        filter: SavedGroup?,
        asked: GroupConditions,
    ) {
        kept = filter
        conditions = asked
        rule = null
        picked = emptySet()
        made = null
    }

    /** More of those who fit. */
    suspend fun more() {
        val asked = rule ?: return
        failure =
            failureOf {
                val page = core.call { group(asked, members.size.toULong(), PAGE) }
                if (asked == rule) members = members + page.members
            }
    }

    /** Whom a message or task is for: those who were picked, else everybody who fits. */
    suspend fun chosen(): List<String> {
        if (picked.isNotEmpty()) return picked.toList()
        val asked = rule ?: return emptyList()
        var ids = emptyList<String>()
        failure = failureOf { ids = core.call { groupIds(asked, 0uL, count ?: 0uL) } }
        return ids
    }

    /** Makes tasks to call. */
    suspend fun makeCalls() {
        if (busy) return
        busy = true
        try {
            // Why nobody was chosen stands there already.
            val ids = chosen().ifEmpty { return }
            failure = failureOf { made = core.call { planCalls(ids) } }
        } finally {
            busy = false
        }
    }

    /** Keeps the conditions by a name. */
    suspend fun keep(name: String) {
        val asked = rule ?: return
        failure =
            failureOf {
                core.call { saveGroup(name, asked) }
                saved = core.call { savedGroups() }
            }
    }

    /** Forgets a filter. */
    suspend fun forget(filter: SavedGroup) {
        failure =
            failureOf {
                core.call { removeGroup(filter.name) }
                saved = core.call { savedGroups() }
            }
        if (kept == filter) show(null)
    }

    private data class Shown(
        val counts: MemberCounts,
        val saved: List<SavedGroup>,
        val rule: String?,
        val group: MemberGroup?,
    )

    private companion object {
        const val PAGE = 50uL
    }
}
