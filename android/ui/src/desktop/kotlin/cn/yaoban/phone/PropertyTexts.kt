package cn.yaoban.phone

import cn.yaoban.ui.Texts
import java.io.File
import java.util.Properties

/** The catalogue as texts/generate.py writes it for the host build. */
class PropertyTexts(language: String) : Texts {
    private val texts =
        Properties().apply {
            val root = System.getProperty("yaoban.root") ?: error("-Dyaoban.root names the repository")
            File(root, "target/texts/host/$language.properties").reader().use(::load)
        }

    override fun find(key: String): String? = texts.getProperty(key)
}
