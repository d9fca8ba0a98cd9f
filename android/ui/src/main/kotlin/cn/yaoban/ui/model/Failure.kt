package cn.yaoban.ui.model

import cn.yaoban.core.ClerkException
import cn.yaoban.core.ErrorKind
import cn.yaoban.core.bridge.WordingValue
import cn.yaoban.core.bridge.code
import cn.yaoban.core.bridge.kind
import cn.yaoban.core.bridge.values
import kotlinx.coroutines.CancellationException

/** Why something could not be done, as a screen needs it: what to do by kind, what to say by code and values. */
data class Failure(
    /** What it is about; none: a mistake in the app or the core, not a refusal. */
    val kind: ErrorKind?,
    /** The stable code, for the wording. */
    val code: String,
    /** Values for the wording. */
    val values: List<WordingValue> = emptyList(),
) {
    companion object {
        /** What the core said, or `internal` for anything else. */
        fun of(error: Throwable): Failure =
            if (error is ClerkException) Failure(error.kind, error.code, error.values) else Failure(null, "internal")
    }
}

/** Why there is nothing; none: there is something. */
internal val Result<*>.failure: Failure? get() = exceptionOrNull()?.let(Failure::of)

/** Does [work]; why it did not get through, if it did not. */
@Suppress("TooGenericExceptionCaught") // Whatever goes wrong is said, and never ends the app.
internal inline fun failureOf(work: () -> Unit): Failure? =
    try {
        work()
        null
    } catch (cancelled: CancellationException) {
        throw cancelled
    } catch (error: Exception) {
        Failure.of(error)
    }
