package cn.yaoban.ui.model

import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.setValue
import cn.yaoban.core.ConsentForm
import cn.yaoban.core.DiseaseRow
import cn.yaoban.core.NewMember
import cn.yaoban.core.Registered
import cn.yaoban.core.bridge.ClerkCore

/** A new member at the counter. */
class RegisterModel(
    private val core: ClerkCore,
) {
    /** Who was registered, and who else is on the number. */
    var registered: Registered? by mutableStateOf(null)
        private set

    /** What a new member is asked to consent to; none until that was read. */
    var consentForms: List<ConsentForm> by mutableStateOf(emptyList())
        private set

    /** What may be wrong with a member; none until that was read. */
    var diseases: List<DiseaseRow> by mutableStateOf(emptyList())
        private set

    /** It is being stored. */
    var busy by mutableStateOf(false)
        private set

    /** Why nobody was. */
    var failure: Failure? by mutableStateOf(null)
        private set

    /** Reads what a new member is asked. */
    suspend fun begin() {
        val (forms, known) = core.call { consentForms() to diseases() }
        consentForms = forms
        diseases = known
    }

    /** Registers; without a network too. */
    suspend fun register(new: NewMember) {
        if (busy || registered != null) return
        busy = true
        failure = failureOf { registered = core.call { register(new) } }
        busy = false
    }
}
