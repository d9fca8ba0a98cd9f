package cn.yaoban.app

import android.content.Context
import cn.yaoban.core.bridge.ClerkCore
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.flow.collectLatest
import kotlinx.coroutines.flow.filterIsInstance
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.launch

/** What the device brings in while the app is on the screen; the rounds with the hub are the screens' own. */
class Foreground(
    private val context: Context,
    private val device: DevicePlatform,
) {
    /** Until it is cancelled. */
    suspend fun run() {
        context.phone.state.filterIsInstance<Phone.State.Open>().collectLatest { follow(it.core) }
    }

    private suspend fun follow(core: ClerkCore) =
        coroutineScope {
            launch {
                Networks.followed(context).collect {
                    core.call { setNetwork(it) }
                    core.wakeBackgroundSync()
                }
            }
            // Asked for when there is something to tell of, and not on the first screen.
            core.watch { status().staffId }.first { it.getOrNull() != null }
            device.askForNotifications()
        }
}
