import ClerkUI
import SwiftUI
import UIKit

/// What the app switcher shows in place of members: a window over everything, since a sheet lies over whatever a view
/// puts over itself.
@MainActor
final class Cover {
    private var window: UIWindow?

    /// Covers the app, or shows it again.
    func set(_ covered: Bool) {
        guard covered else {
            window?.isHidden = true
            window = nil
            return
        }
        let scene = UIApplication.shared.connectedScenes.compactMap { $0 as? UIWindowScene }.first
        guard window == nil, let scene else { return }
        let over = UIWindow(windowScene: scene)
        over.windowLevel = .alert + 1
        over.rootViewController = UIHostingController(rootView: CoverView())
        // Not the key window: what is open below keeps its keyboard and its place.
        over.isHidden = false
        window = over
    }
}
