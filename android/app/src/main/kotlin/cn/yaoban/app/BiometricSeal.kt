package cn.yaoban.app

import android.os.Build
import android.security.keystore.KeyProperties
import androidx.annotation.RequiresApi
import java.security.GeneralSecurityException
import java.security.ProviderException
import javax.crypto.Cipher

/**
 * A key of the Keystore that serves only after a finger or face, and only those that the device knew when it was made:
 * who adds another one has to type the PIN once more. It keeps nothing; that it encrypts is the answer.
 */
class BiometricSeal {
    /** The key, for the prompt to open; none: there is none, or the device knows others now. Asks nobody. */
    fun closed(): Cipher? =
        orNull {
            val key = Keystore.key(ALIAS)
            if (key == null) null else Cipher.getInstance(Keystore.CIPHER).apply { init(Cipher.ENCRYPT_MODE, key) }
        }

    /** Makes one for those whom the device knows now, unless it is there. Where it cannot be made, the PIN stays the only way. */
    @RequiresApi(Build.VERSION_CODES.R)
    fun make() {
        if (closed() != null) return
        orNull {
            destroy()
            Keystore.make(
                Keystore
                    .spec(ALIAS)
                    .setUserAuthenticationRequired(true)
                    .setUserAuthenticationParameters(0, KeyProperties.AUTH_BIOMETRIC_STRONG)
                    .setInvalidatedByBiometricEnrollment(true),
            )
        }
    }

    /** Whether a key that was [closed] now serves: the Keystore saw the finger or face itself. */
    fun opens(closed: Cipher): Boolean = orNull { closed.doFinal(ByteArray(1)) } != null

    /** Nobody is recognised until it is made again. */
    fun destroy() = Keystore.destroy(ALIAS)

    /** A Keystore that refuses, or does not answer, recognises nobody. */
    private inline fun <T> orNull(block: () -> T): T? =
        try {
            block()
        } catch (_: GeneralSecurityException) {
            null
        } catch (_: ProviderException) {
            null
        }

    private companion object {
        const val ALIAS = "yaoban.biometric"
    }
}
