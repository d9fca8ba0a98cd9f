import Foundation
import SwiftUI

#if os(Linux)
    /// The texts that a view would show, as far as the stand-in for SwiftUI can tell: what is on a screen, not where.
    @MainActor
    func texts(of view: any View) -> [String] {
        if let text = view as? Text { return [text.string] }
        return isStub(view) ? inside(view) : texts(of: body(of: view))
    }

    /// Whether a screen would show the text, alone or within another one.
    @MainActor
    func shows(_ view: any View, _ text: String) -> Bool { texts(of: view).contains { $0.contains(text) } }

    @MainActor
    private func body<V: View>(of view: V) -> any View { view.body }

    private func isStub<V: View>(_ view: V) -> Bool { V.Body.self == Never.self }

    /// What a view of the stub, a tuple or an array holds.
    @MainActor
    private func inside(_ value: Any) -> [String] {
        Mirror(reflecting: value).children.flatMap { child in
            if let view = child.value as? any View { texts(of: view) } else { inside(child.value) }
        }
    }
#endif
