package cn.yaoban.app

import android.security.keystore.KeyGenParameterSpec
import java.io.InputStream
import java.io.OutputStream
import java.security.Key
import java.security.KeyStoreSpi
import java.security.Provider
import java.security.SecureRandom
import java.security.Security
import java.security.cert.Certificate
import java.security.spec.AlgorithmParameterSpec
import java.util.Collections
import java.util.Date
import javax.crypto.KeyGenerator
import javax.crypto.KeyGeneratorSpi
import javax.crypto.SecretKey

/** The Android Keystore, which Robolectric lacks: secret AES keys, in memory. */
object FakeAndroidKeyStore {
    /** What is in it. */
    val keys = mutableMapOf<String, SecretKey>()

    /** It does not answer, as a Keystore does now and then. */
    var broken = false

    /** Puts it among the providers, empty. */
    fun install() {
        keys.clear()
        broken = false
        Security.removeProvider("AndroidKeyStore")
        Security.addProvider(
            object : Provider("AndroidKeyStore", "1.0", "for tests") {
                init {
                    put("KeyStore.AndroidKeyStore", Store::class.java.name)
                    put("KeyGenerator.AES", Generator::class.java.name)
                }
            },
        )
    }

    class Generator : KeyGeneratorSpi() {
        private lateinit var alias: String

        override fun engineInit(random: SecureRandom?) = Unit

        override fun engineInit(
            parameters: AlgorithmParameterSpec?,
            random: SecureRandom?,
        ) {
            alias = (parameters as KeyGenParameterSpec).keystoreAlias
        }

        override fun engineInit(
            keysize: Int,
            random: SecureRandom?,
        ) = Unit

        override fun engineGenerateKey(): SecretKey =
            KeyGenerator
                .getInstance("AES", "SunJCE")
                .apply { init(256) }
                .generateKey()
                .also { keys[alias] = it }
    }

    class Store : KeyStoreSpi() {
        override fun engineGetKey(
            alias: String,
            password: CharArray?,
        ): Key? = if (broken) throw java.security.ProviderException("no answer") else keys[alias]

        override fun engineContainsAlias(alias: String) = alias in keys

        override fun engineDeleteEntry(alias: String) {
            keys.remove(alias)
        }

        override fun engineAliases() = Collections.enumeration(keys.keys)

        override fun engineSize() = keys.size

        override fun engineIsKeyEntry(alias: String) = alias in keys

        override fun engineLoad(
            stream: InputStream?,
            password: CharArray?,
        ) = Unit

        override fun engineStore(
            stream: OutputStream?,
            password: CharArray?,
        ) = Unit

        override fun engineGetCertificateChain(alias: String): Array<Certificate>? = null

        override fun engineGetCertificate(alias: String): Certificate? = null

        override fun engineGetCreationDate(alias: String): Date? = null

        override fun engineSetKeyEntry(
            alias: String,
            key: Key,
            password: CharArray?,
            chain: Array<out Certificate>?,
        ) = throw UnsupportedOperationException()

        override fun engineSetKeyEntry(
            alias: String,
            key: ByteArray?,
            chain: Array<out Certificate>?,
        ) = throw UnsupportedOperationException()

        override fun engineSetCertificateEntry(
            alias: String,
            certificate: Certificate?,
        ) = throw UnsupportedOperationException()

        override fun engineIsCertificateEntry(alias: String) = false

        override fun engineGetCertificateAlias(certificate: Certificate?): String? = null
    }
}
