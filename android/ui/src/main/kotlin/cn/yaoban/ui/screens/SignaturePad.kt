package cn.yaoban.ui.screens

import androidx.compose.foundation.Canvas
import androidx.compose.foundation.background
import androidx.compose.foundation.border
import androidx.compose.foundation.gestures.awaitEachGesture
import androidx.compose.foundation.gestures.awaitFirstDown
import androidx.compose.foundation.gestures.drag
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.height
import androidx.compose.foundation.layout.heightIn
import androidx.compose.foundation.shape.RoundedCornerShape
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.material3.TextButton
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableIntStateOf
import androidx.compose.runtime.mutableStateListOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.rememberUpdatedState
import androidx.compose.runtime.setValue
import androidx.compose.runtime.snapshots.SnapshotStateList
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.draw.clipToBounds
import androidx.compose.ui.geometry.Offset
import androidx.compose.ui.graphics.Path
import androidx.compose.ui.graphics.StrokeCap
import androidx.compose.ui.graphics.StrokeJoin
import androidx.compose.ui.graphics.drawscope.Stroke
import androidx.compose.ui.input.pointer.PointerInputScope
import androidx.compose.ui.input.pointer.pointerInput
import androidx.compose.ui.layout.onSizeChanged
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.semantics.contentDescription
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.semantics.stateDescription
import androidx.compose.ui.unit.dp
import cn.yaoban.core.DrawnSignature
import cn.yaoban.ui.LocalWording
import cn.yaoban.ui.get

/**
 * The pad on which a member signs, under the consents of these [purposes], which stand above it. [onSigned] hears of it
 * after each stroke, and with none once it is wiped.
 */
@Composable
internal fun SignaturePad(
    purposes: List<String>,
    onSigned: (DrawnSignature?) -> Unit,
) {
    val words = LocalWording.current
    val colors = MaterialTheme.colorScheme
    val strokes = remember { mutableStateListOf<SnapshotStateList<Offset>>() }
    var width by remember { mutableIntStateOf(0) }
    val tell by rememberUpdatedState(onSigned)
    val wipe = {
        strokes.clear()
        tell(null)
    }
    Column {
        // As high without the button as with it: else the pad would move under the finger at its first touch.
        Row(Modifier.fillMaxWidth().heightIn(min = 48.dp), verticalAlignment = Alignment.CenterVertically) {
            Text(words["sign.here"], Modifier.weight(1f), style = MaterialTheme.typography.titleSmall)
            if (strokes.isNotEmpty()) TextButton(wipe, Modifier.testTag("sign-again")) { Text(words["sign.again"]) }
        }
        val shape = RoundedCornerShape(12.dp)
        val signed = if (strokes.isEmpty()) "" else words["sign.signed"]
        Canvas(
            Modifier
                .fillMaxWidth()
                .height(160.dp)
                .background(colors.surfaceVariant, shape)
                .border(1.dp, colors.outline, shape)
                .clipToBounds()
                // Turned on its side, the pad is another one.
                .onSizeChanged { size ->
                    if (size.width != width && strokes.isNotEmpty()) wipe()
                    width = size.width
                }.semantics {
                    contentDescription = words["sign.here"]
                    stateDescription = signed
                }.testTag("sign")
                .pointerInput(purposes) { draws(strokes) { tell(drawn(width, strokes, purposes)) } },
        ) {
            val pen = Stroke(3.dp.toPx(), cap = StrokeCap.Round, join = StrokeJoin.Round)
            for (stroke in strokes) drawPath(line(stroke), colors.onSurfaceVariant, style = pen)
        }
    }
}

/** Follows the finger, stroke by stroke. What it does on the pad moves nothing around it. */
private suspend fun PointerInputScope.draws(
    strokes: SnapshotStateList<SnapshotStateList<Offset>>,
    onStroke: () -> Unit,
) = awaitEachGesture {
    val down = awaitFirstDown()
    down.consume()
    val stroke = mutableStateListOf(down.position)
    strokes.add(stroke)
    drag(down.id) {
        it.consume()
        stroke.add(it.position)
    }
    onStroke()
}

private fun line(points: List<Offset>): Path =
    Path().apply {
        points.firstOrNull()?.let { moveTo(it.x, it.y) }
        // A dot is a line of no length, which the round pen makes visible.
        points.forEach { lineTo(it.x, it.y) }
    }

private fun drawn(
    width: Int,
    strokes: List<List<Offset>>,
    purposes: List<String>,
) = DrawnSignature(width.toFloat(), strokes.map { stroke -> stroke.flatMap { listOf(it.x, it.y) } }, purposes)
