package cn.yaoban.core.bridge

/** A phone number in clear, for the dialler or the SMS app. Printing it, or a record that holds it, shows nothing. */
class Secret(private val value: String) {
    /** What it hides. */
    fun reveal(): String = value

    override fun toString(): String = "***"

    override fun equals(other: Any?): Boolean = other is Secret && other.value == value

    override fun hashCode(): Int = value.hashCode()
}
