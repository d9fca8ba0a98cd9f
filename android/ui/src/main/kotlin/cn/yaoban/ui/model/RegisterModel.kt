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

    /** Registers, with the [birthday] as it was typed; without a network too. */
    suspend fun register(
        new: NewMember,
        birthday: String,
    ) {
        if (busy || registered != null) return
        busy = true
        failure = failureOf { registered = core.call { register(new.copy(birthday = typedBirthday(birthday))) } }
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
