package cn.yaoban.core.bridge

import cn.yaoban.core.BackgroundListener
import cn.yaoban.core.BackgroundSync
import cn.yaoban.core.CancelHandle
import cn.yaoban.core.ClerkApp
import cn.yaoban.core.ClerkException
import cn.yaoban.core.DataListener
import cn.yaoban.core.ErrorKind
import cn.yaoban.core.KeyVault
import cn.yaoban.core.ProgressListener
import cn.yaoban.core.SyncProgress
import cn.yaoban.core.SyncReport
import cn.yaoban.core.WallClock
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.async
import kotlinx.coroutines.channels.BufferOverflow
import kotlinx.coroutines.channels.awaitClose
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.MutableSharedFlow
import kotlinx.coroutines.flow.buffer
import kotlinx.coroutines.flow.callbackFlow
import kotlinx.coroutines.flow.conflate
import kotlinx.coroutines.flow.distinctUntilChanged
import kotlinx.coroutines.flow.flowOn
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.flow.onSubscription
import kotlinx.coroutines.withContext
import java.io.File

/**
 * The core for coroutines: calls that may be made from the main thread, lists that follow changes, and
 * cancellation that reaches the core. It decides nothing.
 */
class ClerkCore private constructor(
    private val app: ClerkApp,
    private val io: CoroutineDispatcher,
) {
    private val changes = MutableSharedFlow<Unit>(extraBufferCapacity = 1, onBufferOverflow = BufferOverflow.DROP_OLDEST)

    @Volatile
    private var background: BackgroundSync? = null

    init {
        app.setDataListener(
            object : DataListener {
                override fun changed() {
                    changes.tryEmit(Unit)
                }
            },
        )
    }

    /**
     * A call of the core, off the main thread: `core.call { profile(id) }`. It is not cut short; for calls that take a
     * handle see [cancellable].
     */
    suspend fun <T> call(block: ClerkApp.() -> T): T = withContext(io) { app.block() }

    /** A call that may take long. Cancelling the coroutine cancels the call, and returns once it has ended. */
    suspend fun <T> cancellable(block: ClerkApp.(CancelHandle) -> T): T =
        CancelHandle().use { handle ->
            coroutineScope {
                // What the call says of its own end must not replace the cancellation, so it is a value.
                val work = async(io) { runCatching { app.block(handle) } }
                try {
                    work.await().getOrThrow()
                } catch (cancelled: CancellationException) {
                    handle.cancel()
                    throw cancelled
                }
            }
        }

    /**
     * What [read] gives, now and whenever rows change; changes that come faster than it reads are taken
     * together. An error of the core is a failure in the flow, which goes on: after the lock fell and the
     * clerk signed in again the list is there.
     */
    fun <T> watch(read: ClerkApp.() -> T): Flow<Result<T>> =
        changes
            .onSubscription { emit(Unit) }
            .conflate()
            .map {
                try {
                    Result.success(app.read())
                } catch (error: ClerkException) {
                    Result.failure(error)
                }
            }.flowOn(io)
            .conflate()
            .distinctUntilChanged()

    /** One round with the hub. */
    suspend fun sync(progress: (SyncProgress) -> Unit = {}): SyncReport =
        cancellable { handle ->
            sync(
                object : ProgressListener {
                    override fun progress(progress: SyncProgress) = progress(progress)
                },
                handle,
            )
        }

    /** Round after round, for as long as the flow is collected. One at a time. */
    fun backgroundSync(): Flow<BackgroundEvent> =
        callbackFlow {
            val running =
                app.startBackgroundSync(
                    object : BackgroundListener {
                        override fun progress(progress: SyncProgress) {
                            trySend(BackgroundEvent.Progress(progress))
                        }

                        override fun synced(report: SyncReport) {
                            trySend(BackgroundEvent.Synced(report))
                        }

                        override fun failed(error: ClerkException) {
                            trySend(BackgroundEvent.Failed(error))
                        }
                    },
                )
            background = running
            awaitClose {
                background = null
                running.cancel()
                running.close()
            }
        }.buffer(EVENTS_MAX, BufferOverflow.DROP_OLDEST).flowOn(io)

    /** The network is back: the background does not wait any longer. What is new to send wakes it by itself. */
    fun wakeBackgroundSync() {
        background?.wake()
    }

    /** Closes the file; the core is of no use afterwards. */
    suspend fun close() {
        withContext(NonCancellable + io) {
            app.setDataListener(null)
            try {
                app.pause()
            } finally {
                app.close()
            }
        }
    }

    companion object {
        private const val EVENTS_MAX = 64

        /** Opens the phone in [home]. Reads the key from [vault] once. Without a [clock] the system's counts. */
        suspend fun open(
            home: File,
            vault: KeyVault,
            clock: WallClock? = null,
            io: CoroutineDispatcher = Dispatchers.IO,
        ): ClerkCore = withContext(io) { ClerkCore(ClerkApp.open(home.path, vault, clock), io) }
    }
}

/** What the background does. */
sealed interface BackgroundEvent {
    /** How far a round is. */
    data class Progress(val progress: SyncProgress) : BackgroundEvent

    /** A round got through. */
    data class Synced(val report: SyncReport) : BackgroundEvent

    /** A round did not get through. */
    data class Failed(val error: ClerkException) : BackgroundEvent
}

private val ClerkException.failed: ClerkException.Failed
    get() =
        when (this) {
            is ClerkException.Failed -> this
        }

/** What it is about. */
val ClerkException.kind: ErrorKind get() = failed.kind

/** The stable code, for the wording. */
val ClerkException.code: String get() = failed.code

/** Values for the wording. */
val ClerkException.values: List<WordingValue> get() = failed.values
