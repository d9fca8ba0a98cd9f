import ClerkKit
import SwiftUI

/// What is seen in place of members: before the file is open, and in the app switcher.
public struct CoverView: View {
    public init() {}

    public var body: some View {
        ZStack {
            Color.accentColor.ignoresSafeArea()
            Image(systemName: "cross.case.fill").font(.largeTitle).accessibilityHidden(true)
        }
    }
}

/// The file could not be opened: why, and another try. A file whose key is gone is set aside by the core.
public struct FailedView: View {
    private let phone: PhoneModel
    private let failure: Failure
    private let words: Wording

    public init(phone: PhoneModel, failure: Failure, texts: Texts = .ofApp) {
        self.phone = phone
        self.failure = failure
        words = Wording(texts, today: "", zone: .current)
    }

    public var body: some View {
        VStack(spacing: 16) {
            Refusal(failure, words)
            Button(words["act.again"]) { Task { _ = try? await phone.app() } }.buttonStyle(.borderedProminent)
        }
        .padding()
    }
}
