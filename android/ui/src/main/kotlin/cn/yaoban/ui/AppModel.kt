package cn.yaoban.ui

import androidx.lifecycle.ViewModel
import cn.yaoban.core.bridge.ClerkCore
import cn.yaoban.ui.model.CallModel
import cn.yaoban.ui.model.GroupModel
import cn.yaoban.ui.model.PairingModel
import cn.yaoban.ui.model.SearchModel
import cn.yaoban.ui.model.SignInModel
import cn.yaoban.ui.model.SyncModel
import cn.yaoban.ui.model.TaskListModel

/** The models that outlive a turn of the device, and a look at another screen. */
internal class AppModel(
    val core: ClerkCore,
) : ViewModel() {
    val pairing = PairingModel(core)
    val signIn = SignInModel(core)
    val sync = SyncModel(core)
    val search = SearchModel(core)
    val tasks = TaskListModel(core)
    val groups = GroupModel(core)
    private val calls = mutableMapOf<Place, CallModel>()

    /**
     * The call of a place: the one that is under way, also after the app was ended meanwhile, or a new one. What
     * was said of a call is forgotten when its screen is left.
     */
    suspend fun call(place: Place): CallModel =
        calls.getOrPut(place) {
            val open = runCatching { core.call { openAttempts() } }.getOrDefault(emptyList())
            open.firstOrNull { it.target == place.target() }?.let { CallModel(core, it) } ?: CallModel(core, place.target())
        }

    /** The screen of a call was left. */
    fun leave(place: Place) {
        calls.remove(place)
    }
}
