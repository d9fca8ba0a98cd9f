package cn.yaoban.ui

import androidx.compose.foundation.isSystemInDarkTheme
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.safeDrawingPadding
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Surface
import androidx.compose.runtime.Composable
import androidx.compose.runtime.CompositionLocalProvider
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.rememberCoroutineScope
import androidx.compose.runtime.saveable.rememberSaveable
import androidx.compose.runtime.setValue
import androidx.compose.ui.Modifier
import androidx.compose.ui.input.pointer.PointerEventPass
import androidx.compose.ui.input.pointer.pointerInput
import androidx.lifecycle.Lifecycle
import androidx.lifecycle.compose.LifecycleEventEffect
import androidx.lifecycle.viewmodel.compose.viewModel
import cn.yaoban.core.bridge.ClerkCore
import cn.yaoban.ui.model.PairingModel
import cn.yaoban.ui.screens.Home
import cn.yaoban.ui.screens.PairingScreen
import cn.yaoban.ui.screens.SignInScreen
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import java.time.LocalDate
import java.time.ZoneId
import kotlin.time.Duration.Companion.seconds
import kotlin.time.TimeSource

/**
 * The app: every screen, over the core, the device and the texts. [opened] is shown once the phone is unlocked, which
 * [onOpened] tells.
 * While it is shown and [live], the phone is kept in sync with the hub.
 */
@Composable
fun YaobanApp(
    core: ClerkCore,
    platform: Platform,
    texts: Texts,
    opened: Opened? = null,
    onOpened: () -> Unit = {},
    live: Boolean = true,
    dark: Boolean = isSystemInDarkTheme(),
) {
    val app = viewModel { AppModel(core) }
    val scope = rememberCoroutineScope()
    val way = rememberSaveable(saver = Way.Saver) { Way() }
    var today by remember { mutableStateOf<LocalDate?>(null) }
    var zone by remember { mutableStateOf<ZoneId?>(null) }
    LaunchedEffect(app) {
        val (clock, day) = core.call { timeZone() to today() }
        zone = ZoneId.of(clock)
        today = day
        if (opened is Opened.Pairing) app.pairing.code = opened.code
        app.pairing.begin()
    }
    YaobanTheme(dark) {
        Surface(Modifier.fillMaxSize(), color = MaterialTheme.colorScheme.background) {
            // The first reading takes less than a frame or two: nothing is shown meanwhile.
            val day = today ?: return@Surface
            val clock = zone ?: return@Surface
            CompositionLocalProvider(
                LocalWording provides remember(texts, day, clock) { Wording(texts, day, clock) },
                LocalScope provides scope,
                LocalNearDays provides remember(core) { { last -> core.call { nearDays(last) } } },
            ) {
                Box(Modifier.fillMaxSize().safeDrawingPadding()) {
                    if (app.pairing.phase == PairingModel.Phase.Ready) {
                        Paired(app, way, platform, opened, onOpened, live) { today = it }
                    } else {
                        PairingScreen(app.pairing, platform)
                    }
                }
            }
        }
    }
}

/** How often the lock, which falls by time, and the day are looked at. */
private val LOOK = 20.seconds

/** Screens of a call. */
private val CALLS = setOf(What.CALL_TASK, What.CALL_MEMBER)

/** Touches that come faster than this are one. */
private val TOUCH = 5.seconds

/** A paired phone: whoever is signed in sees the way, anybody else the door. */
@Composable
private fun Paired(
    app: AppModel,
    way: Way,
    platform: Platform,
    opened: Opened?,
    onOpened: () -> Unit,
    live: Boolean,
    onDay: (LocalDate) -> Unit,
) {
    val signIn = app.signIn
    val scope = rememberCoroutineScope()
    LaunchedEffect(app) {
        while (true) {
            signIn.refresh()
            onDay(app.core.call { today() })
            delay(LOOK)
        }
    }
    LifecycleEventEffect(Lifecycle.Event.ON_RESUME) { scope.launch { signIn.refresh() } }
    LaunchedEffect(app) { app.sync.follow() }
    if (live) LaunchedEffect(app) { app.sync.run() }

    val current = signIn.current
    if (current == null) {
        SignInScreen(signIn, platform)
        return
    }
    // Another person begins at the counter.
    var whose by rememberSaveable { mutableStateOf(current.staffId) }
    if (whose != current.staffId) {
        whose = current.staffId
        way.show(Tab.COUNTER)
    }
    LaunchedEffect(opened) {
        when (opened) {
            Opened.Tasks -> way.show(Tab.TASKS)
            // The call that is open takes it; otherwise the list shows which calls wait.
            Opened.Recording -> if (way.top?.what !in CALLS) way.show(Tab.TASKS)
            is Opened.Pairing, null -> Unit
        }
        if (opened != null) onOpened()
    }
    var touchedAt by remember { mutableStateOf<TimeSource.Monotonic.ValueTimeMark?>(null) }
    val touched = {
        if (touchedAt?.let { it.elapsedNow() < TOUCH } != true) {
            touchedAt = TimeSource.Monotonic.markNow()
            scope.launch { signIn.touched() }
        }
    }
    Box(
        Modifier.fillMaxSize().pointerInput(Unit) {
            awaitPointerEventScope {
                while (true) {
                    awaitPointerEvent(PointerEventPass.Initial)
                    touched()
                }
            }
        },
    ) { Home(app, way, platform, current) }
}
