package cn.yaoban.ui.model

import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.setValue
import cn.yaoban.core.ClerkApp
import cn.yaoban.core.MemberForm
import cn.yaoban.core.Profile
import cn.yaoban.core.bridge.ClerkCore

/** What is known of a member, corrected. */
class EditModel(
    private val core: ClerkCore,
    private val memberId: String,
) {
    /** What is known; none until it was read. */
    var profile: Profile? by mutableStateOf(null)
        private set

    /** What the form begins with; none until it was read. */
    var form: MemberForm? by mutableStateOf(null)
        private set

    /** Codes of the sexes. */
    var sexes: List<String> by mutableStateOf(emptyList())
        private set

    /** It is being stored. */
    var busy by mutableStateOf(false)
        private set

    /** Why it was not. */
    var failure: Failure? by mutableStateOf(null)
        private set

    /** Shows what is known, and again whenever rows change, until it is cancelled. */
    suspend fun follow() {
        sexes = core.call { sexes() }
        core.watch { profile(memberId) to memberForm(memberId) }.collect { result ->
            profile = result.getOrNull()?.first
            form = result.getOrNull()?.second
            failure = result.failure
        }
    }

    /** Stores what was changed in a form that began with [before]; whether it was. */
    suspend fun save(
        before: MemberForm,
        after: MemberForm,
    ): Boolean = change { saveForm(memberId, before, after) }

    /** The allergies that a text names, stored at once. */
    suspend fun addAllergies(text: String): Boolean = change { addAllergies(memberId, text) }

    /** One allergy less, stored at once. */
    suspend fun removeAllergy(text: String): Boolean = change { removeAllergy(memberId, text) }

    private suspend fun change(block: ClerkApp.() -> Unit): Boolean {
        if (busy) return false
        busy = true
        failure = failureOf { core.call(block) }
        busy = false
        return failure == null
    }
}
