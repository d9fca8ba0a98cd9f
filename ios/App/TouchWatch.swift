import ClerkKit
import UIKit

/// Tells of every touch of the window, also on a sheet and of one that scrolls: nothing else puts the lock off. It takes
/// none of them, so whoever is touched hears of it as ever.
@MainActor
final class TouchWatch: NSObject {
    private weak var window: UIWindow?
    private weak var phone: PhoneModel?

    /// Watches the window that is in front; once.
    func watch(for phone: PhoneModel) {
        self.phone = phone
        let scene = UIApplication.shared.connectedScenes.compactMap { $0 as? UIWindowScene }.first
        guard let front = scene?.keyWindow, front !== window else { return }
        let recognizer = UITapGestureRecognizer()
        recognizer.delegate = self
        front.addGestureRecognizer(recognizer)
        window = front
    }
}

extension TouchWatch: UIGestureRecognizerDelegate {
    func gestureRecognizer(_ recognizer: UIGestureRecognizer, shouldReceive touch: UITouch) -> Bool {
        Task { [phone] in await phone?.touched() }
        return false
    }
}
