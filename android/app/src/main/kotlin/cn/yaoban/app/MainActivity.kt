package cn.yaoban.app

import android.content.Intent
import android.net.Uri
import android.os.Bundle
import android.view.WindowManager
import androidx.activity.ComponentActivity
import androidx.activity.compose.setContent
import androidx.activity.enableEdgeToEdge
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.runtime.key
import androidx.compose.runtime.mutableIntStateOf
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.setValue
import androidx.core.content.IntentCompat
import androidx.lifecycle.Lifecycle
import androidx.lifecycle.compose.collectAsStateWithLifecycle
import androidx.lifecycle.compose.currentStateAsState
import androidx.lifecycle.lifecycleScope
import androidx.lifecycle.repeatOnLifecycle
import cn.yaoban.core.ClerkException
import cn.yaoban.core.bridge.ClerkCore
import cn.yaoban.ui.Opened
import cn.yaoban.ui.YaobanApp
import kotlinx.coroutines.launch

/** The only activity: it opens the phone and shows the screens of `ui`. */
class MainActivity : ComponentActivity() {
    internal lateinit var device: DevicePlatform
        private set
    private var opened by mutableStateOf<Opened?>(null)

    /**
     * Counts beginnings: the screens and their models are made anew with each. It is the key of what is saved too,
     * so it must be the same in the next process; the core itself is not.
     */
    private var beginning by mutableIntStateOf(0)

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        // Members' data: no screenshot, no picture in the list of recent apps.
        window.setFlags(WindowManager.LayoutParams.FLAG_SECURE, WindowManager.LayoutParams.FLAG_SECURE)
        enableEdgeToEdge()
        device = DevicePlatform(this, ::beginAnew)
        if (savedInstanceState == null) take(intent)
        setContent {
            val state by phone.state.collectAsStateWithLifecycle()
            when (val now = state) {
                is Phone.State.Open -> key(beginning) { Screens(now.core) }
                is Phone.State.Failed -> FailedScreen(now, onAgain = ::open, onAnew = { lifecycleScope.launch { beginAnew() } })
                Phone.State.Opening -> OpeningScreen()
            }
        }
        open()
        lifecycleScope.launch { repeatOnLifecycle(Lifecycle.State.STARTED) { inFront() } }
    }

    override fun onNewIntent(intent: Intent) {
        super.onNewIntent(intent)
        setIntent(intent)
        take(intent)
        // A link that comes while its screen is shown: the screen takes it as it begins.
        if (opened is Opened.Pairing) screensAnew()
    }

    private fun take(intent: Intent) {
        opened = openedBy(intent)
        if (opened == Opened.Recording) streamOf(intent)?.let(device.recorder::share)
    }

    @Composable
    private fun Screens(core: ClerkCore) {
        val now by lifecycle.currentStateAsState()
        val texts = remember { AndroidTexts(this) }
        YaobanApp(core, device, texts, opened, { opened = null }, live = now.isAtLeast(Lifecycle.State.STARTED))
    }

    private fun screensAnew() {
        viewModelStore.clear()
        beginning++
    }

    private fun open() {
        lifecycleScope.launch {
            try {
                phone.core()
            } catch (_: ClerkException) {
                // The state says so.
            }
        }
    }

    private suspend fun beginAnew() {
        try {
            phone.beginAnew()
        } catch (_: ClerkException) {
            // The state says so.
        }
        opened = null
        screensAnew()
    }

    /** While somebody looks at it: which network there is, and what a notice told is told by the screens. */
    private suspend fun inFront() {
        Notices.takeAway(this)
        Foreground(this, device).run()
    }

    companion object {
        /** Opens the task list. */
        const val SHOW_TASKS = "cn.yaoban.app.SHOW_TASKS"

        /** The file that was shared. */
        private fun streamOf(intent: Intent): Uri? =
            IntentCompat.getParcelableExtra(intent, Intent.EXTRA_STREAM, Uri::class.java)?.takeIf { it.scheme == "content" }

        /** What an intent asks for. */
        fun openedBy(intent: Intent): Opened? {
            val link = intent.data
            return when {
                intent.action == SHOW_TASKS -> Opened.Tasks
                intent.action == Intent.ACTION_SEND && streamOf(intent) != null -> Opened.Recording
                intent.action == Intent.ACTION_VIEW && link?.scheme == "yaoban" && link.host == "pair" ->
                    link.lastPathSegment?.let(Opened::Pairing)
                else -> null
            }
        }
    }
}
