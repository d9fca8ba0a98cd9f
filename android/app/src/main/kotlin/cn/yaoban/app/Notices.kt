package cn.yaoban.app

import android.app.Notification
import android.app.NotificationChannel
import android.app.NotificationManager
import android.app.PendingIntent
import android.content.Context
import android.content.Intent
import androidx.core.app.NotificationCompat
import cn.yaoban.core.ClerkException
import cn.yaoban.core.bridge.ClerkCore

/**
 * What the phone tells when the app is not open: how many tasks are due, how many of them are
 * emergencies. Numbers only, no name of a member anywhere; the lock screen does not even show those.
 */
object Notices {
    private const val TASKS = "tasks"
    private const val EMERGENCY = "emergency"
    private const val TASKS_ID = 1
    private const val EMERGENCY_ID = 2

    /** Makes the channels; again does nothing. */
    fun makeChannels(context: Context) {
        val manager = context.getSystemService(NotificationManager::class.java)
        val tasks = context.getString(R.string.notification_channel_tasks)
        val emergency = context.getString(R.string.notification_channel_emergency)
        manager.createNotificationChannels(
            listOf(
                NotificationChannel(TASKS, tasks, NotificationManager.IMPORTANCE_LOW),
                NotificationChannel(EMERGENCY, emergency, NotificationManager.IMPORTANCE_HIGH),
            ),
        )
    }

    /** Tells what is due, also behind the core's lock, or takes the notice away. What a core that cannot say had told stays. */
    suspend fun tellDue(
        context: Context,
        core: ClerkCore,
    ) {
        val counts =
            try {
                core.call { dueCounts() }
            } catch (_: ClerkException) {
                return
            }
        tell(context, TASKS_ID, TASKS, R.string.notification_tasks, counts.due.toInt())
        tell(context, EMERGENCY_ID, EMERGENCY, R.string.notification_emergency, counts.emergencies.toInt())
    }

    /** Takes both away: somebody looks at the app itself. */
    fun takeAway(context: Context) {
        val manager = context.getSystemService(NotificationManager::class.java)
        manager.cancel(TASKS_ID)
        manager.cancel(EMERGENCY_ID)
    }

    private fun tell(
        context: Context,
        id: Int,
        channel: String,
        text: Int,
        count: Int,
    ) {
        val manager = context.getSystemService(NotificationManager::class.java)
        if (count == 0) return manager.cancel(id)
        val hidden = builder(context, channel).setContentText(context.getString(R.string.notification_hidden)).build()
        val notice: Notification =
            builder(context, channel)
                .setContentText(context.getString(text, count))
                .setVisibility(NotificationCompat.VISIBILITY_PRIVATE)
                .setPublicVersion(hidden)
                .setOnlyAlertOnce(true)
                .build()
        manager.notify(id, notice)
    }

    private fun builder(
        context: Context,
        channel: String,
    ) = NotificationCompat
        .Builder(context, channel)
        .setSmallIcon(R.drawable.ic_notification)
        .setContentTitle(context.getString(R.string.app_name))
        .setContentIntent(opensTasks(context))
        .setAutoCancel(true)

    private fun opensTasks(context: Context): PendingIntent =
        PendingIntent.getActivity(
            context,
            0,
            Intent(context, MainActivity::class.java).setAction(MainActivity.SHOW_TASKS),
            PendingIntent.FLAG_IMMUTABLE or PendingIntent.FLAG_UPDATE_CURRENT,
        )
}
