package cn.yaoban.app

import android.app.Activity
import android.hardware.biometrics.BiometricManager
import android.hardware.biometrics.BiometricPrompt
import android.os.Build
import android.os.CancellationSignal
import androidx.annotation.RequiresApi
import cn.yaoban.ui.Biometrics
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.suspendCancellableCoroutine
import kotlinx.coroutines.withContext
import javax.crypto.Cipher
import kotlin.coroutines.resume

/** The platform's own prompt, which opens the [BiometricSeal], from Android 11 on; before it the PIN alone serves. */
class Biometric(private val activity: Activity) : Biometrics {
    private val seal = BiometricSeal()

    /** Only what counts as strong: a weaker one opens no key. */
    override suspend fun ready(): Boolean = closedSeal() != null

    override suspend fun trust() =
        withContext(Dispatchers.IO) {
            if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.R && enrolled()) seal.make()
        }

    override suspend fun recognise(reason: String): Boolean {
        val closed = closedSeal() ?: return false
        return Build.VERSION.SDK_INT >= Build.VERSION_CODES.R && ask(reason, closed) && withContext(Dispatchers.IO) { seal.opens(closed) }
    }

    private suspend fun closedSeal(): Cipher? =
        withContext(Dispatchers.IO) {
            if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.R && enrolled()) seal.closed() else null
        }

    @RequiresApi(Build.VERSION_CODES.R)
    private fun enrolled(): Boolean =
        activity.getSystemService(BiometricManager::class.java)?.canAuthenticate(STRONG) == BiometricManager.BIOMETRIC_SUCCESS

    @RequiresApi(Build.VERSION_CODES.R)
    private suspend fun ask(
        reason: String,
        closed: Cipher,
    ): Boolean =
        suspendCancellableCoroutine { answer ->
            val cancel = CancellationSignal().also { signal -> answer.invokeOnCancellation { signal.cancel() } }
            // The prompt may end by its button and by an error at once; the first word counts.
            val end = { seen: Boolean -> if (answer.isActive) answer.resume(seen) }
            val callback =
                object : BiometricPrompt.AuthenticationCallback() {
                    override fun onAuthenticationSucceeded(result: BiometricPrompt.AuthenticationResult?) = end(true)

                    override fun onAuthenticationError(
                        errorCode: Int,
                        errString: CharSequence?,
                    ) = end(false)
                }
            BiometricPrompt
                .Builder(activity)
                .setTitle(reason)
                .setAllowedAuthenticators(STRONG)
                .setNegativeButton(activity.getString(android.R.string.cancel), activity.mainExecutor) { _, _ -> end(false) }
                .build()
                .authenticate(BiometricPrompt.CryptoObject(closed), cancel, activity.mainExecutor, callback)
        }

    private companion object {
        const val STRONG = BiometricManager.Authenticators.BIOMETRIC_STRONG
    }
}
