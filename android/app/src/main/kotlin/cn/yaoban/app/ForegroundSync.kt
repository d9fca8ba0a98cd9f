package cn.yaoban.app

import android.content.Context
import cn.yaoban.core.bridge.BackgroundEvent
import cn.yaoban.core.bridge.ClerkCore
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.flow.collectLatest
import kotlinx.coroutines.flow.distinctUntilChanged
import kotlinx.coroutines.flow.filterIsInstance
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.launch

/** While the app is on the screen: the core's loop of rounds, and which network there is. */
class ForegroundSync(
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
            core
                .watch { status().paired }
                .map { it.getOrDefault(false) }
                .distinctUntilChanged()
                .collectLatest { paired -> if (paired) loop(core) }
        }

    private suspend fun loop(core: ClerkCore) {
        device.askForNotifications()
        core.backgroundSync().collect { if (it is BackgroundEvent.Synced) Notices.tellDue(context, core) }
    }
}
