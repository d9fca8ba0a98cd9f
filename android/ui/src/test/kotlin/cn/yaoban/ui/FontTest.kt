package cn.yaoban.ui

import org.jetbrains.skia.FontMgr
import org.jetbrains.skia.FontStyle
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Test

/** Without a Chinese font every assertion about texts still passes, and the pictures show boxes. */
class FontTest {
    @Test
    fun `there is a Chinese font`() {
        val face = FontMgr.default.matchFamilyStyleCharacter(null, FontStyle.NORMAL, arrayOf("zh-CN"), '药'.code)
        assertNotNull(face, "no font has Chinese: apt-get install fonts-wqy-zenhei (tools/setup.sh does)")
    }
}
