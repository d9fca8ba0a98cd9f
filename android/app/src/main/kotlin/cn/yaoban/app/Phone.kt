package cn.yaoban.app

import cn.yaoban.core.ClerkException
import cn.yaoban.core.WallClock
import cn.yaoban.core.bridge.ClerkCore
import cn.yaoban.core.bridge.code
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock
import kotlinx.coroutines.withContext
import java.io.File

/** The one core of the process, for the screens and for the work in the background. */
class Phone(
    private val home: File,
    private val vault: KeystoreVault,
    private val seal: BiometricSeal,
    private val clock: WallClock?,
) {
    /** How the phone's file stands. */
    sealed interface State {
        /** Not open yet. */
        data object Opening : State

        /** Open. */
        data class Open(val core: ClerkCore) : State

        /** It could not be opened. [keyLost]: and never will be. */
        data class Failed(
            val code: String,
            val keyLost: Boolean,
        ) : State
    }

    private val opening = Mutex()
    private val states = MutableStateFlow<State>(State.Opening)

    /** How it stands, followed. */
    val state: StateFlow<State> = states.asStateFlow()

    /** The core, opened if it is not open. */
    suspend fun core(): ClerkCore = opening.withLock { opened() }

    /** The data are gone, or their key: what is left of them is closed and the phone opened as a new one. */
    suspend fun beginAnew() {
        withContext(NonCancellable) {
            opening.withLock {
                closed()
                vault.destroy()
                seal.destroy()
                opened()
            }
        }
    }

    /** Closes the file. The next call of [core] opens it again. */
    suspend fun close() {
        withContext(NonCancellable) { opening.withLock { closed() } }
    }

    private suspend fun opened(): ClerkCore {
        (states.value as? State.Open)?.let { return it.core }
        return try {
            home.mkdirs() // if it cannot, opening says so
            ClerkCore.open(home, vault, clock).also { states.value = State.Open(it) }
        } catch (error: ClerkException) {
            states.value = State.Failed(error.code, vault.lost)
            throw error
        }
    }

    private suspend fun closed() {
        val open = states.value as? State.Open
        states.value = State.Opening
        try {
            open?.core?.close()
        } catch (_: ClerkException) {
            // After `unpair` there is nothing left to close.
        }
    }
}
