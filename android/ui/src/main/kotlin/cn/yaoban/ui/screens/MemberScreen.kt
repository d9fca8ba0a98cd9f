package cn.yaoban.ui.screens

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.rememberScrollState
import androidx.compose.foundation.verticalScroll
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.material3.TextButton
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
import androidx.compose.ui.text.font.FontWeight
import androidx.compose.ui.unit.dp
import cn.yaoban.core.ClassWhy
import cn.yaoban.core.ConsentStanding
import cn.yaoban.core.ContactRow
import cn.yaoban.core.Decision
import cn.yaoban.core.MedicineRow
import cn.yaoban.core.NewConsent
import cn.yaoban.core.Profile
import cn.yaoban.core.ReadingRow
import cn.yaoban.core.bridge.ClerkCore
import cn.yaoban.ui.AskButton
import cn.yaoban.ui.Big
import cn.yaoban.ui.Chip
import cn.yaoban.ui.Chips
import cn.yaoban.ui.ClassBadge
import cn.yaoban.ui.Danger
import cn.yaoban.ui.DangerSign
import cn.yaoban.ui.Entry
import cn.yaoban.ui.Figure
import cn.yaoban.ui.Grade
import cn.yaoban.ui.Head
import cn.yaoban.ui.Icons
import cn.yaoban.ui.LocalScope
import cn.yaoban.ui.LocalWording
import cn.yaoban.ui.Part
import cn.yaoban.ui.Platform
import cn.yaoban.ui.Points
import cn.yaoban.ui.Quiet
import cn.yaoban.ui.Refusal
import cn.yaoban.ui.Sign
import cn.yaoban.ui.Signs
import cn.yaoban.ui.Sparkline
import cn.yaoban.ui.Touch
import cn.yaoban.ui.Waiting
import cn.yaoban.ui.Way
import cn.yaoban.ui.What
import cn.yaoban.ui.Wording
import cn.yaoban.ui.about
import cn.yaoban.ui.code
import cn.yaoban.ui.decimal
import cn.yaoban.ui.get
import cn.yaoban.ui.model.MemberModel
import cn.yaoban.ui.place
import cn.yaoban.ui.toFloat
import cn.yaoban.ui.yuan
import kotlinx.coroutines.launch

/** A member at a glance: what is dangerous first, then who it is, then what to do. */
@Composable
internal fun MemberScreen(
    core: ClerkCore,
    memberId: String,
    way: Way,
    platform: Platform,
) {
    val words = LocalWording.current
    val model = remember(memberId) { MemberModel(core, memberId) }
    LaunchedEffect(model) { model.follow() }
    val profile = model.profile
    Column(Modifier.fillMaxSize()) {
        Head(profile?.member?.name.orEmpty(), way::back) {
            if (profile != null) {
                Touch(Icons.message, words["member.message"]) { way.to(What.MESSAGE, memberId) }
            }
        }
        if (profile == null) {
            if (model.failure == null) Waiting(words["state.reading"]) else Refusal(model.failure, Modifier.padding(16.dp))
            return@Column
        }
        Column(
            Modifier
                .weight(1f)
                .verticalScroll(rememberScrollState())
                .testTag("profile")
                .padding(horizontal = 16.dp),
            Arrangement.spacedBy(12.dp),
        ) {
            Refusal(model.failure)
            Warnings(profile)
            Identity(profile, way)
            ToSay(profile)
            Medicines(model, profile)
            Readings(model, profile, way)
            Waits(model, profile, way)
            Contact(profile.lastContact)
            RecordingsOf(core, memberId, platform)
            Purchases(profile, way)
            Notes(model, profile)
            Tags(model, profile)
            Consents(model, profile)
            Household(profile, way)
            Column(Modifier.padding(8.dp)) { }
        }
        CallBar(profile, way)
    }
}

/** The call, or why there is none now. */
@Composable
private fun CallBar(
    profile: Profile,
    way: Way,
) {
    val words = LocalWording.current
    val verdict = profile.callGate
    Row(
        Modifier.fillMaxWidth().padding(16.dp, 8.dp),
        Arrangement.spacedBy(12.dp),
        Alignment.CenterVertically,
    ) {
        val reason = verdict.reason
        if (reason != null) {
            Text(
                words.gate(reason),
                Modifier.weight(1f).testTag("gate"),
                color = MaterialTheme.colorScheme.error,
                style = MaterialTheme.typography.bodyMedium,
            )
        }
        Big(
            words["member.call"],
            if (reason == null) Modifier.weight(1f) else Modifier,
            Icons.phone,
            enabled = verdict.verdict == Decision.ALLOW,
        ) { way.to(profile.call.place()) }
    }
}

/** What must be seen before anything else. */
@Composable
private fun Warnings(profile: Profile) {
    val words = LocalWording.current
    if (profile.allergies.isNotEmpty()) {
        val names = profile.allergies.joinToString("、") { it.text }
        Danger(words["show.allergies", "names" to names], Modifier.testTag("allergies"))
    }
    if (profile.deceased) Danger(words["show.deceased"])
    if (profile.doNotContact) Danger(words["show.do_not_contact"])
    if (profile.phoneInvalid) Danger(words["show.phone_invalid"])
    profile.pausedUntil?.let { Danger(words["show.paused", "day" to words.date(it)]) }
}

/** Who it is. Beside the class is the place of the [tier], empty as long as the core tells none. */
@Composable
private fun Identity(
    profile: Profile,
    way: Way,
    tier: @Composable () -> Unit = {},
) {
    val words = LocalWording.current
    val member = profile.member
    var why by rememberSaveable { mutableStateOf(false) }
    Part {
        val who = listOf(about(member, words), member.phoneMasked ?: words["show.no_phone"])
        Row(verticalAlignment = Alignment.CenterVertically) {
            Text(who.filter { it.isNotEmpty() }.joinToString("  "), Modifier.weight(1f), style = MaterialTheme.typography.titleMedium)
            TextButton({ way.to(What.EDIT, member.memberId) }, Modifier.testTag("edit")) { Text(words["member.edit"], maxLines = 1) }
        }
        Row(verticalAlignment = Alignment.CenterVertically) {
            Chips(Modifier.weight(1f)) {
                Row(horizontalArrangement = Arrangement.spacedBy(8.dp)) {
                    ClassBadge(profile.`class`.`class`)
                    tier()
                }
                Sign(words.code("care", profile.care))
                Sign(words["member.value", "n" to profile.`class`.valueIndex])
            }
            TextButton({ why = !why }) { Text(words["member.why"], maxLines = 1) }
        }
        if (why) ClassReason(profile.`class`)
        if (profile.diseases.isNotEmpty()) {
            Text(profile.diseases.joinToString(" · ") { words.disease(it) }, style = MaterialTheme.typography.bodyLarge)
        }
        val last = profile.lastVisit
        if (last == null) {
            Text(words["show.never"])
        } else {
            Chips {
                Figure(words.date(last), words["member.last_visit"])
                Figure(profile.times.toString(), words["member.times"])
                Figure(yuan(profile.totalFen), words["member.total"])
                profile.basketFen?.let { Figure(yuan(it), words["member.basket"]) }
            }
        }
        val leanings = leanings(profile, words)
        if (leanings.isNotEmpty()) {
            Text(leanings, color = MaterialTheme.colorScheme.onSurfaceVariant, style = MaterialTheme.typography.bodyMedium)
        }
    }
}

/** The four values with their scores, and the row that fired. */
@Composable
private fun ClassReason(why: ClassWhy) {
    val words = LocalWording.current
    val recency = why.recency?.let { words["show.recency", "n" to it] } ?: words["show.never_came"]
    Entry(words["member.recency"], words["member.scored", "value" to recency, "score" to why.r])
    Entry(words["member.frequency"], words["member.scored", "value" to why.frequency, "score" to why.f])
    Entry(words["member.spend"], words["member.scored", "value" to yuan(why.monetaryFen), "score" to why.m])
    Entry(words["member.health"], why.h?.toString() ?: words["member.unknown"])
    if (why.lifted) Text(words["member.lifted", "from" to words.code("class", why.base)])
}

private fun leanings(
    profile: Profile,
    words: Wording,
): String {
    val leanings = profile.leanings
    return listOfNotNull(
        leanings.brand?.let { words["show.brand", "brand" to it] },
        leanings.price?.let { words.code("price", it) },
        leanings.rhythmDays?.let { words["show.rhythm", "days" to it] },
    ).joinToString(" · ")
}

@Composable
private fun ToSay(profile: Profile) {
    if (profile.say.isEmpty()) return
    val words = LocalWording.current
    val colors = MaterialTheme.colorScheme
    Part(words["show.say"], color = colors.primaryContainer) {
        Points(profile.say.map { words.said(it) })
    }
}

@Composable
private fun Readings(
    model: MemberModel,
    profile: Profile,
    way: Way,
) {
    val words = LocalWording.current
    val open = { way.to(What.READINGS, model.memberId) }
    Part(words["member.readings"], action = { Quiet(words["member.measure"], onClick = open) }) {
        val shown = listOfNotNull(profile.bp, profile.glucose)
        if (shown.isEmpty()) Text(words["member.no_readings"])
        shown.forEach { reading -> Reading(reading, model.readings.filter { it.kind == reading.kind }) }
    }
}

@Composable
private fun Reading(
    reading: ReadingRow,
    all: List<ReadingRow>,
) {
    val words = LocalWording.current
    val colors = MaterialTheme.colorScheme
    Row(Modifier.fillMaxWidth(), Arrangement.spacedBy(10.dp), Alignment.CenterVertically) {
        Column(Modifier.weight(1f)) {
            Signs {
                Text(words.code("kind", reading.kind), style = MaterialTheme.typography.bodyLarge)
                Text(
                    reading.value,
                    style = MaterialTheme.typography.titleLarge,
                    color = if (reading.standsOut) colors.error else colors.onSurface,
                )
            }
            Grade(reading)
            Text(
                listOfNotNull(words.date(reading.day), words.code("context", reading.context), reading.change).joinToString(" · "),
                color = colors.onSurfaceVariant,
                style = MaterialTheme.typography.bodyMedium,
            )
        }
        Sparkline(all.asReversed().mapNotNull { (it.systolic ?: it.glucoseTenths)?.toFloat() })
    }
}

@Composable
private fun Medicines(
    model: MemberModel,
    profile: Profile,
) {
    if (profile.medicines.isEmpty()) return
    val words = LocalWording.current
    var asked by rememberSaveable { mutableStateOf<String?>(null) }
    Part(words["show.medicines"]) {
        for (medicine in profile.medicines) {
            Row(verticalAlignment = Alignment.CenterVertically) {
                Medicine(medicine, Modifier.weight(1f))
                val ingredient = medicine.ingredient
                TextButton({ asked = ingredient }, Modifier.testTag("regimen-$ingredient")) { Text(words["member.regimen"], maxLines = 1) }
            }
        }
    }
    asked?.let { ingredient ->
        RegimenQuestion(model, ingredient, profile.regimens.find { it.ingredient == ingredient }) { asked = null }
    }
}

@Composable
private fun Medicine(
    medicine: MedicineRow,
    modifier: Modifier,
) {
    val words = LocalWording.current
    val colors = MaterialTheme.colorScheme
    Column(modifier.padding(vertical = 4.dp)) {
        Signs {
            Text(medicine.ingredient, style = MaterialTheme.typography.titleMedium)
            if (medicine.allergy) DangerSign(words["mark.allergies"])
            medicine.status?.let {
                val text = words.code("medicine", it)
                when {
                    medicine.standsOut -> DangerSign(text)
                    medicine.warns -> Sign(text, colors.tertiaryContainer, colors.onTertiaryContainer)
                    else -> Sign(text)
                }
            }
        }
        Text(words.said(medicine.endSays), style = MaterialTheme.typography.bodyLarge)
        val more =
            listOfNotNull(
                medicine.drugName,
                medicine.spec,
                medicine.pdcPercent?.let { words["show.pdc", "percent" to it] },
                medicine.stockMilli?.let { words["show.stock", "packs" to decimal(it)] },
            )
        if (more.isNotEmpty()) {
            Text(more.joinToString(" · "), color = colors.onSurfaceVariant, style = MaterialTheme.typography.bodyMedium)
        }
    }
}

/** Tasks of this member: a touch does what is to be done, or plans another call. */
@Composable
private fun Waits(
    model: MemberModel,
    profile: Profile,
    way: Way,
) {
    val words = LocalWording.current
    val scope = LocalScope.current
    var planning by rememberSaveable { mutableStateOf(false) }
    if (planning) {
        DayQuestion(words["member.call_when"], null, { planning = false }) { day ->
            planning = false
            scope.launch { model.callOn(day) }
        }
    }
    Part(words["member.tasks"], action = {
        Quiet(words["member.call_on"], Modifier.testTag("plan-call")) { planning = true }
    }) {
        model.planned?.let { Text(words["member.call_planned", "day" to words.date(it)], style = MaterialTheme.typography.bodyLarge) }
        for (task in profile.tasks) {
            val line =
                words[
                    "member.task", "kind" to words.code("task_kind", task.kind),
                    "due" to words.date(task.due), "why" to words.said(task.why),
                ]
            if (task.emergency) Danger(line) else Text(line, style = MaterialTheme.typography.bodyLarge)
            task.act.touch(task.taskId)?.let { touch ->
                Quiet(words[touch.text], Modifier.testTag("${touch.tag}-${task.taskId}"), touch.icon) { way.to(touch.place) }
            }
        }
    }
}

@Composable
private fun Contact(contact: ContactRow?) {
    if (contact == null) return
    val words = LocalWording.current
    Part(words["member.last_contact"]) {
        val parts =
            listOfNotNull(
                words.instant(contact.atMs),
                words.code("channel", contact.channel),
                contact.outcome?.let { words.code("outcome", it) },
                contact.staffName ?: contact.staffId,
            )
        Text(parts.joinToString(" · "), style = MaterialTheme.typography.bodyLarge)
    }
}

@Composable
private fun Purchases(
    profile: Profile,
    way: Way,
) {
    val day = profile.latestPurchase ?: return
    val words = LocalWording.current
    Part(words["member.latest"], action = {
        Quiet(words["member.history"]) { way.to(What.HISTORY, profile.member.memberId) }
    }) {
        Text("${words.date(day.day)}  ${yuan(day.netFen)}", style = MaterialTheme.typography.bodyLarge)
        Text(day.lines.mapNotNull { it.name }.joinToString("、"), style = MaterialTheme.typography.bodyMedium)
    }
}

@Composable
private fun Notes(
    model: MemberModel,
    profile: Profile,
) {
    val words = LocalWording.current
    Part(words["member.notes"], action = {
        AskButton(words["member.write"], words["field.note"], words["act.save"]) { model.note(it) }
    }) {
        if (profile.notes.isEmpty()) Text(words["member.no_notes"], color = MaterialTheme.colorScheme.onSurfaceVariant)
        for (note in profile.notes) {
            Text(note.text, style = MaterialTheme.typography.bodyLarge)
            Text(
                listOfNotNull(words.instant(note.atMs), note.staffName).joinToString(" · "),
                color = MaterialTheme.colorScheme.onSurfaceVariant,
                style = MaterialTheme.typography.bodySmall,
            )
        }
    }
}

@Composable
private fun Tags(
    model: MemberModel,
    profile: Profile,
) {
    val words = LocalWording.current
    val scope = LocalScope.current
    Part(words["field.tags"], action = {
        AskButton(words["act.add"], words["field.tags"], words["act.add"]) { model.addTag(it) }
    }) {
        Chips {
            for (tag in profile.tags) {
                Chip("$tag ✕", false) { scope.launch { model.removeTag(tag) } }
            }
        }
    }
}

/** The consents: each with the words that are read out, and a touch to give or withdraw it. */
@Composable
private fun Consents(
    model: MemberModel,
    profile: Profile,
) {
    val words = LocalWording.current
    val scope = LocalScope.current
    var asked by rememberSaveable { mutableStateOf<String?>(null) }
    Part(words["member.consents"]) {
        for (standing in profile.consents) Consent(standing) { asked = standing.purpose }
    }
    profile.consents.find { it.purpose == asked }?.let { standing ->
        val version = standing.wordingVersion ?: return@let
        ConsentQuestion(standing.purpose, withdraw = standing.granted, onNo = { asked = null }) { signature ->
            asked = null
            scope.launch { model.consent(NewConsent(standing.purpose, null, !standing.granted, version), signature) }
        }
    }
}

/** How the member stands to a consent, and the touch that asks; one of a newer hub is not asked here. */
@Composable
private fun Consent(
    standing: ConsentStanding,
    onAsk: () -> Unit,
) {
    val words = LocalWording.current
    val purpose = standing.purpose
    Row(Modifier.fillMaxWidth(), Arrangement.spacedBy(8.dp), Alignment.CenterVertically) {
        Column(Modifier.weight(1f)) {
            Text(words.code("consent", purpose), style = MaterialTheme.typography.bodyLarge)
            for (answer in standing.answers) {
                val channel = answer.channel ?: continue
                Text(
                    words["member.consent_of", "channel" to words.code("channel", channel), "answer" to answer(words, answer.granted)],
                    style = MaterialTheme.typography.bodyMedium,
                )
            }
        }
        Text(
            if (standing.answers.isEmpty()) words["member.not_asked"] else answer(words, standing.granted),
            fontWeight = FontWeight.SemiBold,
        )
        if (standing.wordingVersion != null) {
            Quiet(words[if (standing.granted) "member.withdraw" else "member.ask"], Modifier.testTag("ask-$purpose"), onClick = onAsk)
        }
    }
}

private fun answer(
    words: Wording,
    granted: Boolean,
) = words[if (granted) "consent.yes" else "consent.no"]

@Composable
private fun Household(
    profile: Profile,
    way: Way,
) {
    if (profile.household.isEmpty()) return
    val words = LocalWording.current
    Part(words["member.household"]) {
        for (other in profile.household) {
            Quiet("${other.name} ${about(other, words)}", Modifier.fillMaxWidth()) { way.to(What.MEMBER, other.memberId) }
        }
    }
}
