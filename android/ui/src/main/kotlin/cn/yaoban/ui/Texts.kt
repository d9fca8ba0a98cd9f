package cn.yaoban.ui

/**
 * The catalogue of texts in the device's language (`texts/` at the root of the repository). A text may hold
 * places in braces, `{name}`. Texts of codes have the code in their key, for example `class.retain`.
 */
interface Texts {
    /** The text of a key with its places as they stand; none if the catalogue has no such key. */
    fun find(key: String): String?
}

/** The text of a key with its places filled; the key itself if there is none. */
operator fun Texts.get(
    key: String,
    vararg values: Pair<String, Any?>,
): String = fill(find(key) ?: key, values.toMap())

/** The text of a code, `group.code`; the code itself if there is none, so that a newer hub's is not lost. */
fun Texts.code(
    group: String,
    code: String,
): String = find("$group.$code") ?: code

/** A place without a value stays empty. */
internal fun fill(
    text: String,
    values: Map<String, Any?>,
): String = PLACE.replace(text) { values[it.groupValues[1]]?.toString().orEmpty() }

private val PLACE = Regex("""\{(\w+)\}""")
