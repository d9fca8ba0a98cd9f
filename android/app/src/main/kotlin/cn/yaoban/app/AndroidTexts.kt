package cn.yaoban.app

import android.content.Context
import cn.yaoban.ui.Texts

/** The catalogue from Android's resources, in the language that the phone, or the app's own setting, asks for. */
class AndroidTexts(private val context: Context) : Texts {
    override fun find(key: String): String? = TextIds.byKey[key]?.let(context::getString)
}
