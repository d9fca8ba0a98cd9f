package cn.yaoban.ui.model

import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.setValue
import cn.yaoban.core.MemberRow
import cn.yaoban.core.ReadingAdded
import cn.yaoban.core.ReadingCheck
import cn.yaoban.core.ReadingForm
import cn.yaoban.core.Readings
import cn.yaoban.core.TypedReading
import cn.yaoban.core.bridge.ClerkCore
import kotlinx.coroutines.delay
import kotlin.time.Duration.Companion.milliseconds

/** A member's readings, and a new one. */
class ReadingsModel(
    private val core: ClerkCore,
    private val memberId: String,
) {
    /** Which kind, as a code; at first that of the first form. A screen calls [follow] anew when it changes. */
    var kind by mutableStateOf("")

    /** Who it is. */
    var member: MemberRow? by mutableStateOf(null)
        private set

    /** The readings of this kind, newest first; none until they were read. */
    var readings: Readings? by mutableStateOf(null)
        private set

    /** What readings are typed into, one form for each kind; none until that was read. */
    var forms: List<ReadingForm> by mutableStateOf(emptyList())
        private set

    /** What was typed when the core looked last, and what it says. */
    var checked: Checked? by mutableStateOf(null)
        private set

    /** What was stored last, with its grade. */
    var added: ReadingAdded? by mutableStateOf(null)
        private set

    /** Why there are none, or why one was not stored. */
    var failure: Failure? by mutableStateOf(null)
        private set

    /** Shows the readings, and again whenever rows change, until it is cancelled. */
    suspend fun follow() {
        forms = core.call { readingForms() }
        val asked = kind.ifEmpty { forms.first().kind }
        kind = asked
        core.watch { profile(memberId).member to trend(memberId, asked) }.collect { result ->
            member = result.getOrNull()?.first
            readings = result.getOrNull()?.second
            failure = result.failure
        }
    }

    /** Looks at what is typed, once the typing rests; a screen calls it anew when that changes. Nothing is stored. */
    suspend fun check(typed: TypedReading) {
        delay(REST)
        failure = failureOf { checked = Checked(typed, core.call { checkTyped(memberId, typed) }) }
    }

    /** Stores a reading; whether it was. */
    suspend fun add(typed: TypedReading): Boolean {
        failure = failureOf { added = core.call { addTyped(memberId, typed) } }
        return failure == null
    }

    /** What was typed, and what it says; none: nothing was. */
    data class Checked(
        val typed: TypedReading,
        val says: ReadingCheck?,
    )

    private companion object {
        // On the way to 12.5 there is a 1, which would be an emergency.
        val REST = 250.milliseconds
    }
}
