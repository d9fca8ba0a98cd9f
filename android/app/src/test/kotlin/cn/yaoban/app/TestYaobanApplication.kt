package cn.yaoban.app

import androidx.work.Configuration
import androidx.work.testing.SynchronousExecutor
import androidx.work.testing.WorkManagerTestInitHelper
import cn.yaoban.core.bridge.TestClock
import cn.yaoban.core.bridge.TestHub
import kotlinx.coroutines.runBlocking

/** The app at half past ten in the morning, with a stand-in for the Keystore. Robolectric takes it by its name. */
class TestYaobanApplication : YaobanApplication() {
    public override val clock = TestClock()

    override fun onCreate() {
        FakeAndroidKeyStore.install()
        WorkManagerTestInitHelper.initializeTestWorkManager(this, Configuration.Builder().setExecutor(SynchronousExecutor()).build())
        super.onCreate()
    }

    /** A phone of the hub's store, loaded; signed in unless nobody is named. */
    fun pair(
        hub: TestHub,
        staffId: String? = "C1",
    ) = runBlocking {
        val core = phone.core()
        core.call { pair(hub.pairingCode(), "robolectric") }
        core.sync()
        if (staffId != null) core.call { switchStaff(staffId, null) }
    }

    /** The process ends. */
    fun end() {
        runBlocking { phone.close() }
        WorkManagerTestInitHelper.closeWorkDatabase()
    }
}
