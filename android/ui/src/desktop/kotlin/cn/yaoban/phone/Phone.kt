package cn.yaoban.phone

import androidx.compose.ui.unit.DpSize
import androidx.compose.ui.unit.dp
import androidx.compose.ui.window.WindowState
import androidx.compose.ui.window.singleWindowApplication
import cn.yaoban.core.KeyVault
import cn.yaoban.core.bridge.ClerkCore
import cn.yaoban.core.bridge.Secret
import cn.yaoban.ui.Handed
import cn.yaoban.ui.Platform
import cn.yaoban.ui.ShareTarget
import cn.yaoban.ui.YaobanApp
import kotlinx.coroutines.runBlocking
import java.awt.Toolkit
import java.awt.datatransfer.StringSelection
import java.io.File
import java.security.SecureRandom

/** The phone in a window: `make phone`. Its data are in the folder that `-Dyaoban.home` names. */
fun main() {
    val home = File(System.getProperty("yaoban.home"))
    home.mkdirs()
    val core = runBlocking { ClerkCore.open(home, FolderVault(home)) }
    singleWindowApplication(WindowState(size = DpSize(400.dp, 840.dp)), title = "药伴") {
        YaobanApp(core, Desktop(home), PropertyTexts(System.getProperty("yaoban.language", "zh")))
    }
}

/** A key in a file beside the data: on a development machine alone. */
private class FolderVault(home: File) : KeyVault {
    private val file = File(home, "key")

    override fun databaseKey(): ByteArray {
        if (!file.exists()) file.writeBytes(ByteArray(32).also(SecureRandom()::nextBytes))
        return file.readBytes()
    }
}

/** A device without a line: what is dialled or sent is said on the terminal. */
private class Desktop(private val home: File) : Platform {
    override val deviceName = "desktop"
    override val camera = false

    override suspend fun dial(number: Secret): Handed = said("dial")

    override suspend fun sms(
        number: Secret,
        text: String,
        key: String,
    ): Handed = said("sms: $text")

    override suspend fun share(
        target: ShareTarget,
        text: String,
    ): Boolean = said("share by $target: $text") == Handed.OPENED

    override fun copy(text: String) = Toolkit.getDefaultToolkit().systemClipboard.setContents(StringSelection(text), null)

    override suspend fun scanCode(): String? = null

    override suspend fun unpaired() {
        File(home, "key").delete()
        println("unpaired: start the phone anew")
    }

    private fun said(what: String): Handed {
        println("phone: $what")
        return Handed.OPENED
    }
}
