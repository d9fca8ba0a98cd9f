package cn.yaoban.app

import android.app.Activity
import android.hardware.biometrics.BiometricManager
import android.hardware.biometrics.BiometricPrompt
import android.os.Build
import android.os.CancellationSignal
import androidx.annotation.RequiresApi
import kotlinx.coroutines.suspendCancellableCoroutine
import kotlin.coroutines.resume

/** The platform's own prompt, from Android 11 on; before it the PIN alone serves. */
class Biometric(private val activity: Activity) {
    /** Whether somebody is enrolled with a finger or face that counts as strong. */
    val ready: Boolean
        get() = Build.VERSION.SDK_INT >= Build.VERSION_CODES.R && enrolled()

    /** Asks; false when it was refused or given up. */
    suspend fun recognise(reason: String): Boolean = Build.VERSION.SDK_INT >= Build.VERSION_CODES.R && ready && ask(reason)

    @RequiresApi(Build.VERSION_CODES.R)
    private fun enrolled(): Boolean =
        activity.getSystemService(BiometricManager::class.java)?.canAuthenticate(STRONG) == BiometricManager.BIOMETRIC_SUCCESS

    @RequiresApi(Build.VERSION_CODES.R)
    private suspend fun ask(reason: String): Boolean =
        suspendCancellableCoroutine { answer ->
            val cancel = CancellationSignal().also { signal -> answer.invokeOnCancellation { signal.cancel() } }
            // The prompt may end by its button and by an error at once; the first word counts.
            val end = { recognised: Boolean -> if (answer.isActive) answer.resume(recognised) }
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
                .authenticate(cancel, activity.mainExecutor, callback)
        }

    private companion object {
        const val STRONG = BiometricManager.Authenticators.BIOMETRIC_STRONG
    }
}
