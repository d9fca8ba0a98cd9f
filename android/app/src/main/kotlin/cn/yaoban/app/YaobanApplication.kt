package cn.yaoban.app

import android.app.Application
import android.content.Context
import android.util.Log
import androidx.work.Configuration
import cn.yaoban.core.WallClock
import java.io.File

/** The process: its phone, and what runs without a screen. */
open class YaobanApplication :
    Application(),
    Configuration.Provider {
    /** The phone. */
    val phone: Phone by lazy { Phone(File(noBackupFilesDir, "phone"), KeystoreVault(this), BiometricSeal(), clock) }

    /** Which clock counts; none: the system's. Tests have their own. */
    protected open val clock: WallClock? = null

    override val workManagerConfiguration: Configuration get() = Configuration.Builder().setMinimumLoggingLevel(Log.WARN).build()

    override fun onCreate() {
        super.onCreate()
        Notices.makeChannels(this)
        SyncWorker.schedule(this)
    }
}

/** The phone of this process. */
val Context.phone: Phone get() = (applicationContext as YaobanApplication).phone
