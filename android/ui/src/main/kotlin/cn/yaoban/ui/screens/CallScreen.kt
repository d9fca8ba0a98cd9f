package cn.yaoban.ui.screens

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.rememberScrollState
import androidx.compose.foundation.verticalScroll
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.OutlinedTextField
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.produceState
import androidx.compose.runtime.remember
import androidx.compose.runtime.saveable.rememberSaveable
import androidx.compose.runtime.setValue
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.unit.dp
import cn.yaoban.core.Answer
import cn.yaoban.core.Decision
import cn.yaoban.core.NewOutcome
import cn.yaoban.core.OutcomeChoice
import cn.yaoban.core.OutcomeChoices
import cn.yaoban.core.OutcomeCode
import cn.yaoban.core.RecordedOutcome
import cn.yaoban.ui.AllergySign
import cn.yaoban.ui.AppModel
import cn.yaoban.ui.Big
import cn.yaoban.ui.Chip
import cn.yaoban.ui.Chips
import cn.yaoban.ui.ClassBadge
import cn.yaoban.ui.Danger
import cn.yaoban.ui.Handed
import cn.yaoban.ui.Head
import cn.yaoban.ui.Icons
import cn.yaoban.ui.LocalScope
import cn.yaoban.ui.LocalWording
import cn.yaoban.ui.Part
import cn.yaoban.ui.Place
import cn.yaoban.ui.Platform
import cn.yaoban.ui.Points
import cn.yaoban.ui.Quiet
import cn.yaoban.ui.Refusal
import cn.yaoban.ui.Signs
import cn.yaoban.ui.Waiting
import cn.yaoban.ui.Way
import cn.yaoban.ui.What
import cn.yaoban.ui.about
import cn.yaoban.ui.code
import cn.yaoban.ui.get
import cn.yaoban.ui.model.CallModel
import cn.yaoban.ui.model.CallModel.Phase
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch

/** A call, from what to say to what came of it. */
@Composable
internal fun CallScreen(
    app: AppModel,
    place: Place,
    way: Way,
    platform: Platform,
    onLeave: () -> Unit,
) {
    val words = LocalWording.current
    // The one that is under way, also when the app was ended during the call.
    val model by produceState<CallModel?>(null, place) { value = app.call(place).also { it.look() } }
    val call = model
    val scope = LocalScope.current
    Column(Modifier.fillMaxSize()) {
        Head(words["call.title"], onLeave)
        if (call == null) {
            Waiting(words["state.reading"])
            return@Column
        }
        Column(
            Modifier.weight(1f).verticalScroll(rememberScrollState()).padding(16.dp, 4.dp),
            Arrangement.spacedBy(14.dp),
        ) {
            Who(call)
            Refusal(call.failure)
            when (val phase = call.phase) {
                Phase.Ready -> Script(call)
                Phase.Calling -> {
                    Outcomes(call, words["call.outcome_if_answered"])
                    Carrier(call)
                    Script(call)
                }
                Phase.Outcome -> {
                    Outcomes(call, words["call.outcome"])
                    Script(call)
                }
                is Phase.Recorded -> Recorded(call, phase.outcome)
                is Phase.Over -> phase.ended?.let { ended ->
                    if (ended.numberMarked) Danger(words["call.number_marked"])
                    ended.task?.let { Text(words.said(it.after), style = MaterialTheme.typography.titleMedium) }
                }
            }
            call.recordingOf?.let { RecordingOfCall(app.core, it, platform) }
        }
        Bottom(call, platform, way) { scope.launch { goOn(app, place, way, onLeave) } }
    }
}

@Composable
private fun Who(call: CallModel) {
    val words = LocalWording.current
    val member = call.member ?: return
    Part {
        Signs {
            Text(member.name, style = MaterialTheme.typography.headlineSmall)
            Text(about(member, words), style = MaterialTheme.typography.bodyLarge)
            ClassBadge(member.`class`)
            AllergySign(member)
        }
        Text(member.phoneMasked ?: words["show.no_phone"], style = MaterialTheme.typography.bodyLarge)
        call.task?.let { Text(words.why(it), style = MaterialTheme.typography.bodyLarge) }
    }
}

@Composable
private fun Script(call: CallModel) {
    val script = call.script ?: return
    Part(script.title) {
        Text(script.text, style = MaterialTheme.typography.bodyLarge)
        Points(script.points)
    }
}

/** The dial, or why it is not to be; afterwards the way on. */
@Composable
private fun Bottom(
    call: CallModel,
    platform: Platform,
    way: Way,
    onLeave: () -> Unit,
) {
    val words = LocalWording.current
    val scope = LocalScope.current
    Column(Modifier.fillMaxWidth().padding(16.dp, 8.dp), Arrangement.spacedBy(8.dp)) {
        when (call.phase) {
            Phase.Ready -> {
                val verdict = call.verdict
                val reason = verdict?.reason
                if (reason != null) {
                    Danger(words.gate(reason), Modifier.testTag("gate"))
                    verdict.untilMs?.let { Text(words["call.allowed_from", "when" to words.instant(it)]) }
                }
                Big(
                    words["call.dial"],
                    Modifier.fillMaxWidth().testTag("dial"),
                    Icons.phone,
                    enabled = verdict?.verdict == Decision.ALLOW && !call.busy,
                ) { scope.launch { dial(call, platform) } }
                if (reason != null) {
                    call.member?.let { member ->
                        Quiet(words["call.profile"], Modifier.fillMaxWidth()) { way.instead(What.MEMBER, member.memberId) }
                    }
                }
            }
            is Phase.Recorded, is Phase.Over -> {
                val next = words[if (way.overTasks) "call.next" else "call.done"]
                Big(next, Modifier.fillMaxWidth().testTag("next"), onClick = onLeave)
            }
            else -> Unit
        }
    }
}

/** The attempt is on the disk before the number is out; a device that cannot dial says so at once. */
private suspend fun dial(
    call: CallModel,
    platform: Platform,
) {
    val number = call.dial() ?: return
    if (platform.dial(number) == Handed.NOT_POSSIBLE) call.notPossible()
}

/** The next call of the list, for who came from there; else back. */
private suspend fun goOn(
    app: AppModel,
    place: Place,
    way: Way,
    onLeave: () -> Unit,
) {
    val next = if (way.overTasks) app.tasks.nextCall() else null
    if (next == null || way.top != place) return onLeave()
    app.leave(place)
    way.instead(What.CALL_TASK, next)
}

/** What the carrier said, of a call that was not answered. */
@Composable
private fun Carrier(call: CallModel) {
    val words = LocalWording.current
    val scope = LocalScope.current
    var more by rememberSaveable { mutableStateOf(false) }
    Part(words[if (call.taskId == null) "call.result" else "call.not_answered"]) {
        Chips {
            for (result in if (more) call.results else call.results.take(COMMON)) {
                Chip(words.code("carrier", result.name.lowercase()), false, Modifier.testTag("result-${result.name}")) {
                    scope.launch { call.ended(result) }
                }
            }
            if (!more) Chip(words["call.more"], false) { more = true }
        }
    }
}

/** So many results are shown at once. */
private const val COMMON = 5

/** What came of an answered call: a touch records it, or asks for what belongs to it. */
@Composable
private fun Outcomes(
    call: CallModel,
    title: String,
) {
    val offered = call.offered ?: return
    val words = LocalWording.current
    val scope = LocalScope.current
    var chosen by rememberSaveable { mutableStateOf<OutcomeCode?>(null) }
    var note by rememberSaveable { mutableStateOf("") }
    val record = { outcome: NewOutcome ->
        scope.launch { call.record(outcome.copy(note = note)) }
        Unit
    }
    Part(title) {
        Chips {
            // Of a chosen one the question takes the place of the others, so that the answer is under the thumb.
            for (choice in offered.choices) {
                val code = choice.code
                if (chosen != null && chosen != code) continue
                val text = words.code("outcome", code.name.lowercase())
                Chip(if (chosen == code) "$text ✕" else text, chosen == code, Modifier.testTag("outcome-${code.name}")) {
                    when {
                        chosen == code -> chosen = null
                        choice.asks -> {
                            call.tryAgain()
                            chosen = code
                        }
                        else -> record(NewOutcome(code))
                    }
                }
            }
        }
        offered.choices.find { it.code == chosen }?.let { More(call, offered, it, record) }
        OutlinedTextField(
            note,
            { note = it },
            Modifier.fillMaxWidth().testTag("note"),
            label = { Text(words["call.note"]) },
        )
    }
}

/** What belongs to an outcome. What the core takes without its day is recorded by a button of its own. */
@Composable
private fun More(
    call: CallModel,
    offered: OutcomeChoices,
    choice: OutcomeChoice,
    record: (NewOutcome) -> Unit,
) {
    val words = LocalWording.current
    val code = choice.code
    val asksDay = choice.day != Answer.NOT_ASKED
    val asksMedicine = choice.medicine != Answer.NOT_ASKED
    var medicine by remember(code) { mutableStateOf<String?>(null) }
    if (asksMedicine) {
        Text(words["call.which_medicine"], style = MaterialTheme.typography.titleMedium)
        Chips {
            for (ingredient in offered.medicines) {
                Chip(ingredient, (medicine ?: offered.medicine) == ingredient, Modifier.testTag("medicine-$ingredient")) {
                    medicine = ingredient
                    if (!asksDay) record(NewOutcome(code, ingredient = ingredient))
                }
            }
        }
    }
    if (asksDay) {
        Text(words.code("outcome_day", code.name.lowercase()), style = MaterialTheme.typography.titleMedium)
        Days(choice.lastDay) { record(NewOutcome(code, date = it, ingredient = medicine)) }
    }
    if (choice.note != Answer.NOT_ASKED) Text(words["call.which_note"], style = MaterialTheme.typography.titleMedium)
    if (choice.day != Answer.REQUIRED) {
        Quiet(words["call.record"], Modifier.fillMaxWidth().testTag("record"), enabled = !call.busy) {
            record(NewOutcome(code, ingredient = medicine))
        }
    }
}

/** What was recorded and what follows; for a while it can be taken back. */
@Composable
private fun Recorded(
    call: CallModel,
    recorded: RecordedOutcome,
) {
    val words = LocalWording.current
    val scope = LocalScope.current
    var held by remember(recorded) { mutableStateOf(true) }
    LaunchedEffect(recorded) {
        delay(recorded.heldMs.toLong())
        held = false
    }
    Part(words["call.recorded"], color = MaterialTheme.colorScheme.primaryContainer) {
        val outcome = recorded.task.outcome?.let { words.code("outcome", it) }.orEmpty()
        Text(outcome, style = MaterialTheme.typography.headlineSmall)
        Text(words.said(recorded.task.after), style = MaterialTheme.typography.bodyLarge)
        recorded.followUp?.let {
            Danger(words["call.follow_up", "who" to (it.assigneeName ?: words["list.anyone"])])
        }
        if (held) {
            Quiet(words["call.take_back"], Modifier.fillMaxWidth().testTag("take-back")) { scope.launch { call.takeBack() } }
        }
    }
}
