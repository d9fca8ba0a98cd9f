package cn.yaoban.app

import android.content.Context
import com.tencent.mm.opensdk.modelmsg.SendMessageToWX
import com.tencent.mm.opensdk.modelmsg.WXMediaMessage
import com.tencent.mm.opensdk.modelmsg.WXTextObject
import com.tencent.mm.opensdk.openapi.WXAPIFactory
import java.util.UUID

/**
 * Texts to a chat by WeChat's own SDK, for a chain that registered the app there under [appId]; empty: it did not.
 * WeChat says of every text that it was sent, so its answer is not listened to: the clerk is asked.
 */
internal class WeChat(
    context: Context,
    appId: String,
    checksSignature: Boolean = true,
) {
    private val api =
        appId.ifEmpty { null }?.let { id -> WXAPIFactory.createWXAPI(context, id, checksSignature).apply { registerApp(id) } }

    /** Opens WeChat's list of chats with a text; false: the app is not registered there, or WeChat does not take it. */
    fun share(text: String): Boolean {
        val taking = api?.takeIf { it.isWXAppInstalled } ?: return false
        val request =
            SendMessageToWX.Req().apply {
                // Told back by WeChat, and of no use here: it names nobody.
                transaction = UUID.randomUUID().toString()
                message = WXMediaMessage(WXTextObject(text)).apply { description = text.take(DESCRIPTION_CHARS_MAX) }
                scene = SendMessageToWX.Req.WXSceneSession
            }
        return taking.sendReq(request)
    }

    private companion object {
        /** WeChat refuses a longer one. */
        const val DESCRIPTION_CHARS_MAX = 1024
    }
}
