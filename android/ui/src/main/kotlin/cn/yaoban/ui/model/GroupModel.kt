package cn.yaoban.ui.model

import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.setValue
import cn.yaoban.core.ContactPurpose
import cn.yaoban.core.GroupTasks
import cn.yaoban.core.MemberCounts
import cn.yaoban.core.MemberRow
import cn.yaoban.core.NewTask
import cn.yaoban.core.SavedGroup
import cn.yaoban.core.TaskKind
import cn.yaoban.core.bridge.ClerkCore

/** Members of the store by conditions: looked at, kept, given a task or a message. */
class GroupModel(
    private val core: ClerkCore,
) {
    /** A condition by which members are picked: a key of the audience language and a word. */
    data class Condition(
        val key: String,
        val word: String,
    )

    /** All of these hold; those of one key are alternatives. A screen calls [follow] anew when it changes. */
    var conditions: Set<Condition> by mutableStateOf(emptySet())

    /** A filter that was kept, instead of the conditions. */
    var kept: SavedGroup? by mutableStateOf(null)

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

    /** Why there is no group. */
    var failure: Failure? by mutableStateOf(null)
        private set

    /** The audience that is asked for. */
    val rule: String? get() = kept?.rule ?: rule(conditions)

    /** Shows who fits, and again whenever rows change, until it is cancelled. */
    suspend fun follow() {
        val asked = rule
        core
            .watch { Triple(memberCounts(), savedGroups(), asked?.let { group(it, 0uL, PAGE) }) }
            .collect { result ->
                if (asked != rule) return@collect
                result.onSuccess { (now, filters, group) ->
                    counts = now
                    saved = filters
                    count = group?.count
                    members = group?.members.orEmpty()
                }
                failure = result.exceptionOrNull()?.let(Failure::of)
            }
    }

    /** Adds or takes away a condition. */
    fun toggle(condition: Condition) {
        kept = null
        picked = emptySet()
        made = null
        conditions = if (condition in conditions) conditions - condition else conditions + condition
    }

    /** Shows who fits a filter that was kept; none: nobody. */
    fun show(filter: SavedGroup?) {
        kept = filter
        conditions = emptySet()
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
        val ids = chosen()
        failure = failureOf { made = core.call { makeTasks(ids, NewTask(TaskKind.CALL, ContactPurpose.SERVICE)) } }
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

    companion object {
        private const val PAGE = 50uL

        /** The conditions in the audience language; none: nothing is asked. */
        fun rule(conditions: Set<Condition>): String? {
            if (conditions.isEmpty()) return null
            val all =
                conditions.groupBy({ it.key }, { it.word }).map { (key, words) ->
                    when (key) {
                        "birthday" -> """{"birthday":{"within_days":${words.first()}}}"""
                        "medicine" -> any(words.map { """{"medicine":{"status":${quoted(it)}}}""" })
                        "care" -> any(words.map { """{"care":${quoted(it)}}""" })
                        else -> """{"$key":${words.joinToString(",", "[", "]") { quoted(it) }}}"""
                    }
                }
            return """{"all":${all.joinToString(",", "[", "]")}}"""
        }

        private fun any(alternatives: List<String>): String =
            alternatives.singleOrNull() ?: """{"any":${alternatives.joinToString(",", "[", "]")}}"""

        private fun quoted(text: String): String = "\"" + text.replace("\\", "\\\\").replace("\"", "\\\"") + "\""
    }
}
