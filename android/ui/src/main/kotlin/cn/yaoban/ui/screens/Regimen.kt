package cn.yaoban.ui.screens

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.rememberScrollState
import androidx.compose.foundation.text.KeyboardOptions
import androidx.compose.foundation.verticalScroll
import androidx.compose.material3.AlertDialog
import androidx.compose.material3.OutlinedTextField
import androidx.compose.material3.Text
import androidx.compose.material3.TextButton
import androidx.compose.runtime.Composable
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.saveable.rememberSaveable
import androidx.compose.runtime.setValue
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.text.input.KeyboardType
import androidx.compose.ui.unit.dp
import cn.yaoban.core.NewRegimen
import cn.yaoban.core.RegimenRow
import cn.yaoban.ui.LocalScope
import cn.yaoban.ui.LocalWording
import cn.yaoban.ui.Quiet
import cn.yaoban.ui.Refusal
import cn.yaoban.ui.code
import cn.yaoban.ui.decimal
import cn.yaoban.ui.get
import cn.yaoban.ui.model.MemberModel
import kotlinx.coroutines.launch

/** How a member takes a medicine: how much a day, until when it lasts, or that it is not taken any more. */
@Composable
internal fun RegimenQuestion(
    model: MemberModel,
    ingredient: String,
    known: RegimenRow?,
    onDone: () -> Unit,
) {
    val words = LocalWording.current
    val scope = LocalScope.current
    var units by rememberSaveable { mutableStateOf(known?.dailyUnitsMilli?.let(::decimal).orEmpty()) }
    val inactive = known?.inactive == true
    LaunchedEffect(ingredient) { model.askAnew() }
    val record = { store: suspend () -> Boolean ->
        scope.launch { if (store()) onDone() }
        Unit
    }
    AlertDialog(
        onDismissRequest = onDone,
        confirmButton = {},
        dismissButton = { TextButton(onDone) { Text(words["act.cancel"]) } },
        title = { Text(ingredient) },
        text = {
            Column(Modifier.verticalScroll(rememberScrollState()), Arrangement.spacedBy(10.dp)) {
                OutlinedTextField(
                    units,
                    { units = it },
                    Modifier.fillMaxWidth().testTag("units"),
                    label = { Text(words["field.daily_units"]) },
                    singleLine = true,
                    keyboardOptions = KeyboardOptions(keyboardType = KeyboardType.Decimal),
                )
                Refusal(model.failure)
                Quiet(words["act.save"], Modifier.fillMaxWidth().testTag("save-units"), enabled = units.isNotBlank()) {
                    record { model.dailyUnits(ingredient, units) }
                }
                Text(words.code("outcome_day", "still_has_stock"))
                Days { day -> record { model.regimen(NewRegimen(ingredient, stockUntil = day)) } }
                Quiet(words[if (inactive) "member.takes_again" else "member.stopped"], Modifier.fillMaxWidth().testTag("stopped")) {
                    record { model.regimen(NewRegimen(ingredient, inactive = !inactive)) }
                }
            }
        },
    )
}
