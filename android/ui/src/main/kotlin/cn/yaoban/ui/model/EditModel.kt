package cn.yaoban.ui.model

import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.setValue
import cn.yaoban.core.Allergy
import cn.yaoban.core.Profile
import cn.yaoban.core.ProfileFields
import cn.yaoban.core.bridge.ClerkCore
import java.time.LocalDate

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

    /** What was typed as the birthday is none. */
    var noBirthday by mutableStateOf(false)
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

    /** The birthday that is typed; none: it is none, see [noBirthday], or nothing is typed. */
    suspend fun birthday(text: String): LocalDate? =
        core.call { typedBirthday(text) }.also { noBirthday = it == null && text.isNotBlank() }

    /** Stores what was changed; whether it was. With a [birthday] that is none nothing is. */
    suspend fun save(
        edit: ProfileFields,
        birthday: String,
    ): Boolean {
        val day = birthday(birthday)
        return !noBirthday && change(edit.copy(birthday = day))
    }

    /** The allergies that a text names, stored at once. */
    suspend fun addAllergies(text: String) {
        var named = emptyList<Allergy>()
        failure = failureOf { named = core.call { typedAllergies(memberId, text) } }
        if (named.isNotEmpty()) change(ProfileFields(allergies = (known() + named).distinct()))
    }

    /** One allergy less, stored at once. */
    suspend fun removeAllergy(text: String): Boolean = change(ProfileFields(allergies = known().filter { it.text != text }))

    private fun known() = profile?.allergies.orEmpty().map { Allergy(it.text, it.ingredients) }

    private suspend fun change(edit: ProfileFields): Boolean {
        if (busy || profile == null) return false
        busy = true
        failure = failureOf { core.call { editMember(memberId, edit) } }
        busy = false
        return failure == null
    }
}
