package cn.yaoban.ui

import cn.yaoban.phone.draw
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import java.awt.Color
import java.awt.image.BufferedImage
import java.io.File
import javax.imageio.ImageIO
import kotlin.math.abs

/**
 * The pictures in android/screens are what the screens look like now. What differs is written to
 * target/android/ui/pictures; if it is meant, `make phone SHOTS="name"` draws the picture anew.
 */
class PictureTest {
    private val root = File(System.getProperty("yaoban.root"))
    private val committed = File(root, "android/screens")
    private val out = File(root, "target/android/ui/pictures").apply { mkdirs() }

    @Test
    fun `the committed pictures are what is drawn`() {
        val wanted = committed.listFiles { file -> file.extension == "png" }.orEmpty().map { it.nameWithoutExtension }.toSet()
        val drawn = mutableSetOf<String>()
        val differ = mutableListOf<String>()
        draw({ it in wanted }) { name, png ->
            drawn += name
            val old = ImageIO.read(File(committed, "$name.png"))
            val share = difference(old, ImageIO.read(png.inputStream()), File(out, "$name-difference.png"))
            if (share > TOLERANCE) {
                File(out, "$name.png").writeBytes(png)
                differ += "$name: ${"%.2f".format(share * 100)} % of it differs, see $out/$name-difference.png"
            }
        }
        assertEquals(wanted, drawn)
        assertTrue(differ.isEmpty(), differ.joinToString("\n"))
    }

    @Test
    fun `a button of another colour is a difference, a shade is none`() {
        val old = ImageIO.read(File(committed, "member.png"))
        assertEquals(0.0, difference(old, old))
        assertTrue(difference(old, painted(old, Color.MAGENTA)) > TOLERANCE)
        assertTrue(difference(old, painted(old, Color.MAGENTA, height = 8)) <= TOLERANCE)
        assertEquals(1.0, difference(old, BufferedImage(10, 10, BufferedImage.TYPE_INT_RGB)))
    }

    /** The picture with a field of 96 × [height] pixels in another colour. */
    private fun painted(
        picture: BufferedImage,
        color: Color,
        height: Int = 48,
    ) = BufferedImage(picture.width, picture.height, BufferedImage.TYPE_INT_RGB).apply {
        createGraphics().run {
            drawImage(picture, 0, 0, null)
            this.color = color
            fillRect(60, 60, 96, height)
            dispose()
        }
    }

    /** Which share of the pixels is of another colour; these are written in red to [into]. */
    private fun difference(
        old: BufferedImage,
        new: BufferedImage,
        into: File? = null,
    ): Double {
        if (old.width != new.width || old.height != new.height) return 1.0
        val shown = BufferedImage(old.width, old.height, BufferedImage.TYPE_INT_RGB)
        var count = 0
        for (y in 0 until old.height) {
            for (x in 0 until old.width) {
                val other = other(Color(old.getRGB(x, y)), Color(new.getRGB(x, y)))
                if (other) count++
                shown.setRGB(x, y, if (other) Color.RED.rgb else new.getRGB(x, y))
            }
        }
        val share = count.toDouble() / (old.width * old.height)
        if (into != null && share > TOLERANCE) ImageIO.write(shown, "png", into)
        return share
    }

    private fun other(
        one: Color,
        two: Color,
    ) = maxOf(abs(one.red - two.red), abs(one.green - two.green), abs(one.blue - two.blue)) > SHADE

    private companion object {
        /** A channel may differ by so much: edges of letters. */
        const val SHADE = 40

        /** So large a share of the pixels may differ: a letter, not a word. */
        const val TOLERANCE = 0.001
    }
}
