package cn.yaoban.ui.model

import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.setValue
import cn.yaoban.core.ConsentForm
import cn.yaoban.core.DiseaseRow
import cn.yaoban.core.NewMember
import cn.yaoban.core.Registered
import cn.yaoban.core.TypedMember
import cn.yaoban.core.bridge.ClerkCore
import java.time.LocalDate

/** A new member at the counter. */
class RegisterModel(
    private val core: ClerkCore,
) {
    /** Who was registered, and who else is on the number. */
    var registered: Registered? by mutableStateOf(null)
        private set

    /** What a new member is asked; none until that was read. */
    var form: Form? by mutableStateOf(null)
        private set

    /** What was typed as the birthday is none. */
    var noBirthday by mutableStateOf(false)
        private set

    /** It is being stored. */
    var busy by mutableStateOf(false)
        private set

    /** Why nobody was. */
    var failure: Failure? by mutableStateOf(null)
        private set

    /** Reads what a new member is asked, for whom [typed] is known already. */
    suspend fun begin(typed: String) {
        failure = failureOf { form = core.call { Form(beginRegistration(typed), sexes(), diseases(), consentForms()) } }
    }

    /** The birthday that is typed; none: it is none, see [noBirthday], or nothing is typed. */
    suspend fun birthday(text: String): LocalDate? =
        core.call { typedBirthday(text) }.also { noBirthday = it == null && text.isNotBlank() }

    /** Registers; without a network too. With a [birthday] that is none nobody is. */
    suspend fun register(
        new: NewMember,
        birthday: String,
    ) {
        if (busy || registered != null) return
        busy = true
        failure =
            failureOf {
                val day = birthday(birthday)
                if (!noBirthday) registered = core.call { register(new.copy(birthday = day)) }
            }
        busy = false
    }

    /** What a new member is asked. */
    data class Form(
        /** Name or number that was typed before. */
        val typed: TypedMember,
        /** Codes of the sexes. */
        val sexes: List<String>,
        /** What may be wrong with a member. */
        val diseases: List<DiseaseRow>,
        /** What is to be consented to. */
        val consents: List<ConsentForm>,
    )
}
