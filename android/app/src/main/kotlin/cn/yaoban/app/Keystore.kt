package cn.yaoban.app

import android.security.keystore.KeyGenParameterSpec
import android.security.keystore.KeyProperties
import java.security.KeyStore
import javax.crypto.KeyGenerator
import javax.crypto.SecretKey

/** The Android Keystore, as far as it is used here: AES keys that never leave it. */
internal object Keystore {
    /** What its keys serve. */
    const val CIPHER = "AES/GCM/NoPadding"

    /** How many bytes they have. */
    const val KEY_BYTES = 32

    private const val PROVIDER = "AndroidKeyStore"

    /** The key of a name; none: there is none. */
    fun key(alias: String): SecretKey? = store().getKey(alias, null) as? SecretKey

    /** What a new key of that name is to be like. */
    fun spec(alias: String): KeyGenParameterSpec.Builder =
        KeyGenParameterSpec
            .Builder(alias, KeyProperties.PURPOSE_ENCRYPT or KeyProperties.PURPOSE_DECRYPT)
            .setKeySize(KEY_BYTES * Byte.SIZE_BITS)
            .setBlockModes(KeyProperties.BLOCK_MODE_GCM)
            .setEncryptionPaddings(KeyProperties.ENCRYPTION_PADDING_NONE)

    /** Makes a key, in the place of another one of its name. */
    fun make(spec: KeyGenParameterSpec.Builder): SecretKey =
        KeyGenerator.getInstance(KeyProperties.KEY_ALGORITHM_AES, PROVIDER).run {
            init(spec.build())
            generateKey()
        }

    /** Destroys a key, if there is one of that name. */
    fun destroy(alias: String) = store().deleteEntry(alias)

    private fun store(): KeyStore = KeyStore.getInstance(PROVIDER).apply { load(null) }
}
