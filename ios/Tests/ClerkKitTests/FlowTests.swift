import Testing

/// The flows of tests/flows.toml with the real core and a real hub: what the clerk does through the models, what is
/// seen on the screens, as far as they can be read without a Mac. They are in `MemberFlows`, `ContactFlows` and
/// `PhoneFlows`; one suite, so that one runs after the other.
@MainActor @Suite(.serialized) struct FlowTests {
    let phone: TestPhone

    init() async throws { phone = try await TestPhone() }
}
