package cn.yaoban.app

import android.content.ActivityNotFoundException
import android.content.Context
import android.content.Intent
import android.database.Cursor
import android.net.Uri
import android.provider.DocumentsContract
import android.provider.DocumentsContract.Document
import androidx.activity.ComponentActivity
import androidx.activity.result.contract.ActivityResultContracts.OpenDocumentTree
import androidx.core.content.edit
import cn.yaoban.core.RecorderFile
import cn.yaoban.ui.Recorder
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import java.io.FileNotFoundException
import java.io.InputStream

/** The folder of the maker's call recorder, as the user chose it. Made while its activity is created. */
class FolderRecorder(private val activity: ComponentActivity) : Recorder {
    private val resolver = activity.contentResolver
    private val settings = activity.getSharedPreferences("device", Context.MODE_PRIVATE)
    private var answer: CompletableDeferred<Uri?>? = null
    private val ask = activity.registerForActivityResult(OpenDocumentTree()) { answer?.complete(it) }
    private val shared = mutableListOf<Uri>()

    /** A recording came by the share sheet. It can be read for as long as the activity lives. */
    fun share(uri: Uri) {
        if (uri !in shared) shared += uri
    }

    override suspend fun chooseFolder(): Boolean {
        val tree = asked() ?: return false
        resolver.takePersistableUriPermission(tree, Intent.FLAG_GRANT_READ_URI_PERMISSION)
        settings.edit { putString(FOLDER, tree.toString()) }
        return true
    }

    /** The folder that the user chooses; none: none, or the device lacks the screen for it. */
    private suspend fun asked(): Uri? {
        val asked = CompletableDeferred<Uri?>().also { answer = it }
        return try {
            ask.launch(null)
            asked.await()
        } catch (_: ActivityNotFoundException) {
            null
        }
    }

    override suspend fun folder(): String? =
        withContext(Dispatchers.IO) {
            val tree = tree() ?: return@withContext null
            val root = DocumentsContract.buildDocumentUriUsingTree(tree, DocumentsContract.getTreeDocumentId(tree))
            rows(root, arrayOf(Document.COLUMN_DISPLAY_NAME)) { it.getString(0) }.firstOrNull()
        }

    override suspend fun files(): List<RecorderFile> =
        withContext(Dispatchers.IO) {
            val inFolder =
                tree()?.let { tree ->
                    val id = DocumentsContract.getTreeDocumentId(tree)
                    rows(DocumentsContract.buildChildDocumentsUriUsingTree(tree, id), COLUMNS) { row ->
                        row.file(DocumentsContract.buildDocumentUriUsingTree(tree, row.getString(0)), row.getString(1).orEmpty())
                    }
                }
            (shared.mapNotNull(::sharedFile) + inFolder.orEmpty().filter { SOUND.containsMatchIn(it.mediaType) })
                .sortedByDescending { it.atMs }
                .take(FILES_MAX)
        }

    override fun open(file: RecorderFile): InputStream? =
        try {
            resolver.openInputStream(Uri.parse(file.id))
        } catch (_: FileNotFoundException) {
            null
        } catch (_: SecurityException) {
            null
        }

    /** The folder, if it may still be read. */
    private fun tree(): Uri? {
        val tree = settings.getString(FOLDER, null)?.let(Uri::parse) ?: return null
        return tree.takeIf { resolver.persistedUriPermissions.any { it.uri == tree && it.isReadPermission } }
    }

    /** One that was shared. Not every app tells when it was written: then it is taken as of now. */
    private fun sharedFile(uri: Uri): RecorderFile? {
        val type = resolver.getType(uri) ?: return null
        val told = rows(uri, null) { it.file(uri, type) }.firstOrNull()
        return told ?: RecorderFile(uri.toString(), "", System.currentTimeMillis(), 0uL, type)
    }

    private fun Cursor.file(
        uri: Uri,
        mediaType: String,
    ) = RecorderFile(
        uri.toString(),
        text(Document.COLUMN_DISPLAY_NAME).orEmpty(),
        number(Document.COLUMN_LAST_MODIFIED) ?: System.currentTimeMillis(),
        number(Document.COLUMN_SIZE)?.toULong() ?: 0uL,
        mediaType,
    )

    /** None where the provider does not tell. */
    private fun Cursor.number(name: String): Long? = column(name)?.let(::getLong)

    private fun Cursor.text(name: String): String? = column(name)?.let(::getString)

    private fun Cursor.column(name: String): Int? = getColumnIndex(name).takeIf { it >= 0 && !isNull(it) }

    /** What a provider tells; nothing if it went away, or does not let us. */
    private fun <T : Any> rows(
        uri: Uri,
        columns: Array<String>?,
        read: (Cursor) -> T?,
    ): List<T> =
        try {
            resolver.query(uri, columns, null, null, null)?.use { cursor ->
                generateSequence { if (cursor.moveToNext()) cursor else null }.mapNotNull(read).toList()
            }
        } catch (_: SecurityException) {
            null
        } catch (_: IllegalArgumentException) {
            null
        }.orEmpty()

    private companion object {
        const val FOLDER = "recordings"
        const val FILES_MAX = 20
        val COLUMNS =
            arrayOf(
                Document.COLUMN_DOCUMENT_ID,
                Document.COLUMN_MIME_TYPE,
                Document.COLUMN_DISPLAY_NAME,
                Document.COLUMN_LAST_MODIFIED,
                Document.COLUMN_SIZE,
            )
        val SOUND = Regex("^(audio|video)/")
    }
}
