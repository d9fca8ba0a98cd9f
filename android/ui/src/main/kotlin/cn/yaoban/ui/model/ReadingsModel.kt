package cn.yaoban.ui.model

import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.setValue
import cn.yaoban.core.MemberRow
import cn.yaoban.core.NewReading
import cn.yaoban.core.ReadingAdded
import cn.yaoban.core.Readings
import cn.yaoban.core.bridge.ClerkCore

/** A member's readings, and a new one. */
class ReadingsModel(
    private val core: ClerkCore,
    private val memberId: String,
) {
    /** `bp` or `glucose`. A screen calls [follow] anew when it changes. */
    var kind by mutableStateOf("bp")

    /** Who it is. */
    var member: MemberRow? by mutableStateOf(null)
        private set

    /** The readings of this kind, newest first; none until they were read. */
    var readings: Readings? by mutableStateOf(null)
        private set

    /** What was stored last, with its grade. */
    var added: ReadingAdded? by mutableStateOf(null)
        private set

    /** Why there are none, or why one was not stored. */
    var failure: Failure? by mutableStateOf(null)
        private set

    /** Shows the readings, and again whenever rows change, until it is cancelled. */
    suspend fun follow() {
        val asked = kind
        core.watch { profile(memberId).member to readings(memberId, asked, SHOWN_MAX) }.collect { result ->
            member = result.getOrNull()?.first
            readings = result.getOrNull()?.second
            failure = result.exceptionOrNull()?.let(Failure::of)
        }
    }

    /** Stores a reading; whether it was. */
    suspend fun add(new: NewReading): Boolean {
        failure = failureOf { added = core.call { addReading(memberId, new) } }
        return failure == null
    }

    private companion object {
        // A year of weekly readings and more.
        const val SHOWN_MAX = 100u
    }
}
