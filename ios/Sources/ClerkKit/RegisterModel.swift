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
    /// What the member said.
    public var allergies = ""
    /// The codes of what the member said.
    public var diseases: Set<String> = []
    /// The purposes that the member says yes to.
    public var consents: Set<String> = [] {
        // It was signed for those that were asked.
        didSet { if consents != oldValue { signature = nil } }
    }
    /// What the member signed them with; none: it did not, or not on the screen.
    public var signature: DrawnSignature?

    /// The sexes that may be chosen.
    public private(set) var sexes: [String] = []
    /// The diseases that may be chosen.
    public private(set) var offered: [DiseaseRow] = []
    /// What a new member is asked to consent to.
    public private(set) var consentForms: [ConsentForm] = []
    /// What is consented to, as it was asked.
    public var given: [ConsentForm] { consentForms.filter { consents.contains($0.purpose) } }
    /// Who was registered, and who else is on the number.
    public private(set) var registered: Registered?
    /// It is being stored.
    public private(set) var busy = false
    /// Why nobody was.
    public private(set) var failure: Failure?

    @ObservationIgnored private let core: ClerkCore
    /// What was typed at the counter; none once the form begins with it.
    @ObservationIgnored private var typed: String?

    /// Begins with what was typed at the counter.
    public init(core: ClerkCore, typed: String) {
        self.core = core
        self.typed = typed
    }

    /// Reads what a new member is asked; once.
    public func begin() async {
        guard let typed else { return }
        failure = await Failure.of {
            let begun = try await core.call { app in
                (app.beginRegistration(typed: typed), app.sexes(), app.diseases(), app.consentForms())
            }
            self.typed = nil
            (name, phone) = (begun.0.name, begun.0.phone)
            (sexes, offered, consentForms) = (begun.1, begun.2, begun.3)
        }
    }

    /// Registers; without a network too.
    public func register() async {
        guard !busy, registered == nil else { return }
        busy = true
        defer { busy = false }
        failure = await Failure.of {
            let born = try await core.call { [birthday] in try $0.typedBirthday(text: birthday) }
            let new = NewMember(
                name: name, phone: phone, sex: sex, birthday: born,
                diseases: offered.map(\.code).filter(diseases.contains), allergies: [allergies],
                consents: given.map { $0.answer(granted: true) }, signature: signature)
            registered = try await core.call { try $0.register(new: new) }
        }
    }
}
