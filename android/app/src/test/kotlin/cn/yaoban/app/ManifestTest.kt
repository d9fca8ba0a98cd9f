package cn.yaoban.app

import android.app.Application
import android.content.Intent
import android.content.pm.ApplicationInfo
import android.content.pm.PackageManager
import androidx.test.core.app.ApplicationProvider
import cn.yaoban.app.wxapi.WXEntryActivity
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config

/** What the merged manifest says: who may come in, what gets out, what survives a restart. */
@RunWith(RobolectricTestRunner::class)
@Config(application = Application::class)
class ManifestTest {
    private val app = ApplicationProvider.getApplicationContext<Application>()
    private val parts = PackageManager.GET_ACTIVITIES or PackageManager.GET_SERVICES or PackageManager.GET_RECEIVERS or
        PackageManager.GET_PROVIDERS or PackageManager.GET_PERMISSIONS
    private val info = app.packageManager.getPackageInfo(app.packageName, parts)
    private val asked = info.requestedPermissions.orEmpty()

    @Test
    fun `other apps reach the one screen and where WeChat comes back, and nothing else without a permission of the system`() {
        // Empty activities that the tests' own library brings.
        val screens = info.activities.orEmpty().filter { it.exported && !it.name.startsWith("androidx.") }
        assertEquals(listOf(MainActivity::class.java.name, WXEntryActivity::class.java.name), screens.map { it.name })
        val open = info.services.orEmpty().filter { it.exported && it.permission == null }.map { it.name } +
            info.receivers.orEmpty().filter { it.exported && it.permission == null }.map { it.name } +
            info.providers.orEmpty().filter { it.exported }.map { it.name }
        assertEquals(emptyList<String>(), open)
    }

    @Test
    fun `nothing goes into a backup`() {
        assertEquals(0, app.applicationInfo.flags and ApplicationInfo.FLAG_ALLOW_BACKUP)
    }

    @Test
    fun `the system's prompt for a finger may be asked`() {
        assertTrue(asked.contains("android.permission.USE_BIOMETRIC"))
    }

    @Test
    fun `boot-goes-on`() {
        assertTrue(asked.contains("android.permission.RECEIVE_BOOT_COMPLETED"))
        // WorkManager switches its receiver on when there is work.
        val flags = PackageManager.MATCH_DISABLED_COMPONENTS
        val heard = app.packageManager.queryBroadcastReceivers(Intent(Intent.ACTION_BOOT_COMPLETED), flags)
        assertTrue(heard.any { it.activityInfo.name.startsWith("androidx.work.") })
    }
}
