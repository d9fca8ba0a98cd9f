package cn.yaoban.ui.model

import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.setValue
import cn.yaoban.core.FoundMembers
import cn.yaoban.core.bridge.ClerkCore

/** Finding a member: what was typed, and who fits. */
class SearchModel(
    private val core: ClerkCore,
) {
    /** What was typed. A screen calls [follow] anew when it changes. */
    var query by mutableStateOf("")

    /** Who fits; while nothing is typed, who was opened last. None until that was read, and on a locked phone. */
    var found: FoundMembers? by mutableStateOf(null)
        private set

    /** Why there is nobody. */
    var failure: Failure? by mutableStateOf(null)
        private set

    /** A look-up at the hub is under way. */
    var lookingUp by mutableStateOf(false)
        private set

    /** Looks for what is typed now, and again whenever rows change, until it is cancelled. */
    suspend fun follow() {
        val asked = query
        core.watch { find(asked) }.collect { result ->
            // An answer to what was typed before is dropped.
            if (asked != query) return@collect
            found = result.getOrNull()
            failure = result.failure
        }
    }

    /** Looks a member of another store up at the hub, by the whole number or id. The reason is kept there. */
    suspend fun lookUp(reason: String) {
        val asked = query
        lookingUp = true
        try {
            failure =
                failureOf {
                    val answer = core.cancellable { lookup(asked, reason, it) }
                    // An answer to what was typed before is dropped.
                    if (asked == query) found = answer
                }
        } finally {
            lookingUp = false
        }
    }
}
