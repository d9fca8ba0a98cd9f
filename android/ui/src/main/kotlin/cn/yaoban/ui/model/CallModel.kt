package cn.yaoban.ui.model

import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.setValue
import cn.yaoban.core.Awaits
import cn.yaoban.core.CarrierResult
import cn.yaoban.core.ClerkApp
import cn.yaoban.core.DialTarget
import cn.yaoban.core.EndedAttempt
import cn.yaoban.core.GateVerdict
import cn.yaoban.core.MemberRow
import cn.yaoban.core.NewOutcome
import cn.yaoban.core.OpenAttempt
import cn.yaoban.core.OutcomeChoices
import cn.yaoban.core.RecordedOutcome
import cn.yaoban.core.Script
import cn.yaoban.core.TaskRow
import cn.yaoban.core.bridge.ClerkCore
import cn.yaoban.core.bridge.Secret
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.withContext

/** A call: dial, what the carrier said, what came of it, and taking that back. */
class CallModel(
    private val core: ClerkCore,
    private val target: DialTarget,
) {
    /** How far it is. */
    sealed interface Phase {
        /** Nothing was dialled. */
        data object Ready : Phase

        /** The dialler has the number; what the carrier said is awaited. */
        data object Calling : Phase

        /** Answered; what came of it is awaited. */
        data object Outcome : Phase

        /** What came of it is recorded, and can be taken back for a while. */
        data class Recorded(val outcome: RecordedOutcome) : Phase

        /** There is nothing more to say. */
        data class Over(val ended: EndedAttempt?) : Phase
    }

    /** How far it is. */
    var phase: Phase by mutableStateOf(Phase.Ready)
        private set

    /** A step is under way; another tap does nothing. */
    var busy by mutableStateOf(false)
        private set

    /** Who is called; none until it was read. */
    var member: MemberRow? by mutableStateOf(null)
        private set

    /** The task, if there is one. */
    var task: TaskRow? by mutableStateOf(null)
        private set

    /** What may be recorded of the task, and what each outcome asks for; none: there is no task. */
    var offered: OutcomeChoices? by mutableStateOf(null)
        private set

    /** What the gate says of the call now. */
    var verdict: GateVerdict? by mutableStateOf(null)
        private set

    /** What may be said of the line, the commonest first. */
    var results: List<CarrierResult> by mutableStateOf(emptyList())
        private set

    /** What to say. */
    var script: Script? by mutableStateOf(null)
        private set

    /** Why the gate (`gate.<reason>`) or a rule refused, or what went wrong. */
    var failure: Failure? by mutableStateOf(null)
        private set

    /** The task's id, if the call is for one. */
    val taskId: String? = (target as? DialTarget.Task)?.v1

    /** The attempt whose recording is looked for. */
    var recordingOf: String? by mutableStateOf(null)
        private set

    private var attemptId = ""

    /** A call of which something is still to be said, after the app was ended meanwhile: see `openAttempts()`. */
    constructor(core: ClerkCore, unfinished: OpenAttempt) : this(core, unfinished.target) {
        attemptId = unfinished.attemptId
        phase = if (unfinished.awaits == Awaits.RESULT) Phase.Calling else Phase.Outcome
        if (phase == Phase.Outcome) recordingOf = attemptId
    }

    /** Reads who is called, why, and what the gate says. */
    suspend fun look() {
        failure =
            failureOf {
                results = core.call { carrierChoices(target) }
                val memberId =
                    when (target) {
                        is DialTarget.Task -> ofTask(target.v1)
                        is DialTarget.Member -> target.v1
                    }
                member = core.call { profile(memberId) }.member
                verdict = core.call { checkDial(target) }
            }
    }

    /** Reads what the task is about; whose it is. */
    private suspend fun ofTask(id: String): String {
        val detail = core.call { task(id) }
        task = detail.task
        script = detail.script ?: script
        offered = core.call { outcomeChoices(id) }
        return detail.task.memberId
    }

    /** Asks the gate and begins the attempt. The number is for the dialler; nobody else keeps it. */
    suspend fun dial(): Secret? {
        if (phase != Phase.Ready) return null
        var number: Secret? = null
        step {
            val dial = core.call { dial(target) }
            attemptId = dial.attemptId
            script = dial.script ?: script
            phase = Phase.Calling
            number = dial.number
        }
        return number
    }

    /** What the carrier said. */
    suspend fun ended(
        result: CarrierResult,
        durationS: UInt? = null,
    ) {
        if (phase != Phase.Calling) return
        step { end { endAttempt(attemptId, result, durationS) } }
    }

    /** The device could not dial. */
    suspend fun notPossible() = step { end { dialNotPossible(attemptId) } }

    private suspend fun end(how: ClerkApp.() -> EndedAttempt) {
        val ended = core.call(how)
        phase = if (ended.outcomeRequired) Phase.Outcome else Phase.Over(ended)
        if (ended.recordingDue) recordingOf = attemptId
    }

    /** What came of it. Who says so while the call is open says that it was answered: the core ends it with that. */
    suspend fun record(outcome: NewOutcome) {
        val id = taskId
        if (id == null || (phase != Phase.Calling && phase != Phase.Outcome)) return
        step {
            val recorded = core.call { recordOutcome(id, outcome) }
            phase = Phase.Recorded(recorded)
            if (recorded.recordingDue) recordingOf = attemptId
        }
    }

    /** What was refused is forgotten: another try. */
    fun tryAgain() {
        failure = null
    }

    /** Takes it back, as if it had never been. */
    suspend fun takeBack() {
        val recorded = (phase as? Phase.Recorded)?.outcome ?: return
        step {
            core.call { takeBack(recorded.outcomeId) }
            phase = Phase.Outcome
        }
    }

    private suspend fun step(work: suspend () -> Unit) {
        if (busy) return
        busy = true
        // What has begun ends: an attempt that nobody knows of would wait for its result.
        failure = failureOf { withContext(NonCancellable) { work() } }
        busy = false
    }
}
