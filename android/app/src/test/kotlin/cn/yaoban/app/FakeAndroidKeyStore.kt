package cn.yaoban.app

import android.security.keystore.KeyGenParameterSpec
import android.security.keystore.KeyPermanentlyInvalidatedException
import java.io.InputStream
import java.io.OutputStream
import java.security.AlgorithmParameters
import java.security.Key
import java.security.KeyStoreSpi
import java.security.Provider
import java.security.SecureRandom
import java.security.Security
import java.security.cert.Certificate
import java.security.spec.AlgorithmParameterSpec
import java.util.Collections
import java.util.Date
import javax.crypto.CipherSpi
import javax.crypto.IllegalBlockSizeException
import javax.crypto.KeyGenerator
import javax.crypto.KeyGeneratorSpi
import javax.crypto.SecretKey

/** The Android Keystore, which Robolectric lacks: secret AES keys, in memory, and such as a finger opens. */
object FakeAndroidKeyStore {
    /** What is in it. */
    val keys = mutableMapOf<String, SecretKey>()

    /** It does not answer, as a Keystore does now and then. */
    var broken = false

    /** Another finger was added: what was bound to those before serves no more. */
    fun enrol() = keys.values.filterIsInstance<BoundKey>().forEach { it.invalid = true }

    /** Puts it before the other providers, empty. */
    fun install() {
        keys.clear()
        broken = false
        Security.removeProvider("AndroidKeyStore")
        // First, as on a phone: Bouncy Castle takes keys that it cannot read.
        Security.insertProviderAt(
            object : Provider("AndroidKeyStore", "1.0", "for tests") {
                init {
                    put("KeyStore.AndroidKeyStore", Store::class.java.name)
                    put("KeyGenerator.AES", Generator::class.java.name)
                    put("Cipher.AES/GCM/NoPadding", BoundCipher::class.java.name)
                    put("Cipher.AES/GCM/NoPadding SupportedKeyClasses", BoundKey::class.java.name)
                }
            },
            1,
        )
    }

    class Generator : KeyGeneratorSpi() {
        private lateinit var spec: KeyGenParameterSpec

        override fun engineInit(random: SecureRandom?) = Unit

        override fun engineInit(
            parameters: AlgorithmParameterSpec?,
            random: SecureRandom?,
        ) {
            spec = parameters as KeyGenParameterSpec
        }

        override fun engineInit(
            keysize: Int,
            random: SecureRandom?,
        ) = Unit

        override fun engineGenerateKey(): SecretKey {
            val key = if (spec.isUserAuthenticationRequired) BoundKey(spec) else free()
            return key.also { keys[spec.keystoreAlias] = it }
        }

        private fun free(): SecretKey =
            KeyGenerator
                .getInstance("AES", "SunJCE")
                .apply { init(256) }
                .generateKey()
    }

    /** A key that serves once after a finger. */
    class BoundKey(
        /** What was asked for. */
        val spec: KeyGenParameterSpec,
    ) : SecretKey {
        /** The device knows others now than when it was made. */
        @Transient
        var invalid = false

        /** The Keystore saw a finger. */
        @Transient
        var seen = false

        override fun getAlgorithm() = "AES"

        override fun getFormat(): String? = null

        override fun getEncoded(): ByteArray? = null
    }

    /** What it does with such a key: nothing, but it refuses as the Keystore does. */
    class BoundCipher : CipherSpi() {
        private lateinit var key: BoundKey

        override fun engineInit(
            opmode: Int,
            key: Key?,
            random: SecureRandom?,
        ) {
            this.key = key as BoundKey
            if (key.invalid) throw KeyPermanentlyInvalidatedException()
        }

        override fun engineInit(
            opmode: Int,
            key: Key?,
            params: AlgorithmParameterSpec?,
            random: SecureRandom?,
        ) = engineInit(opmode, key, random)

        override fun engineInit(
            opmode: Int,
            key: Key?,
            params: AlgorithmParameters?,
            random: SecureRandom?,
        ) = engineInit(opmode, key, random)

        override fun engineDoFinal(
            input: ByteArray?,
            inputOffset: Int,
            inputLen: Int,
        ): ByteArray {
            if (!key.seen) throw IllegalBlockSizeException("nobody was seen")
            key.seen = false
            return ByteArray(inputLen)
        }

        override fun engineDoFinal(
            input: ByteArray?,
            inputOffset: Int,
            inputLen: Int,
            output: ByteArray?,
            outputOffset: Int,
        ) = throw UnsupportedOperationException()

        override fun engineUpdate(
            input: ByteArray?,
            inputOffset: Int,
            inputLen: Int,
        ) = throw UnsupportedOperationException()

        override fun engineUpdate(
            input: ByteArray?,
            inputOffset: Int,
            inputLen: Int,
            output: ByteArray?,
            outputOffset: Int,
        ) = throw UnsupportedOperationException()

        override fun engineSetMode(mode: String?) = Unit

        override fun engineSetPadding(padding: String?) = Unit

        override fun engineGetBlockSize() = 16

        override fun engineGetOutputSize(inputLen: Int) = inputLen

        override fun engineGetIV(): ByteArray? = null

        override fun engineGetParameters(): AlgorithmParameters? = null
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
