package cn.yaoban.ui.model

import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.setValue
import cn.yaoban.core.ClerkApp
import cn.yaoban.core.StaffRow
import cn.yaoban.core.bridge.ClerkCore
import cn.yaoban.ui.Platform

/** Who uses the phone, and its lock. */
class SignInModel(
    private val core: ClerkCore,
) {
    /** Who may use the phone; none until it was read. */
    var staff: List<StaffRow>? by mutableStateOf(null)
        private set

    /** Who is signed in, locked or not. */
    var signedIn: String? by mutableStateOf(null)
        private set

    /** The lock has fallen. */
    var locked by mutableStateOf(false)
        private set

    /** Why somebody could not sign in, or the list is not there. */
    var failure: Failure? by mutableStateOf(null)
        private set

    /** Who is signed in and unlocked. */
    val current: StaffRow? get() = staff?.firstOrNull { it.staffId == signedIn && !locked }

    /**
     * Reads who is there and whether the lock has fallen; also when the app comes to the front, since the lock
     * falls by time.
     */
    suspend fun refresh() {
        failure =
            failureOf {
                val (rows, who, lock) = core.call { Triple(staff(), signedIn(), isLocked()) }
                staff = rows
                signedIn = who
                locked = lock
            }
    }

    /** Signs somebody in, or lifts the lock. */
    suspend fun signIn(
        staffId: String,
        pin: String? = null,
    ) = change { switchStaff(staffId, pin) }

    /** Signs somebody in by the PIN that was typed on this device. */
    suspend fun signIn(
        staffId: String,
        pin: String,
        platform: Platform,
    ) {
        signIn(staffId, pin)
        if (failure == null) platform.biometrics?.trust()
    }

    /** Signs somebody in whom the device recognises. */
    suspend fun recognise(
        staffId: String,
        reason: String,
        platform: Platform,
    ) {
        if (platform.biometrics?.recognise(reason) == true) change { switchStaffBiometric(staffId) }
    }

    /** Sets the first PIN of somebody. */
    suspend fun setPin(
        staffId: String,
        new: String,
    ) = change { setPin(staffId, null, new) }

    /** The lock falls now. */
    suspend fun lock() = change { lockNow() }

    /** Nobody uses the phone; the next person chooses itself. */
    suspend fun signOut() = change { signOut() }

    /** Somebody touched the phone: nothing else puts the lock off. */
    suspend fun touched() {
        // Refused once the lock has fallen, which is then to be seen.
        if (failureOf { core.call { touch() } } != null) refresh()
    }

    /** What was refused is forgotten: another person, or another try. */
    fun tryAgain() {
        failure = null
    }

    private suspend fun change(block: ClerkApp.() -> Unit) {
        val refused = failureOf { core.call(block) }
        refresh()
        failure = refused ?: failure
    }
}
