import ClerkFFI
import Foundation
import Observation

/// A new member at the counter: what was typed, and who was registered.
@MainActor @Observable
public final class RegisterModel {
    public var name = ""
    public var phone = ""
    /// A code, or none if it was not asked.
    public var sex: String?
    public var birthday = ""
    /// What the member said, with commas between.
    public var allergies = ""
    /// The codes of what the member said.
    public var diseases: Set<String> = []
    /// The purposes that the member says yes to.
    public var consents: Set<String> = []

    /// The diseases that may be chosen.
    public private(set) var offered: [DiseaseRow] = []
    /// What a new member is asked to consent to.
    public private(set) var consentForms: [ConsentForm] = []
    /// Who was registered, and who else is on the number.
    public private(set) var registered: Registered?
    /// It is being stored.
    public private(set) var busy = false
    /// Why nobody was.
    public private(set) var failure: Failure?

    @ObservationIgnored private let core: ClerkCore

    /// Begins with what was typed at the counter: digits are the number, anything else the name.
    public init(core: ClerkCore, typed: String) {
        self.core = core
        phone = typed.filter(\.isNumber)
        name = phone.isEmpty ? typed : ""
    }

    /// Reads what a new member is asked.
    public func begin() async {
        failure = await Failure.of {
            (offered, consentForms) = try await core.call { ($0.diseases(), $0.consentForms()) }
        }
    }

    /// Registers; without a network too.
    public func register() async {
        guard !busy, registered == nil else { return }
        busy = true
        defer { busy = false }
        let new = NewMember(
            name: trimmed(name), phone: filled(phone), sex: sex, birthday: filled(birthday),
            diseases: offered.map(\.code).filter(diseases.contains), allergies: listed(allergies),
            consents: consentForms.filter { consents.contains($0.purpose) }.map { $0.answer(granted: true) })
        failure = await Failure.of { registered = try await core.call { try $0.register(new: new) } }
    }

    private func trimmed(_ text: String) -> String { text.trimmingCharacters(in: .whitespacesAndNewlines) }

    private func filled(_ text: String) -> String? { trimmed(text).isEmpty ? nil : trimmed(text) }

    /// Words between commas, as people write them.
    private func listed(_ text: String) -> [String] {
        text.split { "，,、；; ".contains($0) }.map { trimmed(String($0)) }.filter { !$0.isEmpty }
    }
}
