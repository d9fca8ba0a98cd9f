import ClerkFFI
import Foundation
import Testing

@testable import ClerkKit

/// The core without a hub: opening, records, errors, what is printed.
@MainActor @Suite struct ClerkCoreTests {
    private let home: Folder

    init() throws { home = try Folder() }

    private func open(_ vault: any KeyVault = TestVault()) async throws -> ClerkCore {
        try await ClerkCore.open(home: home.url, vault: vault, clock: TestClock())
    }

    @Test func aNewPhoneIsNotPaired() async throws {
        let core = try await open()
        let status = try await core.call { try $0.status() }
        #expect(!status.paired && status.staffId == nil && status.stuck.isEmpty && status.fileBytes > 0)
        let today = try await core.call { $0.today() }
        #expect(today == TestClock.day())
        let pairing = PairingModel(core: core)
        await pairing.begin()
        #expect(pairing.phase == .code)
        let signIn = SignInModel(core: core)
        await signIn.refresh()
        #expect(signIn.failure?.kind == .notPaired)
    }

    @Test func aBadCodeIsTold() async throws {
        let pairing = PairingModel(core: try await open())
        await pairing.begin()
        pairing.code = "no code"
        await pairing.look()
        #expect(pairing.phase == .code && pairing.code == "no code")
        #expect(pairing.failure?.kind == .hub && pairing.failure?.code == "pair_code_bad")
    }

    @Test func anErrorHasValuesAndDoesNotPrintThem() async throws {
        let core = try await open()
        let error = try await refusal { try await core.call { try $0.putAway(outboxId: 7) } }
        let failure = Failure(error)
        #expect(failure.kind == .unknown && failure.code == "unknown_what" && failure["what"] == "operation")
        for shown in ["\(failure)", String(reflecting: failure), error.localizedDescription] {
            #expect(shown.contains("what") && !shown.contains("\"operation\""), "\(shown)")
        }
        #expect(Failure(TooLate()).kind == nil)
    }

    @Test func aNumberIsNotPrinted() {
        let number = Secret("15400000001")
        let dial = Dial(
            attemptId: "A", memberId: "M", name: "王约", taskId: nil, phoneMasked: nil, script: nil, number: number)
        var dumped = ""
        dump(dial, to: &dumped)
        for shown in ["\(dial)", String(reflecting: dial), dumped, "\(number)"] { #expect(!shown.contains("154")) }
        #expect(number.reveal() == "15400000001")
    }

    @Test func withoutAKeyNothingIsMade() async throws {
        for vault in [FailingVault(), TestVault(length: 31)] as [any KeyVault] {
            let error = try await refusal { _ = try await open(vault) }
            #expect(Failure(error).code == "key_unavailable")
        }
        #expect(try home.names().isEmpty)
    }

    @Test func anotherKeySetsTheFileAside() async throws {
        let first = try await open()
        try await first.pause()
        let fresh = try await open(TestVault(byte: 8))
        #expect(try await fresh.call { try $0.status() }.setAside != nil)
    }

    @Test func aPausedPhoneAnswersAfterResume() async throws {
        let core = try await open()
        try await core.pause()
        let error = try await refusal { _ = try await core.call { try $0.status() } }
        #expect(Failure(error).code == "paused")
        try await core.resume()
        #expect(try await core.call { try $0.status() }.paired == false)
    }

    @Test func aListIsThereAgainAfterResume() async throws {
        let core = try await open()
        let sync = SyncModel(core: core)
        let following = Task { await sync.follow() }
        try await until("how the phone stands") { sync.status != nil }
        try await core.pause()
        _ = try await core.call { $0.today() }
        try await core.resume()
        try await until("how it stands again") { sync.status != nil }
        following.cancel()
    }

    @Test func thatNobodyUsesThePhoneIsNoFailure() async throws {
        let core = try await open()
        let sync = SyncModel(core: core)
        let following = Task { await sync.follow() }
        try await until("how it stands") { sync.status != nil }
        #expect(sync.queue == nil && sync.unread == nil, "it is not paired")
        following.cancel()
    }
}
