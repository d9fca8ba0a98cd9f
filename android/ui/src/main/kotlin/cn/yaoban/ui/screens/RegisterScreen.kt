package cn.yaoban.ui.screens

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.ColumnScope
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.rememberScrollState
import androidx.compose.foundation.selection.toggleable
import androidx.compose.foundation.text.KeyboardOptions
import androidx.compose.foundation.verticalScroll
import androidx.compose.material3.Checkbox
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.OutlinedTextField
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.getValue
import androidx.compose.runtime.key
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.saveable.rememberSaveable
import androidx.compose.runtime.setValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.semantics.Role
import androidx.compose.ui.text.input.KeyboardType
import androidx.compose.ui.unit.dp
import cn.yaoban.core.DiseaseRow
import cn.yaoban.core.DrawnSignature
import cn.yaoban.core.NewConsent
import cn.yaoban.core.NewMember
import cn.yaoban.core.Registered
import cn.yaoban.core.bridge.ClerkCore
import cn.yaoban.ui.Big
import cn.yaoban.ui.Chip
import cn.yaoban.ui.Chips
import cn.yaoban.ui.Head
import cn.yaoban.ui.LocalScope
import cn.yaoban.ui.LocalWording
import cn.yaoban.ui.MemberLine
import cn.yaoban.ui.Part
import cn.yaoban.ui.Refusal
import cn.yaoban.ui.Waiting
import cn.yaoban.ui.Way
import cn.yaoban.ui.What
import cn.yaoban.ui.code
import cn.yaoban.ui.get
import cn.yaoban.ui.model.RegisterModel
import kotlinx.coroutines.launch

/** A new member in half a minute: name and number, then what is said, then the consents in their words. */
@Composable
internal fun RegisterScreen(
    core: ClerkCore,
    typed: String,
    way: Way,
) {
    val model = remember { RegisterModel(core) }
    val form = model.form
    val registered = model.registered
    LaunchedEffect(model) { model.begin(typed) }
    LaunchedEffect(registered) {
        if (registered != null && registered.sameNumber.isEmpty()) way.instead(What.MEMBER, registered.member.memberId)
    }
    Column(Modifier.fillMaxSize()) {
        Head(LocalWording.current["counter.register"], way::back)
        when {
            registered != null -> SameNumber(registered, way)
            form != null -> Fields(model, form)
            model.failure == null -> Waiting(LocalWording.current["state.reading"])
            else -> Refusal(model.failure, Modifier.padding(16.dp))
        }
    }
}

/** What is asked, and the button that stores it. */
@Composable
private fun ColumnScope.Fields(
    model: RegisterModel,
    form: RegisterModel.Form,
) {
    val words = LocalWording.current
    val scope = LocalScope.current
    var name by rememberSaveable { mutableStateOf(form.typed.name) }
    var phone by rememberSaveable { mutableStateOf(form.typed.phone) }
    var sex by rememberSaveable { mutableStateOf<String?>(null) }
    var birthday by rememberSaveable { mutableStateOf("") }
    var diseases by rememberSaveable { mutableStateOf(emptyList<String>()) }
    var allergies by rememberSaveable { mutableStateOf("") }
    var consents by rememberSaveable { mutableStateOf(emptyList<String>()) }
    // Signed for those that were asked: with another one it is signed anew.
    var signature by remember(consents) { mutableStateOf<DrawnSignature?>(null) }
    Column(
        Modifier.weight(1f).verticalScroll(rememberScrollState()).padding(16.dp, 4.dp),
        Arrangement.spacedBy(12.dp),
    ) {
        Line(words["field.name"], name, "name") { name = it }
        Line(words["field.phone"], phone, "phone", KeyboardType.Phone) { phone = it }
        Chips {
            for (code in form.sexes) Chip(words.code("sex", code), sex == code) { sex = if (sex == code) null else code }
        }
        Line(words["register.birthday"], birthday, "birthday", KeyboardType.Number) { birthday = it }
        Line(words["register.allergies"], allergies, "allergies") { allergies = it }
        Diseases(form.diseases, diseases) { diseases = it }
        Part(words["register.consents"]) {
            for ((purpose) in form.consents) {
                val given = purpose in consents
                val answer = { yes: Boolean -> consents = if (yes) consents + purpose else consents - purpose }
                Row(
                    Modifier.toggleable(given, role = Role.Checkbox, onValueChange = answer).testTag("consent-$purpose"),
                    verticalAlignment = Alignment.CenterVertically,
                ) {
                    // The whole line is the touch.
                    Checkbox(given, null, Modifier.padding(end = 12.dp, top = 12.dp, bottom = 12.dp))
                    Column(Modifier.weight(1f)) {
                        Text(words.code("consent", purpose), style = MaterialTheme.typography.titleSmall)
                        Text(words["consent_words.$purpose"], style = MaterialTheme.typography.bodyMedium)
                    }
                }
            }
            if (consents.isNotEmpty()) key(consents) { SignaturePad(consents) { signature = it } }
        }
    }
    Column(Modifier.padding(16.dp, 8.dp), Arrangement.spacedBy(8.dp)) {
        Refusal(model.failure)
        Big(words["register.save"], Modifier.fillMaxWidth().testTag("register"), enabled = !model.busy) {
            val given = form.consents.filter { it.purpose in consents }.map { NewConsent(it.purpose, null, true, it.wordingVersion) }
            val new =
                NewMember(
                    name = name, phone = phone, sex = sex,
                    diseases = diseases, allergies = listOf(allergies), consents = given,
                    signature = signature,
                )
            scope.launch { model.register(new, birthday) }
        }
    }
}

/** So many diseases are shown at first. */
private const val FEW = 6

/** What is wrong with the member: the commonest first, the others behind a touch. */
@Composable
private fun Diseases(
    known: List<DiseaseRow>,
    chosen: List<String>,
    onChoose: (List<String>) -> Unit,
) {
    val words = LocalWording.current
    var all by rememberSaveable { mutableStateOf(false) }
    Part(words["field.diseases"]) {
        Chips {
            for ((at, disease) in known.withIndex()) {
                val code = disease.code
                val on = code in chosen
                if (at >= FEW && !all && !on) continue
                Chip(words.disease(code), on, Modifier.testTag("disease-$code")) { onChoose(if (on) chosen - code else chosen + code) }
            }
            if (!all) Chip(words["register.all_diseases"], false, Modifier.testTag("all-diseases")) { all = true }
        }
    }
}

/** A line of text to type. */
@Composable
internal fun Line(
    name: String,
    value: String,
    tag: String,
    type: KeyboardType = KeyboardType.Text,
    hint: String? = null,
    onValue: (String) -> Unit,
) {
    OutlinedTextField(
        value,
        onValue,
        Modifier.fillMaxWidth().testTag("field-$tag"),
        label = { Text(name) },
        supportingText = hint?.let { { Text(it) } },
        singleLine = true,
        keyboardOptions = KeyboardOptions(keyboardType = type),
    )
}

/** Others on the same number: the same person, or its family. */
@Composable
private fun SameNumber(
    registered: Registered,
    way: Way,
) {
    val words = LocalWording.current
    Column(Modifier.padding(16.dp), Arrangement.spacedBy(10.dp)) {
        Text(words["register.done", "name" to registered.member.name], style = MaterialTheme.typography.titleLarge)
        Text(words["register.same"], style = MaterialTheme.typography.bodyLarge)
        registered.sameNumber.forEach { other -> MemberLine(other, { way.instead(What.MEMBER, other.memberId) }) }
        Big(words["register.open"], Modifier.fillMaxWidth()) { way.instead(What.MEMBER, registered.member.memberId) }
    }
}
