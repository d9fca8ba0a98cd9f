package cn.yaoban.app

import android.media.MediaDataSource
import android.media.MediaPlayer
import cn.yaoban.core.ClerkException
import cn.yaoban.core.RecordingPlayer
import cn.yaoban.core.bridge.code
import kotlinx.coroutines.suspendCancellableCoroutine
import java.io.IOException
import kotlin.coroutines.resume

/** Plays recordings by the platform's player, decrypted while it reads: nothing of them is on the disk in the clear. */
internal object Sound {
    /** To the end, or until it is cancelled; false: the player does not know the format. */
    suspend fun play(recording: RecordingPlayer): Boolean {
        val player = MediaPlayer()
        return try {
            suspendCancellableCoroutine { answer ->
                val end = { played: Boolean -> if (answer.isActive) answer.resume(played) }
                player.setOnPreparedListener { it.start() }
                player.setOnCompletionListener { end(true) }
                player.setOnErrorListener { _, _, _ ->
                    end(false)
                    true
                }
                player.setDataSource(Content(recording))
                player.prepareAsync()
            }
        } catch (_: IOException) {
            false
        } finally {
            player.release()
        }
    }

    /** The content of a recording as the player reads it. */
    class Content(private val recording: RecordingPlayer) : MediaDataSource() {
        override fun readAt(
            position: Long,
            buffer: ByteArray,
            offset: Int,
            size: Int,
        ): Int {
            if (size == 0) return 0
            val bytes =
                try {
                    recording.readAt(position.toULong(), size.toUInt())
                } catch (error: ClerkException) {
                    throw IOException(error.code, error)
                }
            bytes.copyInto(buffer, offset)
            return if (bytes.isEmpty()) END else bytes.size
        }

        override fun getSize(): Long = recording.bytes().toLong()

        override fun close() = Unit // who opened the recording closes it
    }

    private const val END = -1
}
