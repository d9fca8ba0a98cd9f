package cn.yaoban.ui.screens

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.Spacer
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.heightIn
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.rememberScrollState
import androidx.compose.foundation.shape.RoundedCornerShape
import androidx.compose.foundation.verticalScroll
import androidx.compose.material3.Icon
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Surface
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.saveable.rememberSaveable
import androidx.compose.runtime.setValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.semantics.contentDescription
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.unit.dp
import androidx.lifecycle.Lifecycle
import androidx.lifecycle.compose.LifecycleEventEffect
import cn.yaoban.core.StaffRow
import cn.yaoban.ui.Big
import cn.yaoban.ui.Head
import cn.yaoban.ui.Icons
import cn.yaoban.ui.Keypad
import cn.yaoban.ui.LocalScope
import cn.yaoban.ui.LocalWording
import cn.yaoban.ui.Middle
import cn.yaoban.ui.Nothing
import cn.yaoban.ui.Platform
import cn.yaoban.ui.Quiet
import cn.yaoban.ui.Refusal
import cn.yaoban.ui.Sign
import cn.yaoban.ui.Waiting
import cn.yaoban.ui.code
import cn.yaoban.ui.get
import cn.yaoban.ui.model.SignInModel
import kotlinx.coroutines.launch

/** The door: who uses the phone, by PIN, finger or face. */
@Composable
internal fun SignInScreen(
    model: SignInModel,
    platform: Platform,
) {
    val words = LocalWording.current
    val staff = model.staff
    var chosen by rememberSaveable { mutableStateOf<String?>(null) }
    // Whoever the lock shut out is asked first.
    LaunchedEffect(model.locked) { if (model.locked) chosen = model.signedIn }
    val person = staff?.firstOrNull { it.staffId == chosen }
    Middle {
        if (person != null) {
            Pin(model, platform, person) {
                chosen = null
                model.tryAgain()
            }
            return@Middle
        }
        Head(words["signin.who"])
        Column(
            Modifier.verticalScroll(rememberScrollState()).padding(16.dp),
            Arrangement.spacedBy(10.dp),
        ) {
            Refusal(model.failure)
            when {
                staff == null -> if (model.failure == null) Waiting(words["state.reading"])
                staff.isEmpty() -> Nothing(words["signin.nobody"])
                else -> staff.forEach { row -> Person(row) { chosen = row.staffId } }
            }
        }
    }
}

@Composable
private fun Person(
    row: StaffRow,
    onClick: () -> Unit,
) {
    val words = LocalWording.current
    Surface(
        onClick,
        Modifier.fillMaxWidth().heightIn(min = 64.dp).testTag("staff-${row.staffId}"),
        shape = RoundedCornerShape(14.dp),
        color = MaterialTheme.colorScheme.surfaceContainerLow,
    ) {
        Row(Modifier.padding(16.dp), Arrangement.spacedBy(10.dp), Alignment.CenterVertically) {
            Text(row.name, style = MaterialTheme.typography.titleLarge)
            Sign(words.code("role", row.role))
            if (row.pharmacist) Sign(words["signin.pharmacist"])
            if (row.offToday) Sign(words["signin.off"])
            Spacer(Modifier.weight(1f))
            if (row.openTasks > 0) {
                Text(words["signin.tasks", "n" to row.openTasks], color = MaterialTheme.colorScheme.onSurfaceVariant)
            }
        }
    }
}

/** A PIN: the one that is set, or a new one, twice. */
@Composable
private fun Pin(
    model: SignInModel,
    platform: Platform,
    person: StaffRow,
    onBack: () -> Unit,
) {
    val words = LocalWording.current
    val scope = LocalScope.current
    val entry = remember(person.staffId) { PinEntry(model, platform) }
    Head(person.name, onBack)
    Column(
        Modifier.verticalScroll(rememberScrollState()).padding(16.dp),
        Arrangement.spacedBy(14.dp),
        Alignment.CenterHorizontally,
    ) {
        if (model.locked && person.staffId == model.signedIn) {
            Row(horizontalArrangement = Arrangement.spacedBy(8.dp), verticalAlignment = Alignment.CenterVertically) {
                Icon(Icons.lock, null)
                Text(words["signin.locked"], style = MaterialTheme.typography.bodyLarge)
            }
        }
        Text(words[entry.question(person)], style = MaterialTheme.typography.titleMedium)
        Text(
            if (entry.typed.isEmpty()) "○ ○ ○ ○" else "● ".repeat(entry.typed.length).trim(),
            Modifier.testTag("pin").semantics { contentDescription = words["signin.digits", "n" to entry.typed.length] },
            style = MaterialTheme.typography.headlineMedium,
        )
        if (entry.differs) Text(words["signin.differs"], color = MaterialTheme.colorScheme.error)
        Refusal(model.failure)
        Keypad(entry::type, entry::erase)
        Big(words["act.ok"], Modifier.fillMaxWidth(), enabled = entry.typed.isNotEmpty()) { scope.launch { entry.done(person) } }
        if (!person.hasPin) {
            Quiet(words["signin.without"], Modifier.fillMaxWidth()) { scope.launch { model.signIn(person.staffId) } }
        } else {
            ByFinger(model, platform, person)
        }
    }
}

/** The finger or face instead of the PIN, while the device offers it. */
@Composable
private fun ByFinger(
    model: SignInModel,
    platform: Platform,
    person: StaffRow,
) {
    val words = LocalWording.current
    val scope = LocalScope.current
    var offered by remember { mutableStateOf(false) }
    // Whoever comes back from the settings may have added a finger there.
    LifecycleEventEffect(Lifecycle.Event.ON_RESUME) { scope.launch { offered = platform.biometrics?.ready() == true } }
    if (!offered) return
    Quiet(words["signin.by_finger"], Modifier.fillMaxWidth()) {
        scope.launch {
            model.recognise(person.staffId, words["signin.recognise"], platform)
            offered = platform.biometrics?.ready() == true
        }
    }
}

/** A PIN as it is typed. Not saved: a PIN is not for the state of an activity. */
private class PinEntry(
    private val model: SignInModel,
    private val platform: Platform,
) {
    /** The digits so far. */
    var typed by mutableStateOf("")
        private set

    /** The second new PIN was not the first one. */
    var differs by mutableStateOf(false)
        private set

    private var first by mutableStateOf<String?>(null)

    /** What is asked for. */
    fun question(person: StaffRow): String =
        when {
            person.hasPin -> "signin.pin"
            first == null -> "signin.new_pin"
            else -> "signin.new_pin_again"
        }

    fun type(digit: String) {
        model.tryAgain()
        typed += digit
    }

    fun erase() {
        typed = typed.dropLast(1)
    }

    /** The PIN is whole: it opens the phone, or is the first or second of a new one. */
    suspend fun done(person: StaffRow) {
        val pin = typed
        val before = first
        typed = ""
        first = null
        differs = !person.hasPin && before != null && before != pin
        when {
            person.hasPin -> model.signIn(person.staffId, pin, platform)
            before == null -> first = pin
            before == pin -> {
                model.setPin(person.staffId, pin)
                if (model.failure == null) model.signIn(person.staffId, pin, platform)
            }
        }
    }
}
