package cn.yaoban.app

import android.content.Context
import android.content.pm.PackageManager
import android.os.Build
import android.security.keystore.KeyPermanentlyInvalidatedException
import android.security.keystore.StrongBoxUnavailableException
import android.util.AtomicFile
import androidx.annotation.RequiresApi
import cn.yaoban.core.KeyVault
import cn.yaoban.core.PlatformException
import java.io.File
import java.io.FileNotFoundException
import java.io.IOException
import java.security.GeneralSecurityException
import java.security.ProviderException
import java.security.SecureRandom
import java.security.UnrecoverableKeyException
import javax.crypto.AEADBadTagException
import javax.crypto.Cipher
import javax.crypto.SecretKey
import javax.crypto.spec.GCMParameterSpec

/**
 * The key of the phone's file: 32 random bytes, kept in a file that a key of the Android Keystore wraps
 * (AES-256-GCM; in StrongBox where the phone has one). The wrapping key never leaves the Keystore. It asks
 * for no unlocked screen, because sync runs in a pocket too; who may see what is the core's lock.
 */
class KeystoreVault(private val context: Context) : KeyVault {
    private val file = AtomicFile(File(context.noBackupFilesDir, "phone.key"))

    /** The key is gone for good: what it encrypted cannot be read any more. Known after a call failed. */
    @Volatile
    var lost = false
        private set

    /** Makes the key at the first call. A Keystore that fails is an error and never a reason for a new key. */
    @Synchronized
    override fun databaseKey(): ByteArray =
        try {
            unwrapped() ?: wrapNew()
        } catch (error: GeneralSecurityException) {
            lost = isFinal(error)
            throw failed(error)
        } catch (error: ProviderException) {
            throw failed(error)
        } catch (error: IOException) {
            throw failed(error)
        }

    /** Destroys the key, after the core has deleted the data, or when it is [lost]. */
    @Synchronized
    fun destroy() {
        file.delete()
        Keystore.destroy(ALIAS)
        lost = false
    }

    private fun unwrapped(): ByteArray? {
        val wrapped =
            try {
                file.readFully()
            } catch (_: FileNotFoundException) {
                return null
            }
        val key = Keystore.key(ALIAS) ?: throw UnrecoverableKeyException("the Keystore has no such key")
        if (wrapped.size <= IV_BYTES) throw AEADBadTagException("the wrapped key is cut short")
        return Cipher.getInstance(Keystore.CIPHER).run {
            init(Cipher.DECRYPT_MODE, key, GCMParameterSpec(TAG_BITS, wrapped, 0, IV_BYTES))
            doFinal(wrapped, IV_BYTES, wrapped.size - IV_BYTES)
        }
    }

    private fun wrapNew(): ByteArray {
        val bytes = ByteArray(Keystore.KEY_BYTES).also { SecureRandom().nextBytes(it) }
        val wrapped =
            Cipher.getInstance(Keystore.CIPHER).run {
                init(Cipher.ENCRYPT_MODE, newWrappingKey())
                iv + doFinal(bytes)
            }
        val out = file.startWrite()
        try {
            out.write(wrapped)
        } catch (error: IOException) {
            file.failWrite(out)
            throw error
        }
        file.finishWrite(out)
        return bytes
    }

    private fun newWrappingKey(): SecretKey {
        val strong = if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.P) inStrongBox() else null
        return strong ?: Keystore.make(Keystore.spec(ALIAS))
    }

    /** None: there is no StrongBox, or it cannot do this, or is full; the ordinary Keystore does. */
    @RequiresApi(Build.VERSION_CODES.P)
    private fun inStrongBox(): SecretKey? {
        if (!context.packageManager.hasSystemFeature(PackageManager.FEATURE_STRONGBOX_KEYSTORE)) return null
        return try {
            Keystore.make(Keystore.spec(ALIAS).setIsStrongBoxBacked(true))
        } catch (_: StrongBoxUnavailableException) {
            null
        }
    }

    private fun isFinal(error: GeneralSecurityException): Boolean =
        error is UnrecoverableKeyException || error is KeyPermanentlyInvalidatedException || error is AEADBadTagException

    /** Only the class: a message of the Keystore may say anything. */
    private fun failed(error: Exception) = PlatformException.Failed(error.javaClass.simpleName)

    private companion object {
        const val ALIAS = "yaoban.database"
        const val IV_BYTES = 12
        const val TAG_BITS = 128
    }
}
