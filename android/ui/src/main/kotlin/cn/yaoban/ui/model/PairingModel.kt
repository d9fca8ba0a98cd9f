package cn.yaoban.ui.model

import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.setValue
import cn.yaoban.core.Paired
import cn.yaoban.core.PairingOffer
import cn.yaoban.core.PhoneStage
import cn.yaoban.core.SyncProgress
import cn.yaoban.core.bridge.ClerkCore
import kotlinx.coroutines.Job
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch

/** Pairing and the first load, which goes on where it was cut short. */
class PairingModel(
    private val core: ClerkCore,
) {
    /** How far it is. */
    sealed interface Phase {
        /** It is not known yet where the phone stands. */
        data object Unknown : Phase

        /** Waits for the hub's one-time code. */
        data object Code : Phase

        /** The code is at the hub. */
        data object Pairing : Phase

        /** Whose phone the code makes; the clerk says whether that is right. */
        data class Offered(val offer: PairingOffer) : Phase

        /** The members come in. */
        data class Loading(val progress: SyncProgress?) : Phase

        /** Paired; the first load did not get through. What came in stays. */
        data object Interrupted : Phase

        /** The phone can be used. */
        data object Ready : Phase
    }

    /** What was typed or scanned. */
    var code by mutableStateOf("")

    /** How far it is. */
    var phase: Phase by mutableStateOf(Phase.Unknown)
        private set

    /** The chain and store, from the hub; after a start of the app from the phone itself. */
    var paired: Paired? by mutableStateOf(null)
        private set

    /** Bytes that came in during the first load. */
    var loadedBytes by mutableStateOf(0uL)
        private set

    /** People can sign in and work with what came in of the first load. */
    var usable by mutableStateOf(false)
        private set

    /** Why it did not get on. */
    var failure: Failure? by mutableStateOf(null)
        private set

    private var loading: Job? = null
    private var starting = false

    /** Finds out where the phone stands, after a start of the app. */
    suspend fun begin() {
        failure =
            failureOf {
                val status = core.call { status() }
                if (status.stage != PhoneStage.UNPAIRED) paired = Paired(status.chainName, status.storeId, status.storeName, null)
                phase =
                    when (status.stage) {
                        PhoneStage.UNPAIRED -> Phase.Code
                        PhoneStage.LOADING -> Phase.Interrupted
                        PhoneStage.READY -> Phase.Ready
                    }
            }
    }

    /** Shows what came in, until it is cancelled. */
    suspend fun follow() {
        // A watch conflates, so it is asked for as often as it can be told and no oftener.
        core
            .watch { storage().loadingBytes to (status().firstLoad?.usable == true) }
            .collect { result ->
                result.onSuccess { (bytes, enough) ->
                    loadedBytes = bytes
                    usable = enough
                }
            }
    }

    /** Asks the hub whose phone the code makes. The code stays good. */
    suspend fun ask() {
        if (phase != Phase.Code) return
        phase = Phase.Pairing
        var offer: PairingOffer? = null
        try {
            failure = failureOf { offer = core.call { pairingOffer(code) } }
        } finally {
            phase = offer?.let { Phase.Offered(it) } ?: Phase.Code
        }
    }

    /** It is another's phone; another code may be typed. */
    fun decline() {
        if (phase !is Phase.Offered) return
        code = ""
        phase = Phase.Code
    }

    /** Pairs by the code that was accepted, then loads. */
    suspend fun pair(deviceName: String) {
        if (phase !is Phase.Offered) return
        failure = null
        phase = Phase.Pairing
        val refused = failureOf { paired = core.call { pair(code, deviceName) } }
        if (refused != null) {
            failure = refused
            phase = Phase.Code
            return
        }
        code = ""
        phase = Phase.Interrupted
        load()
    }

    /** Loads, or goes on loading. */
    suspend fun load() {
        if (phase != Phase.Interrupted) return
        failure = null
        phase = Phase.Loading(null)
        starting = false
        try {
            coroutineScope {
                val work = launch { round() }
                loading = work
                work.join()
            }
        } finally {
            loading = null
            if (phase is Phase.Loading) phase = if (starting) Phase.Ready else Phase.Interrupted
        }
    }

    /** Ends the load; [load] goes on with it. */
    fun stop() {
        loading?.cancel()
    }

    /** Work begins with what came in; the rounds of the app that is open go on with the load. */
    fun start() {
        if (!usable) return
        // Two rounds at a time there are not: this one ends first.
        starting = true
        if (phase == Phase.Interrupted) phase = Phase.Ready else stop()
    }

    private suspend fun round() {
        failure =
            failureOf {
                core.sync { phase = Phase.Loading(it) }
                if (core.call { status() }.stage == PhoneStage.READY) phase = Phase.Ready
            }
    }
}
