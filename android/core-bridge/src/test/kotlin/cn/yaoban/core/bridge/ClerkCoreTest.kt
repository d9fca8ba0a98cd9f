package cn.yaoban.core.bridge

import cn.yaoban.core.ClerkException
import cn.yaoban.core.ErrorKind
import cn.yaoban.core.KeyVault
import cn.yaoban.core.NewMember
import cn.yaoban.core.PhoneStage
import cn.yaoban.core.PlatformException
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir
import java.io.File

/** The core without a hub: opening, records, errors. */
class ClerkCoreTest {
    @TempDir
    lateinit var home: File

    private val clock = TestClock()

    private suspend fun opened() = ClerkCore.open(home, TestVault(), clock)

    @Test
    fun `a new phone tells that it is not paired`() = runBlocking {
        val core = opened()
        val status = core.call { status() }
        assertEquals(PhoneStage.UNPAIRED, status.stage)
        assertNull(status.staffId)
        assertEquals(emptyList<Any>(), status.stuck)
        assertTrue(status.fileBytes > 0u)
        assertEquals(clock.today, core.call { today() })
        core.close()
    }

    @Test
    fun `an error has its kind, its code and its values`() = runBlocking {
        val core = opened()
        val unpaired = assertThrows<ClerkException> { core.call { staff() } }
        assertEquals(ErrorKind.NOT_PAIRED, unpaired.kind)
        assertEquals("not_paired", unpaired.code)
        val badCode = assertThrows<ClerkException> { core.call { pair("no code", "phone") } }
        assertEquals(ErrorKind.HUB to "pair_code_bad", badCode.kind to badCode.code)
        val missing = assertThrows<ClerkException> { core.call { putAway(7) } }
        assertEquals("operation", missing.values["what"])
        core.close()
    }

    @Test
    fun `an error's message shows the names of its values and not the values`() = runBlocking {
        val core = opened()
        val missing = assertThrows<ClerkException> { core.call { putAway(7) } }
        val message = missing.message.orEmpty()
        assertTrue(message.contains("[what]"), message)
        core.close()
    }

    @Test
    fun `a closed core says so, and opens again with its key only`() = runBlocking {
        opened().close()
        opened().close()
        val fresh = ClerkCore.open(home, TestVault(byte = 8), clock)
        assertTrue(fresh.call { status() }.setAside != null, "a file that another key made is set aside, never deleted")
        fresh.close()
    }

    @Test
    fun `a vault that fails, or gives no key, is told`() = runBlocking {
        val failing = object : KeyVault {
            override fun databaseKey(): ByteArray = throw PlatformException.Failed("UserNotAuthenticated")
        }
        val broken = object : KeyVault {
            override fun databaseKey(): ByteArray = error("a mistake of the shell")
        }
        for (vault in listOf(failing, broken, TestVault(length = 31))) {
            val error = assertThrows<ClerkException> { ClerkCore.open(home, vault, clock) }
            assertEquals(ErrorKind.STORAGE, error.kind)
            assertEquals("key_unavailable", error.code)
        }
        assertTrue(home.list().orEmpty().isEmpty(), "nothing is made without a key")
    }

    @Test
    fun `a number does not show when a record is printed`() {
        assertEquals("***", Secret("15400000001").toString())
        assertEquals("15400000001", Secret("15400000001").reveal())
    }

    @Test
    fun `what may be left out of a record has a default`() {
        val member = NewMember(name = "王约")
        assertNull(member.birthday)
        assertEquals(emptyList<String>(), member.tags)
    }
}
