package cn.yaoban.ui

/** What the app was opened for, other than by its icon. */
sealed interface Opened {
    /** A pairing link. */
    data class Pairing(val code: String) : Opened

    /** The notification of due tasks. */
    data object Tasks : Opened

    /** A recording that was shared with the app: the call that it is of is still to be said. */
    data object Recording : Opened
}
