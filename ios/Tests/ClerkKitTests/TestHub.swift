import Foundation

/// A real hub in a process of its own, with a chain of a few members and a campaign of calls.
final class TestHub: @unchecked Sendable {
    private let folder: Folder
    private let data: String
    let port: UInt16
    private var serving: Process?

    static let root: URL = (0..<4).reduce(URL(fileURLWithPath: #filePath)) { path, _ in
        path.deletingLastPathComponent()
    }
    private static let hub = root.appendingPathComponent("target/debug/yaoban-hub")

    init() throws {
        // A write to a hub that was killed is an error, as on iPhones, whose sockets ask for no signal.
        signal(SIGPIPE, SIG_IGN)
        folder = try Folder()
        data = folder.url.appendingPathComponent("hub").path
        let probe = try SilentServer()
        port = probe.port
        probe.close()
        try run("init", "--name", "晨光大药房", "--url", "https://127.0.0.1:\(port)")
        let files = try Self.files.flatMap { name, text in ["--\(name)", try write("\(name).csv", text)] }
        try run("import", files)
        try run("model publish", "--as-of", TestClock.day())
        try run("template import", demo("templates.json"))
        try run(
            "campaign create", "--name", "续药关怀", "--members", try write("list.txt", "M1\nM2\nM3\n"),
            "--kind", "call", "--purpose", "service", "--script", demo("refill-script.json"),
            "--start", TestClock.day(), "--holdout", "0")
        try serve()
    }

    deinit { stop() }

    /// A pairing code for a phone of the store.
    func pairingCode() throws -> String {
        try run("pair", "--store", "S1").trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// More members than fit into one chunk of a first load; how many there are then in the store.
    func fill() throws -> UInt64 {
        let (added, long) = (1200, String(repeating: "x", count: 4000))
        let header = Self.files.first { $0.0 == "members" }?.1.prefix { $0 != "\n" } ?? ""
        let rows = (0..<added).map { "N\($0),S1,钱多,\(15_500_000_000 + $0),,,2024-01-01,,\(long),\(long)," }
        let file = try write("more.csv", "\(header)\n\(rows.joined(separator: "\n"))\n")
        try run("import", "--members", file)
        return UInt64(3 + added)
    }

    /// A campaign of texts to a member, beside that of calls.
    func askForTexts(to memberId: String) throws {
        let text = """
            {"id": "hello", "title": "问候", "kind": "sms", "purpose": "service", "text": "【{store}】{name}您好", "points": []}
            """
        try run(
            "campaign create", "--name", "续药短信", "--members", try write("texts.txt", "\(memberId)\n"), "--kind", "sms",
            "--purpose", "service", "--script", try write("text.json", text), "--start", TestClock.day(),
            "--holdout", "0")
    }

    /// Shuts a phone out.
    func revoke(_ deviceId: String) throws { try run("device revoke", deviceId) }

    /// What support reads in a bundle.
    func opened(_ bundle: Data) throws -> String {
        let file = folder.url.appendingPathComponent("bundle.bin")
        try bundle.write(to: file)
        return try run("bundle open", file.path)
    }

    /// What a member signed, one line a consent.
    func signatures(of memberId: String) throws -> String { try run("signatures list", "--member", memberId) }

    /// Serves until ``stop()``, from when this returns.
    func serve() throws {
        let process = Process()
        process.executableURL = Self.hub
        process.arguments = ["serve", "--data", data, "--listen", "127.0.0.1:\(port)", "--log", "warn"]
        let out = Pipe()
        process.standardOutput = out
        try process.run()
        serving = process
        // It prints its address once it listens, and little afterwards.
        var said = ""
        while !said.contains("\(port)") {
            let more = out.fileHandleForReading.availableData
            guard !more.isEmpty else { throw HubFailed(what: "serve ended at once: \(said)") }
            said += String(decoding: more, as: UTF8.self)
        }
    }

    /// Kills it: told to end, it would wait for the phone's idle connection.
    func stop() {
        guard let process = serving else { return }
        serving = nil
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    @discardableResult
    private func run(_ command: String, _ arguments: String...) throws -> String { try run(command, arguments) }

    @discardableResult
    private func run(_ command: String, _ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = Self.hub
        process.arguments = command.split(separator: " ").map(String.init) + ["--data", data] + arguments
        let out = Pipe()
        process.standardOutput = out
        let log = URL(fileURLWithPath: try write("run.log", ""))
        process.standardError = try FileHandle(forWritingTo: log)
        try process.run()
        let said = String(decoding: out.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw HubFailed(what: "\(command): \(said)\(try String(contentsOf: log, encoding: .utf8))")
        }
        return said
    }

    private func write(_ name: String, _ text: String) throws -> String {
        let file = folder.url.appendingPathComponent(name)
        try text.write(to: file, atomically: true, encoding: .utf8)
        return file.path
    }

    private func demo(_ name: String) -> String { Self.root.appendingPathComponent("tests/data/demo/\(name)").path }

    private static let all =
        "membership=yes@2025-01-01;health=yes@2025-01-01;marketing=yes@2025-01-01;recording=yes@2025-01-01"

    private static let files: [(String, String)] = [
        ("stores", "store_id,name,region\nS1,晨光一店,东区\n"),
        (
            "staff",
            """
            staff_id,store_id,region,name,role,pharmacist
            G1,S1,,方店长,store_manager,no
            C1,S1,,陆小敏,clerk,no

            """
        ),
        (
            "drugs",
            """
            drug_id,name,ingredient,category,manufacturer,spec,units_per_pack,daily_units,prescription,chronic
            D1,苯磺酸氨氯地平片,氨氯地平,降压药,晨光制药,5mg×30片,30,1,yes,yes

            """
        ),
        (
            "members",
            """
            member_id,store_id,name,phone,sex,birthday,joined_on,diseases,allergies,tags,consents
            M1,S1,王约,15400000001,女,1960-02-29,2024-01-01,高血压,青霉素,老会员,\(all)
            M2,S1,李晚,15400000002,男,1961-03-01,2024-01-01,高血压,,,\(all)
            M3,S1,曾静,15400000034,女,1962-04-02,2024-01-01,,,,

            """
        ),
        (
            "purchases",
            "line_id,member_id,store_id,sold_at,drug_id,quantity,amount\n"
                + [85, 55, 25].map { "L\($0),M1,S1,\(TestClock.day(-$0)),D1,1,20.00\n" }.joined()
        ),
    ]
}

struct HubFailed: Error {
    let what: String
}

/// Somebody who takes connections and says nothing.
final class SilentServer: Sendable {
    let port: UInt16
    private let listener: Int32

    /// On a port that is free, or on this one.
    init(port wanted: UInt16 = 0) throws {
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var yes: Int32 = 1
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = wanted.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let file = listener
        let bound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(file, $0, length) == 0 && listen(file, 50) == 0 && getsockname(file, $0, &length) == 0
            }
        }
        port = UInt16(bigEndian: address.sin_port)
        guard bound else {
            Foundation.close(listener)
            throw HubFailed(what: "no socket on port \(wanted)")
        }
    }

    /// Frees the port; connections end.
    func close() { Foundation.close(listener) }
}
