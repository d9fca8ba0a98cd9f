package cn.yaoban.ui.model

import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.setValue
import cn.yaoban.core.ClerkApp
import cn.yaoban.core.DrawnSignature
import cn.yaoban.core.NewConsent
import cn.yaoban.core.NewRegimen
import cn.yaoban.core.Profile
import cn.yaoban.core.ReadingRow
import cn.yaoban.core.bridge.ClerkCore
import java.time.LocalDate

/** A member at a glance. */
class MemberModel(
    private val core: ClerkCore,
    /** Who it is. */
    val memberId: String,
) {
    /** The profile; none until it was read, and on a locked phone. */
    var profile: Profile? by mutableStateOf(null)
        private set

    /** The last readings, newest first: for the small line beside the last one. */
    var readings: List<ReadingRow> by mutableStateOf(emptyList())
        private set

    /** From when on the call that was planned last is on the list. */
    var planned: LocalDate? by mutableStateOf(null)
        private set

    /** Why there is no profile, or why what was asked for was not done. */
    var failure: Failure? by mutableStateOf(null)
        private set

    /** Something is being stored. */
    var busy by mutableStateOf(false)
        private set

    /** Shows the member, and again whenever rows change, until it is cancelled. */
    suspend fun follow() {
        // That it was opened only orders a list: no reason to show nobody.
        failureOf { core.call { rememberOpened(memberId) } }
        core.watch { profile(memberId) to readings(memberId, null, READINGS_MAX).readings }.collect { result ->
            profile = result.getOrNull()?.first
            readings = result.getOrNull()?.second.orEmpty()
            failure = result.failure
        }
    }

    /** Writes a note. Whether it was stored. */
    suspend fun note(text: String): Boolean = change { addNote(memberId, text, null) }

    /** Adds a tag. */
    suspend fun addTag(tag: String): Boolean = change { tag(memberId, listOf(tag), emptyList()) }

    /** Removes a tag. */
    suspend fun removeTag(tag: String): Boolean = change { tag(memberId, emptyList(), listOf(tag)) }

    /** Records a consent, with what the member signed it, or its withdrawal. */
    suspend fun consent(
        new: NewConsent,
        signature: DrawnSignature?,
    ): Boolean = change { setConsent(memberId, new, signature) }

    /** Records how the member takes a medicine. */
    suspend fun regimen(new: NewRegimen): Boolean = change { setRegimen(memberId, new) }

    /** Records how much of a medicine is taken a day, as it was typed. */
    suspend fun dailyUnits(
        ingredient: String,
        typed: String,
    ): Boolean = change { setRegimen(memberId, NewRegimen(ingredient, dailyUnitsMilli = typedUnits(typed))) }

    /** What was refused is forgotten: another question. */
    fun askAnew() {
        failure = null
    }

    /** Plans a call, on the list from a day on. */
    suspend fun callOn(day: LocalDate) {
        if (change { planCall(memberId, day) }) planned = day
    }

    private suspend fun change(block: ClerkApp.() -> Unit): Boolean {
        if (busy) return false
        busy = true
        failure = failureOf { core.call(block) }
        busy = false
        return failure == null
    }

    private companion object {
        const val READINGS_MAX = 24u
    }
}
