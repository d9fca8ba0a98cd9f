package cn.yaoban.ui.model

import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.setValue
import cn.yaoban.core.FoundMembers
import cn.yaoban.core.MemberRow
import cn.yaoban.core.bridge.ClerkCore
import kotlinx.coroutines.flow.Flow

/** Finding a member: what was typed, and who fits. */
class SearchModel(
    private val core: ClerkCore,
) {
    /** What was typed. A screen calls [follow] anew when it changes. */
    var query by mutableStateOf("")

    /** Who fits, best first; while nothing is typed, who was opened last. None until that was read. */
    var members: List<MemberRow>? by mutableStateOf(null)
        private set

    /** To what was typed [members] is the answer. */
    var answered by mutableStateOf("")
        private set

    /** Too little was typed to say that nobody fits. */
    var tooShort by mutableStateOf(false)
        private set

    /** The hub was asked for what was typed, and knows nobody either. */
    var nowhere by mutableStateOf(false)
        private set

    /** Why there is nobody. */
    var failure: Failure? by mutableStateOf(null)
        private set

    /** A look-up at the hub is under way. */
    var lookingUp by mutableStateOf(false)
        private set

    /** Looks for what is typed now, and again whenever rows change, until it is cancelled. */
    suspend fun follow() {
        val asked = query.trim()
        val found: Flow<Result<FoundMembers>> =
            core.watch { if (asked.isEmpty()) FoundMembers(recentMembers(), false) else find(asked, FOUND_MAX) }
        found.collect { result ->
            // An answer to what was typed before is dropped.
            if (asked != query.trim()) return@collect
            members = result.getOrNull()?.members.orEmpty()
            tooShort = result.getOrNull()?.tooShort == true
            failure = result.failure
            if (answered != asked) nowhere = false
            answered = asked
        }
    }

    /** Looks a member of another store up at the hub, by the whole number or id. The reason is kept there. */
    suspend fun lookUp(reason: String) {
        val asked = query.trim()
        lookingUp = true
        try {
            failure =
                failureOf {
                    members = core.cancellable { lookup(asked, reason, it) }
                    tooShort = false
                    answered = asked
                    nowhere = members.isNullOrEmpty()
                }
        } finally {
            lookingUp = false
        }
    }

    private companion object {
        const val FOUND_MAX = 50uL
    }
}
