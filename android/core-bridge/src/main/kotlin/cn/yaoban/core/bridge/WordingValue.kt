package cn.yaoban.core.bridge

/**
 * A value for a wording. It may say something about a member, so printing it, or an exception or a
 * record that holds it, shows its name only.
 */
class WordingValue(val name: String, val value: String) {
    override fun toString(): String = name

    override fun equals(other: Any?): Boolean = other is WordingValue && other.name == name && other.value == value

    override fun hashCode(): Int = 31 * name.hashCode() + value.hashCode()
}

/** The value of this name, if there is one. */
operator fun List<WordingValue>.get(name: String): String? = firstOrNull { it.name == name }?.value
