package cn.yaoban.core.bridge

import cn.yaoban.core.PlatformException
import cn.yaoban.core.RecordingSource
import java.io.IOException
import java.io.InputStream

/** A stream of the platform as the core reads it. */
class StreamSource(private val stream: InputStream) :
    RecordingSource,
    AutoCloseable by stream {
    override fun read(bytesMax: UInt): ByteArray {
        val buffer = ByteArray(bytesMax.toInt())
        val read =
            try {
                stream.read(buffer)
            } catch (error: IOException) {
                throw failed(error)
            }
        return buffer.copyOf(read.coerceAtLeast(0))
    }

    /** Only the class: a message may name the file, and with it a member's number. */
    private fun failed(error: IOException) = PlatformException.Failed(error.javaClass.simpleName)
}
