package cn.yaoban.core.bridge

import cn.yaoban.core.ValueKind

/**
 * A value for a wording; its kind is how it is said. It may say something about a member, so printing it, or an exception or a
 * record that holds it, shows its name only.
 */
class WordingValue(val name: String, val value: String, val kind: ValueKind = ValueKind.Text) {
    override fun toString(): String = name

    override fun equals(other: Any?): Boolean = other is WordingValue && other.name == name && other.value == value && other.kind == kind

    override fun hashCode(): Int = 31 * name.hashCode() + value.hashCode()
}

/** The value of this name, if there is one. */
operator fun List<WordingValue>.get(name: String): String? = firstOrNull { it.name == name }?.value
