package cn.yaoban.app

import android.content.Context
import androidx.work.BackoffPolicy
import androidx.work.Constraints
import androidx.work.CoroutineWorker
import androidx.work.ExistingPeriodicWorkPolicy
import androidx.work.NetworkType
import androidx.work.PeriodicWorkRequestBuilder
import androidx.work.WorkManager
import androidx.work.WorkerParameters
import cn.yaoban.core.ClerkException
import cn.yaoban.core.ErrorKind
import cn.yaoban.core.PhoneStage
import cn.yaoban.core.bridge.kind
import java.util.concurrent.TimeUnit

/** A round with the hub every quarter of an hour, also when the app is not open. */
class SyncWorker(
    context: Context,
    parameters: WorkerParameters,
) : CoroutineWorker(context, parameters) {
    override suspend fun doWork(): Result =
        try {
            val core = applicationContext.phone.core()
            if (core.call { status().stage } != PhoneStage.UNPAIRED) {
                core.sync()
                core.call { setNetwork(Networks.now(applicationContext)) }
                core.cancellable { uploadRecordings(it) }
                Notices.tellDue(applicationContext, core)
            }
            Result.success()
        } catch (error: ClerkException) {
            // What waits for somebody waits for the next period.
            if (error.kind == ErrorKind.OFFLINE) Result.retry() else Result.failure()
        }

    companion object {
        private const val NAME = "sync"
        private const val EVERY_MINUTES = 15L
        private const val BACK_OFF_SECONDS = 30L

        /** Once, however often it is called. It survives restarts of the phone. */
        fun schedule(context: Context) {
            val work =
                PeriodicWorkRequestBuilder<SyncWorker>(EVERY_MINUTES, TimeUnit.MINUTES)
                    .setConstraints(Constraints.Builder().setRequiredNetworkType(NetworkType.CONNECTED).build())
                    .setBackoffCriteria(BackoffPolicy.EXPONENTIAL, BACK_OFF_SECONDS, TimeUnit.SECONDS)
                    .build()
            WorkManager.getInstance(context).enqueueUniquePeriodicWork(NAME, ExistingPeriodicWorkPolicy.UPDATE, work)
        }
    }
}
