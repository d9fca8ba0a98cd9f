package cn.yaoban.app

import android.app.Application
import androidx.test.core.app.ApplicationProvider
import cn.yaoban.core.PlatformException
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import java.io.File

/** The key of the file, with a stand-in for the Keystore. */
@RunWith(RobolectricTestRunner::class)
@Config(application = Application::class)
class KeystoreVaultTest {
    private val context = ApplicationProvider.getApplicationContext<Application>()
    private val file = File(context.noBackupFilesDir, "phone.key")
    private val vault = KeystoreVault(context)

    @Before
    fun keystore() = FakeAndroidKeyStore.install()

    @Test
    fun `a key is made once, and is the same ever after`() {
        val key = vault.databaseKey()
        assertEquals(32, key.size)
        assertTrue(key.toSet().size > 8)
        assertArrayEquals(key, vault.databaseKey())
        assertArrayEquals(key, KeystoreVault(context).databaseKey())
    }

    @Test
    fun `the disk has it wrapped only`() {
        val key = vault.databaseKey()
        val wrapped = file.readBytes()
        assertEquals("iv, key, tag", 12 + 32 + 16, wrapped.size)
        val places = 0..wrapped.size - key.size
        assertFalse(places.any { wrapped.copyOfRange(it, it + key.size).contentEquals(key) })
    }

    @Test
    fun `a Keystore that does not answer is no reason for a new key`() {
        val key = vault.databaseKey()
        FakeAndroidKeyStore.broken = true
        val error = assertThrows(PlatformException.Failed::class.java) { vault.databaseKey() }
        assertEquals("ProviderException", error.why)
        assertFalse(vault.lost)
        FakeAndroidKeyStore.broken = false
        assertArrayEquals(key, vault.databaseKey())
    }

    @Test
    fun `a wrapping key that is gone or another is told as lost, and nothing is made over it`() {
        vault.databaseKey()
        val wrapped = file.readBytes()
        FakeAndroidKeyStore.keys.clear()
        assertThrows(PlatformException.Failed::class.java) { vault.databaseKey() }
        assertTrue(vault.lost)
        assertArrayEquals(wrapped, file.readBytes())

        FakeAndroidKeyStore.install()
        file.delete()
        vault.databaseKey()
        file.writeBytes(wrapped)
        assertThrows(PlatformException.Failed::class.java) { vault.databaseKey() }
        assertTrue(vault.lost)
    }

    @Test
    fun `a destroyed key is replaced by another`() {
        val key = vault.databaseKey()
        vault.destroy()
        assertFalse(file.exists())
        assertTrue(FakeAndroidKeyStore.keys.isEmpty())
        assertFalse(vault.databaseKey().contentEquals(key))
    }
}
