package cn.yaoban.ui.screens

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.ColumnScope
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.rememberScrollState
import androidx.compose.foundation.verticalScroll
import androidx.compose.runtime.Composable
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.saveable.listSaver
import androidx.compose.runtime.saveable.rememberSaveable
import androidx.compose.runtime.setValue
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.text.input.KeyboardType
import androidx.compose.ui.unit.dp
import cn.yaoban.core.MemberForm
import cn.yaoban.core.Profile
import cn.yaoban.core.bridge.ClerkCore
import cn.yaoban.ui.AskButton
import cn.yaoban.ui.Big
import cn.yaoban.ui.Chip
import cn.yaoban.ui.Chips
import cn.yaoban.ui.Head
import cn.yaoban.ui.LocalScope
import cn.yaoban.ui.LocalWording
import cn.yaoban.ui.Part
import cn.yaoban.ui.Refusal
import cn.yaoban.ui.Waiting
import cn.yaoban.ui.Way
import cn.yaoban.ui.code
import cn.yaoban.ui.get
import cn.yaoban.ui.model.EditModel
import kotlinx.coroutines.launch

/** What is known of a member, corrected: a number that does not reach it, a name, an allergy. */
@Composable
internal fun EditScreen(
    core: ClerkCore,
    memberId: String,
    way: Way,
) {
    val words = LocalWording.current
    val model = remember(memberId) { EditModel(core, memberId) }
    LaunchedEffect(model) { model.follow() }
    val profile = model.profile
    Column(Modifier.fillMaxSize()) {
        Head(words["member.edit"], way::back)
        val form = model.form
        if (profile == null || form == null) {
            if (model.failure == null) Waiting(words["state.reading"]) else Refusal(model.failure, Modifier.padding(16.dp))
        } else {
            Known(model, profile, form, way::back)
        }
    }
}

@Composable
private fun ColumnScope.Known(
    model: EditModel,
    profile: Profile,
    known: MemberForm,
    onDone: () -> Unit,
) {
    val words = LocalWording.current
    val scope = LocalScope.current
    // As it was when it came into the fields: somebody else may have changed it meanwhile.
    val before = rememberSaveable(saver = Form) { known }
    var form by rememberSaveable(stateSaver = Form) { mutableStateOf(known) }
    Column(
        Modifier.weight(1f).verticalScroll(rememberScrollState()).padding(16.dp, 4.dp),
        Arrangement.spacedBy(12.dp),
    ) {
        Line(words["field.name"], form.name, "name") { form = form.copy(name = it) }
        val hint = words["member.new_phone", "now" to (profile.member.phoneMasked ?: words["show.no_phone"])]
        Line(words["field.phone"], form.phone, "phone", KeyboardType.Phone, hint) { form = form.copy(phone = it) }
        Chips {
            for (code in model.sexes) Chip(words.code("sex", code), form.sex == code) { form = form.copy(sex = code) }
            if (before.sex == null) Chip(words["member.unknown"], form.sex == null) { form = form.copy(sex = null) }
        }
        Line(words["register.birthday"], form.birthday, "birthday", KeyboardType.Number) { form = form.copy(birthday = it) }
        Allergies(model, profile)
    }
    Column(Modifier.padding(16.dp, 8.dp), Arrangement.spacedBy(8.dp)) {
        Refusal(model.failure)
        Big(words["act.save"], Modifier.fillMaxWidth().testTag("save"), enabled = !model.busy) {
            scope.launch { if (model.save(before, form)) onDone() }
        }
    }
}

/** Keeps a form over a turn of the device. */
private val Form =
    listSaver<MemberForm, String?>(
        save = { listOf(it.name, it.phone, it.sex, it.birthday) },
        restore = { MemberForm(it[0].orEmpty(), it[1].orEmpty(), it[2], it[3].orEmpty()) },
    )

/** What the member must not get; each is stored at once. */
@Composable
private fun Allergies(
    model: EditModel,
    profile: Profile,
) {
    val words = LocalWording.current
    val scope = LocalScope.current
    Part(words["field.allergies"], action = {
        AskButton(words["act.add"], words["field.allergies"], words["act.add"], Modifier.testTag("add-allergy")) { model.addAllergies(it) }
    }) {
        Chips {
            for (allergy in profile.allergies) {
                Chip("${allergy.text} ✕", false, Modifier.testTag("allergy-${allergy.text}")) {
                    scope.launch { model.removeAllergy(allergy.text) }
                }
            }
        }
    }
}
