package cn.yaoban.core.bridge

import java.io.File
import java.net.InetAddress
import java.net.ServerSocket
import java.nio.file.Files
import java.time.LocalDate
import java.util.concurrent.TimeUnit

/**
 * A real hub in a process of its own, with a chain of a few members and a campaign of calls; with [sample] members, the
 * sample chain instead. With [nowMs] it stands still at that instant, else it goes by the system's clock.
 */
class TestHub(private val today: LocalDate, sample: Int = 0, private val nowMs: Long? = null) : AutoCloseable {
    private val folder = Files.createTempDirectory("yaoban-hub").toFile()
    private val data = File(folder, "hub").path
    val port: Int = ServerSocket(0, 1, InetAddress.getLoopbackAddress()).use { it.localPort }
    private var serving: Process? = null

    init {
        run("init", "--name", if (sample > 0) "示范大药房" else "晨光大药房", "--url", "https://127.0.0.1:$port")
        val files =
            if (sample > 0) sample(sample) else FILES.map { (name, text) -> "--$name" to write("$name.csv", text(today)) }
        run("import", *files.flatMap { (option, file) -> listOf(option, file) }.toTypedArray())
        run("model publish", "--as-of", today.toString())
        run("template import", demo("templates.json"))
        val whom =
            if (sample > 0) {
                arrayOf("--rule", demo("refill-rule.json"))
            } else {
                arrayOf("--members", write("list.txt", "M1\nM2\nM3\n"))
            }
        run(
            "campaign create", "--name", "续药关怀", *whom,
            "--kind", "call", "--purpose", "service", "--script", demo("refill-script.json"),
            "--start", today.toString(), "--holdout", "0",
        )
    }

    private val store = if (sample > 0) "S001" else "S1"

    /** A pairing code for a phone of the store. */
    fun pairingCode(): String = run("pair", "--store", store).trim().split(Regex("\\s+")).last()

    /** Ids of the sample chain's members in the store. */
    fun members(): List<String> =
        File(folder, "members.csv").readLines().map { it.split(',') }.filter { it[1] == store }.map { it[0] }

    /** What a member signed, a line each. */
    fun signatures(memberId: String): String = run("signatures list", "--member", memberId)

    /** The hub locks a phone. */
    fun revoke(deviceId: String) {
        run("device revoke", deviceId)
    }

    /** Serves until [stop], from when this returns. */
    fun serve() {
        val process = hub("serve.log", "serve", "--data", data, "--listen", "127.0.0.1:$port")
        serving = process
        val lines = process.inputStream.bufferedReader()
        while (true) {
            val line = lines.readLine() ?: error("the hub ended before it served: ${File(folder, "serve.log").readText()}")
            if (line.contains(port.toString())) break
        }
        // Read on, so that the hub never waits for a full pipe.
        Thread { lines.forEachLine { } }.apply { isDaemon = true }.start()
    }

    fun stop() {
        serving?.destroyForcibly()?.waitFor(10, TimeUnit.SECONDS)
        serving = null
    }

    override fun close() {
        stop()
        folder.deleteRecursively()
    }

    /** The sample chain's files: two stores, eighteen months until this morning. */
    private fun sample(members: Int): List<Pair<String, String>> {
        val line =
            listOf(
                "python3", File(System.getProperty("yaoban.root"), "tests/data/sample.py").path, "--out", folder.path,
                "--members", "$members", "--stores", "2", "--until", "$today", "--now", "10:30",
            )
        check(ProcessBuilder(line).inheritIO().start().waitFor() == 0) { "the sample chain was not made" }
        return SAMPLE.map { "--$it" to File(folder, "$it.csv").path }
    }

    private fun write(name: String, text: String): String = File(folder, name).apply { writeText(text) }.path

    private fun run(command: String, vararg arguments: String): String {
        val line = command.split(' ') + listOf("--data", data) + arguments
        val process = hub("run.log", *line.toTypedArray())
        val out = process.inputStream.bufferedReader().readText()
        check(process.waitFor() == 0) { "$line\n$out\n${File(folder, "run.log").readText()}" }
        return out
    }

    private fun hub(log: String, vararg arguments: String): Process {
        val hub = ProcessBuilder(HUB, *arguments).redirectError(File(folder, log))
        if (nowMs != null) hub.environment()["YAOBAN_HUB_NOW_MS"] = nowMs.toString()
        return hub.start()
    }

    companion object {
        private val HUB: String = System.getProperty("yaoban.hub")

        private fun demo(name: String) = File(System.getProperty("yaoban.root"), "tests/data/demo/$name").path

        private val SAMPLE = listOf("stores", "staff", "drugs", "members", "purchases", "readings", "stock")

        private const val ALL = "membership=yes@2025-01-01;health=yes@2025-01-01;marketing=yes@2025-01-01;recording=yes@2025-01-01"

        private val FILES: List<Pair<String, (LocalDate) -> String>> =
            listOf(
                "stores" to { "store_id,name,region\nS1,晨光一店,东区\n" },
                "staff" to {
                    "staff_id,store_id,region,name,role,pharmacist\n" +
                        "G1,S1,,方店长,store_manager,no\nC1,S1,,陆小敏,clerk,no\n"
                },
                "drugs" to {
                    "drug_id,name,ingredient,category,manufacturer,spec,units_per_pack,daily_units,prescription,chronic\n" +
                        "D1,苯磺酸氨氯地平片,氨氯地平,降压药,晨光制药,5mg×30片,30,1,yes,yes\n"
                },
                "members" to {
                    "member_id,store_id,name,phone,sex,birthday,joined_on,diseases,allergies,tags,consents\n" +
                        "M1,S1,王约,15400000001,女,1960-02-29,2024-01-01,高血压,青霉素,老会员,$ALL\n" +
                        "M2,S1,李晚,15400000002,男,1961-03-01,2024-01-01,高血压,,,$ALL\n" +
                        "M3,S1,曾静,15400000034,女,1962-04-02,2024-01-01,,,,\n"
                },
                "purchases" to { today ->
                    "line_id,member_id,store_id,sold_at,drug_id,quantity,amount\n" +
                        listOf(85L, 55L, 25L).joinToString("") { "L$it,M1,S1,${today.minusDays(it)},D1,1,20.00\n" }
                },
            )
    }
}
