package cn.yaoban.app.wxapi

import android.app.Activity
import android.os.Bundle

/**
 * Where WeChat comes back to, under the name that it asks for. What it says is not listened to (see `WeChat`); it ends at
 * once, and what was open shows again. Anybody may open it, so it reads nothing.
 */
class WXEntryActivity : Activity() {
    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        finish()
    }
}
