package cn.yaoban.ui

import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateListOf
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.saveable.listSaver
import androidx.compose.runtime.setValue
import androidx.compose.ui.graphics.vector.ImageVector
import cn.yaoban.core.DialTarget

/** The screens at the bottom of the way. */
internal enum class Tab(
    val key: String,
    val icon: ImageVector,
) {
    COUNTER("nav.counter", Icons.search),
    TASKS("nav.tasks", Icons.tasks),
    MEMBERS("nav.members", Icons.members),
    TODAY("nav.today", Icons.today),
    PHONE("nav.phone", Icons.settings),
}

/** The screens that lie over a tab. */
internal enum class What { MEMBER, CALL_TASK, CALL_MEMBER, READINGS, HISTORY, REGISTER, MESSAGE, MESSAGE_TASK, WAITING, EDIT }

/** A screen over a tab: what it shows, and of whom. */
internal data class Place(
    val what: What,
    val id: String = "",
) {
    /** Whom a call from here is for. */
    fun target(): DialTarget = if (what == What.CALL_TASK) DialTarget.Task(id) else DialTarget.Member(id)
}

/** Where a call begins. */
internal fun DialTarget.place(): Place =
    when (this) {
        is DialTarget.Task -> Place(What.CALL_TASK, v1)
        is DialTarget.Member -> Place(What.CALL_MEMBER, v1)
    }

/** Where the clerk is, and the way back. Survives the process. */
internal class Way(
    tab: Tab = Tab.COUNTER,
    places: List<Place> = emptyList(),
) {
    private val stack = mutableStateListOf<Place>().apply { addAll(places) }

    /** The tab below everything. */
    var tab by mutableStateOf(tab)
        private set

    /** The screen on top; none: the tab itself. */
    val top: Place? get() = stack.lastOrNull()

    /** The screen on top was opened from the list of tasks itself. */
    val overTasks: Boolean get() = tab == Tab.TASKS && stack.size == 1

    /** Shows a tab, with nothing over it. */
    fun show(tab: Tab) {
        stack.clear()
        this.tab = tab
    }

    /** Goes to a screen; the same one twice is once. */
    fun to(
        what: What,
        id: String = "",
    ) = to(Place(what, id))

    /** Goes to a screen; the same one twice is once. */
    fun to(place: Place) {
        if (place != top) stack.add(place)
    }

    /** Goes to a screen in place of the one on top. */
    fun instead(
        what: What,
        id: String = "",
    ) {
        stack.removeLastOrNull()
        to(what, id)
    }

    /** One step back. */
    fun back() {
        stack.removeLastOrNull()
    }

    companion object {
        val Saver =
            listSaver<Way, String>(
                save = { way -> listOf(way.tab.name) + way.stack.flatMap { listOf(it.what.name, it.id) } },
                restore = { saved ->
                    Way(Tab.valueOf(saved.first()), saved.drop(1).chunked(2) { (what, id) -> Place(What.valueOf(what), id) })
                },
            )
    }
}
