package cn.yaoban.core.bridge

import cn.yaoban.core.CancelHandle
import cn.yaoban.core.ClerkException
import cn.yaoban.core.ProgressListener
import cn.yaoban.core.SyncProgress
import cn.yaoban.core.SyncStage

/** Pairs. The first load is cut short with the beginning of each of its two chunks here, the catalogue's and the store's. */
suspend fun ClerkCore.pairAndCutShort(hub: TestHub) {
    call { pair(hub.pairingCode(), "test") }
    val cut = runCatching { cancellable { sync(CutAtChunk(2, it), it) } }.exceptionOrNull()
    check((cut as? ClerkException)?.code == "cancelled") { "the first load was not cut short: $cut" }
}

/** Ends a round when the chunk of this [number] is at the store: it takes that one in, and no more. */
private class CutAtChunk(
    private val number: Int,
    private val handle: CancelHandle,
) : ProgressListener {
    private var chunks = 0

    override fun progress(progress: SyncProgress) {
        if (progress.stage == SyncStage.LOADING && ++chunks == number) handle.cancel()
    }
}
