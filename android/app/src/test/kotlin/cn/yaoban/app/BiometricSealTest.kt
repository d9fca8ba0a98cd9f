package cn.yaoban.app

import android.app.Application
import android.hardware.biometrics.BiometricManager
import android.hardware.biometrics.BiometricManager.Authenticators.BIOMETRIC_STRONG
import android.hardware.biometrics.BiometricManager.Authenticators.BIOMETRIC_WEAK
import android.hardware.biometrics.BiometricPrompt
import android.os.CancellationSignal
import android.security.keystore.KeyProperties
import androidx.activity.ComponentActivity
import kotlinx.coroutines.async
import kotlinx.coroutines.delay
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNotNull
import org.junit.Assert.assertNotSame
import org.junit.Assert.assertNull
import org.junit.Assert.assertSame
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import org.robolectric.annotation.Implementation
import org.robolectric.annotation.Implements
import java.util.concurrent.Executor

/** A finger or face in the place of the PIN, with stand-ins for the Keystore and for the system's prompt. */
@RunWith(RobolectricTestRunner::class)
@Config(application = Application::class, shadows = [BiometricSealTest.Sensor::class, BiometricSealTest.Prompt::class])
class BiometricSealTest {
    /** How strong the finger or face is that is enrolled. */
    @Implements(BiometricManager::class)
    class Sensor {
        @Implementation
        @Suppress("unused") // Robolectric calls it
        fun canAuthenticate(asked: Int) =
            when {
                strength == 0 -> BiometricManager.BIOMETRIC_ERROR_NONE_ENROLLED
                asked and strength == strength -> BiometricManager.BIOMETRIC_SUCCESS
                else -> BiometricManager.BIOMETRIC_ERROR_NO_HARDWARE
            }
    }

    /** The system's prompt, which the test answers. */
    @Implements(BiometricPrompt::class)
    class Prompt {
        @Implementation
        @Suppress("unused") // Robolectric calls it
        fun authenticate(
            crypto: BiometricPrompt.CryptoObject,
            cancel: CancellationSignal,
            executor: Executor,
            callback: BiometricPrompt.AuthenticationCallback,
        ) {
            shown = crypto to callback
        }
    }

    private val controller = Robolectric.buildActivity(ComponentActivity::class.java).setup()
    private val device = Biometric(controller.get())
    private val key get() = FakeAndroidKeyStore.keys["yaoban.biometric"] as FakeAndroidKeyStore.BoundKey?

    @Before
    fun keystore() {
        FakeAndroidKeyStore.install()
        strength = BIOMETRIC_STRONG
        shown = null
    }

    @After
    fun close() {
        controller.pause().stop().destroy()
    }

    /** Asks, and answers as the prompt does. */
    private fun recognise(answer: BiometricPrompt.AuthenticationCallback.(BiometricPrompt.CryptoObject) -> Unit): Boolean =
        runBlocking {
            shown = null
            val asked = async { device.recognise("确认是你") }
            withTimeout(10_000) { while (shown == null) delay(1) }
            checkNotNull(shown).let { (crypto, callback) -> callback.answer(crypto) }
            asked.await()
        }

    private fun BiometricPrompt.AuthenticationCallback.succeed(crypto: BiometricPrompt.CryptoObject) =
        onAuthenticationSucceeded(BiometricPrompt.AuthenticationResult(crypto, BiometricPrompt.AUTHENTICATION_RESULT_TYPE_BIOMETRIC))

    @Test
    fun `nobody is asked for a finger before a PIN was typed`() = runBlocking {
        assertFalse(device.ready())
        assertFalse(device.recognise("确认是你"))
        assertNull(shown)
        device.trust()
        assertTrue(device.ready())
    }

    @Test
    fun `the key serves after a strong finger or face alone, and none that is added later`() = runBlocking {
        device.trust()
        val spec = checkNotNull(key).spec
        assertTrue(spec.isUserAuthenticationRequired && spec.isInvalidatedByBiometricEnrollment)
        assertEquals("each time", 0, spec.userAuthenticationValidityDurationSeconds)
        assertEquals(KeyProperties.AUTH_BIOMETRIC_STRONG, spec.userAuthenticationType)
    }

    @Test
    fun `what the prompt says does not count, what the Keystore saw does`() {
        runBlocking { device.trust() }
        assertFalse("the prompt alone", recognise { succeed(it) })
        assertFalse(
            "the user went back",
            recognise {
                checkNotNull(key).seen = true
                onAuthenticationError(BiometricPrompt.BIOMETRIC_ERROR_USER_CANCELED, "")
            },
        )
        assertTrue(
            recognise {
                assertNotNull(it.cipher)
                checkNotNull(key).seen = true
                succeed(it)
            },
        )
        assertFalse("once, and not from then on", recognise { succeed(it) })
    }

    @Test
    fun `who adds a finger has to type the PIN once more`() = runBlocking {
        device.trust()
        val first = key
        device.trust()
        assertSame("it is still good", first, key)

        FakeAndroidKeyStore.enrol()
        assertFalse(device.ready())
        assertFalse(device.recognise("确认是你"))
        assertNull(shown)
        device.trust()
        assertNotSame(first, key)
        assertTrue(device.ready())
    }

    @Test
    fun `without a strong finger or face the PIN stays the only way`() = runBlocking {
        for (weak in listOf(0, BIOMETRIC_WEAK)) {
            strength = weak
            device.trust()
            assertNull(key)
            assertFalse(device.ready())
        }
        strength = BIOMETRIC_STRONG
        device.trust()
        strength = 0
        assertFalse("it was taken away", device.ready())
    }

    @Test
    fun `a Keystore that does not answer recognises nobody`() = runBlocking {
        device.trust()
        FakeAndroidKeyStore.broken = true
        assertFalse(device.ready())
        assertFalse(device.recognise("确认是你"))
        device.trust()
    }

    private companion object {
        var strength = 0
        var shown: Pair<BiometricPrompt.CryptoObject, BiometricPrompt.AuthenticationCallback>? = null
    }
}
