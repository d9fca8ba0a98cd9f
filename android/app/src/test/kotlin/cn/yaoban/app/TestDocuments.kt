package cn.yaoban.app

import android.content.ContentProvider
import android.content.ContentValues
import android.database.Cursor
import android.database.MatrixCursor
import android.net.Uri
import android.provider.DocumentsContract.Document

/** The files of another app: a folder with a picture, a note of a year ago and a recording of an hour ago. */
internal class TestDocuments : ContentProvider() {
    private val rows =
        listOf(
            mapOf(Document.COLUMN_DOCUMENT_ID to "old", Document.COLUMN_LAST_MODIFIED to 1L, Document.COLUMN_MIME_TYPE to "audio/amr"),
            mapOf(Document.COLUMN_DOCUMENT_ID to "new", Document.COLUMN_LAST_MODIFIED to 2L, Document.COLUMN_MIME_TYPE to "audio/mp4"),
            mapOf(Document.COLUMN_DOCUMENT_ID to "picture", Document.COLUMN_LAST_MODIFIED to 3L, Document.COLUMN_MIME_TYPE to "image/png"),
        ).map { it + mapOf(Document.COLUMN_SIZE to 10L) }

    override fun onCreate() = true

    override fun query(
        uri: Uri,
        projection: Array<String>?,
        selection: String?,
        arguments: Array<String>?,
        order: String?,
    ): Cursor {
        val columns = projection.orEmpty()
        val shown = if (uri.lastPathSegment == "children") rows else listOf(rows[1] + mapOf(Document.COLUMN_DISPLAY_NAME to "call_rec"))
        return MatrixCursor(columns).apply { shown.forEach { row -> addRow(columns.map { row[it] }) } }
    }

    override fun getType(uri: Uri) = "audio/mp4"

    override fun insert(
        uri: Uri,
        values: ContentValues?,
    ): Uri? = null

    override fun delete(
        uri: Uri,
        selection: String?,
        arguments: Array<String>?,
    ) = 0

    override fun update(
        uri: Uri,
        values: ContentValues?,
        selection: String?,
        arguments: Array<String>?,
    ) = 0
}
