import ClerkFFI

extension ConsentForm {
    /// The member's answer, for every channel.
    public func answer(granted: Bool) -> NewConsent {
        NewConsent(purpose: purpose, channel: nil, granted: granted, wordingVersion: wordingVersion)
    }
}
