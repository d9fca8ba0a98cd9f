package cn.yaoban.ui.model

import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.setValue
import cn.yaoban.core.Allergy
import cn.yaoban.core.ClerkApp
import cn.yaoban.core.Profile
import cn.yaoban.core.ProfileFields
import cn.yaoban.core.bridge.ClerkCore

/** What is known of a member, corrected. */
class EditModel(
    private val core: ClerkCore,
    private val memberId: String,
) {
    /** What is known; none until it was read. */
    var profile: Profile? by mutableStateOf(null)
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
        core.watch { profile(memberId) }.collect { result ->
            profile = result.getOrNull()
            failure = result.failure
        }
    }

    /** Stores what was changed, with the [birthday] as it was typed; whether it was. */
    suspend fun save(
        edit: ProfileFields,
        birthday: String,
    ): Boolean = change { editMember(memberId, edit.copy(birthday = typedBirthday(birthday))) }

    /** The allergies that a text names, stored at once. */
    suspend fun addAllergies(text: String) {
        var named = emptyList<Allergy>()
        failure = failureOf { named = core.call { typedAllergies(memberId, text) } }
        if (named.isNotEmpty()) allergies((known() + named).distinct())
    }

    /** One allergy less, stored at once. */
    suspend fun removeAllergy(text: String): Boolean = allergies(known().filter { it.text != text })

    private suspend fun allergies(all: List<Allergy>) = change { editMember(memberId, ProfileFields(allergies = all)) }

    private fun known() = profile?.allergies.orEmpty().map { Allergy(it.text, it.ingredients) }

    private suspend fun change(block: ClerkApp.() -> Unit): Boolean {
        if (busy || profile == null) return false
        busy = true
        failure = failureOf { core.call(block) }
        busy = false
        return failure == null
    }
}
