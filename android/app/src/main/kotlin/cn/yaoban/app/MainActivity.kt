package cn.yaoban.app

import android.content.Intent
import android.os.Bundle
import android.os.SystemClock
import android.view.WindowManager
import androidx.activity.ComponentActivity
import androidx.activity.compose.setContent
import androidx.activity.enableEdgeToEdge
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.setValue
import androidx.lifecycle.Lifecycle
import androidx.lifecycle.compose.collectAsStateWithLifecycle
import androidx.lifecycle.lifecycleScope
import androidx.lifecycle.repeatOnLifecycle
import cn.yaoban.core.ClerkException
import cn.yaoban.ui.Opened
import cn.yaoban.ui.YaobanApp
import kotlinx.coroutines.launch

/** The only activity: it opens the phone and shows the screens of `ui`. */
class MainActivity : ComponentActivity() {
    private lateinit var device: DevicePlatform
    private var opened by mutableStateOf<Opened?>(null)
    private var touchedAt = 0L

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        // Members' data: no screenshot, no picture in the list of recent apps.
        window.setFlags(WindowManager.LayoutParams.FLAG_SECURE, WindowManager.LayoutParams.FLAG_SECURE)
        enableEdgeToEdge()
        device = DevicePlatform(this)
        if (savedInstanceState == null) opened = openedBy(intent)
        setContent {
            val state by phone.state.collectAsStateWithLifecycle()
            when (val now = state) {
                is Phone.State.Open -> YaobanApp(now.core, device, AndroidTexts(this), opened)
                is Phone.State.Failed -> FailedScreen(now, onAgain = ::open, onAnew = ::beginAnew)
                Phone.State.Opening -> OpeningScreen()
            }
        }
        open()
        lifecycleScope.launch { repeatOnLifecycle(Lifecycle.State.STARTED) { ForegroundSync(this@MainActivity, device).run() } }
    }

    override fun onNewIntent(intent: Intent) {
        super.onNewIntent(intent)
        setIntent(intent)
        opened = openedBy(intent)
    }

    /** Every touch puts the core's lock off; told at most every few seconds. */
    override fun onUserInteraction() {
        super.onUserInteraction()
        val now = SystemClock.elapsedRealtime()
        val core = (phone.state.value as? Phone.State.Open)?.core
        if (core == null || touchedAt != 0L && now - touchedAt < TOUCH_EVERY_MS) return
        touchedAt = now
        lifecycleScope.launch {
            try {
                core.call { touch() }
            } catch (_: ClerkException) {
                // Locked, or nobody is signed in: the screens show it.
            }
        }
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

    private fun beginAnew() {
        lifecycleScope.launch {
            try {
                phone.beginAnew()
            } catch (_: ClerkException) {
                // The state says so.
            }
        }
    }

    companion object {
        /** Opens the task list. */
        const val SHOW_TASKS = "cn.yaoban.app.SHOW_TASKS"
        private const val TOUCH_EVERY_MS = 5_000L

        /** What an intent asks for. */
        fun openedBy(intent: Intent): Opened? {
            val link = intent.data
            return when {
                intent.action == SHOW_TASKS -> Opened.Tasks
                intent.action == Intent.ACTION_VIEW && link?.scheme == "yaoban" && link.host == "pair" ->
                    link.lastPathSegment?.let(Opened::Pairing)
                else -> null
            }
        }
    }
}
