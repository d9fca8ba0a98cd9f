import ClerkFFI

extension ConsentStanding {
    /// What the member is asked by; none: it is not asked here.
    public var form: ConsentForm? {
        wordingVersion.map { ConsentForm(purpose: purpose, wordingVersion: $0) }
    }
}

extension ConsentForm {
    /// The member's answer, for every channel.
    public func answer(granted: Bool) -> NewConsent {
        NewConsent(purpose: purpose, channel: nil, granted: granted, wordingVersion: wordingVersion)
    }
}
