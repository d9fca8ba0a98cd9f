import ClerkFFI
import ClerkKit
import Foundation
import Testing

/// A device that remembers what it was asked.
@MainActor
final class TestDevice: Device {
    let name = "swift"
    /// Whether it knows the clerk's finger or face: recognised, once a PIN was typed.
    var knowsUser = false
    private(set) var trusted = 0
    var answers = Handed.opened
    var canScan = true
    var scans = Scanned.nothing
    var network = NetworkKind.none
    private(set) var dialled: [String] = []
    private(set) var sent: [(numbers: [String], text: String)] = []
    private(set) var shared: [ShareTarget] = []
    private(set) var files: [Data] = []
    weak var phone: PhoneModel?

    func dial(_ number: Secret) async -> Handed {
        dialled.append(number.reveal())
        return answers
    }

    func sms(_ numbers: [Secret], text: String) async -> Handed {
        sent.append((numbers.map { $0.reveal() }, text))
        return answers
    }

    func share(_ target: ShareTarget, text: String) async -> Shared {
        shared.append(target)
        return answers == .notPossible ? .noApp : answers == .done ? .taken : .copied
    }

    var networks: AsyncStream<NetworkKind> {
        AsyncStream { out in
            out.yield(network)
            out.finish()
        }
    }

    func share(file: Data, name: String) async -> Bool {
        files.append(file)
        return answers != .notPossible
    }

    /// The list that the app carries.
    var licences: [String] { Bundle(url: TestHub.root.appendingPathComponent("ios/App")).map(Licences.of) ?? [] }

    func scanCode() async -> Scanned { scans }
    var biometrics: Bool { trusted > 0 }
    func trustBiometrics() { trusted += 1 }
    func recognise(reason: String) async -> Bool { biometrics && knowsUser }
    func unpaired() async { await phone?.beginAnew() }
}

/// A phone with the real core, and a hub of its own.
@MainActor
final class TestPhone {
    let hub: TestHub
    let clock = TestClock()
    let vault = TestVault()
    let device = TestDevice()
    private(set) var model: PhoneModel
    private(set) var app: AppModel
    private let home: Folder

    init() async throws {
        hub = try TestHub()
        home = try Folder()
        model = try Self.model(home, vault, clock, device)
        app = try await model.app()
        device.phone = model
    }

    private static func model(
        _ home: Folder, _ vault: TestVault, _ clock: TestClock, _ device: TestDevice
    ) throws -> PhoneModel {
        PhoneModel(
            home: home.url.appendingPathComponent("phone"), vault: vault, clock: clock,
            texts: try Catalogue.texts("zh-Hans")
        ) { _ in device }
    }

    /// Pairs, loads, and signs somebody in.
    func pair(staffId: String = "C1") async throws -> AppModel {
        await app.pairing.begin()
        app.pairing.code = try hub.pairingCode()
        await app.pairing.look()
        await app.pairing.accept(deviceName: device.name)
        try #require(app.pairing.phase == .ready, "\(String(describing: app.pairing.failure))")
        await app.signIn.signIn(staffId)
        try #require(app.signIn.current?.staffId == staffId)
        return app
    }

    /// The app is ended and started again.
    func restart() async throws -> AppModel {
        try await app.core.pause()
        model = try Self.model(home, vault, clock, device)
        app = try await model.app()
        device.phone = model
        return app
    }

    /// Follows until it is so.
    func following(_ follow: @escaping @MainActor () async -> Void, until holds: () -> Bool) async throws {
        let following = Task { await follow() }
        defer { following.cancel() }
        try await ClerkKitTests.until("what is followed", holds)
    }

    /// The first task of a member on the list.
    func task(of memberId: String) async throws -> TaskRow {
        let list = try await app.core.call { try $0.tasks(filter: TaskFilter(view: .due)) }
        return try #require(list.households.flatMap(\.tasks).first { $0.memberId == memberId })
    }

    /// The call of a place, looked at.
    func call(_ place: Place) async throws -> CallModel {
        let call = try #require(await app.call(place))
        await call.look()
        return call
    }
}
