// A stand-in for what the app takes from UIKit, for type-checking on Linux. It does nothing.
@_exported import Foundation

open class UIResponder: NSObject {}

@MainActor open class UIApplication: UIResponder {
    public struct LaunchOptionsKey: Hashable, Sendable {}
    public static let shared = UIApplication()
    public var connectedScenes: Set<UIScene> { [] }
    public func canOpenURL(_ url: URL) -> Bool { false }
    public func open(_ url: URL) async -> Bool { false }
    public func beginBackgroundTask(expirationHandler: (@MainActor @Sendable () -> Void)?) -> UIBackgroundTaskIdentifier
    {
        .invalid
    }
    public func endBackgroundTask(_ id: UIBackgroundTaskIdentifier) {}
}

public struct UIBackgroundTaskIdentifier: Hashable, Sendable {
    public static let invalid = UIBackgroundTaskIdentifier()
}

@MainActor public protocol UIApplicationDelegate: NSObjectProtocol {
    func application(
        _ application: UIApplication, didFinishLaunchingWithOptions options: [UIApplication.LaunchOptionsKey: Any]?
    ) -> Bool
}

@MainActor open class UIScene: UIResponder {
    public enum ActivationState: Sendable { case unattached, foregroundActive, foregroundInactive, background }
    public var activationState: ActivationState { .background }
}

@MainActor open class UIWindowScene: UIScene {
    public var keyWindow: UIWindow? { nil }
}

@MainActor open class UIWindow: UIView {
    public struct Level: Sendable {
        public static let alert = Level()
        public static func + (level: Level, more: CGFloat) -> Level { level }
    }
    public init(windowScene: UIWindowScene) { super.init() }
    public var windowLevel = Level.alert
    public var rootViewController: UIViewController?
}

@MainActor open class UIView: UIResponder {
    public nonisolated override init() { super.init() }
    public var isHidden = false
    public var layer: CALayer { CALayer() }
    public func addGestureRecognizer(_ recognizer: UIGestureRecognizer) {}
}

@MainActor open class UIGestureRecognizer: NSObject {
    public nonisolated override init() { super.init() }
    public weak var delegate: (any UIGestureRecognizerDelegate)?
}

@MainActor public final class UITapGestureRecognizer: UIGestureRecognizer {}
@MainActor public final class UITouch: NSObject {}

@MainActor public protocol UIGestureRecognizerDelegate: NSObjectProtocol {
    func gestureRecognizer(_ recognizer: UIGestureRecognizer, shouldReceive touch: UITouch) -> Bool
}

open class CALayer: NSObject {
    public var bounds = CGRect.zero
    public var frame = CGRect.zero
    public func addSublayer(_ layer: CALayer) {}
}

@MainActor open class UIViewController: UIResponder {
    public nonisolated override init() { super.init() }
    public var view: UIView { UIView() }
    public var navigationItem: UINavigationItem { UINavigationItem() }
    public var presentedViewController: UIViewController? { nil }
    public var popoverPresentationController: UIPopoverPresentationController? { nil }
    open func viewDidLoad() {}
    open func viewDidLayoutSubviews() {}
    open func viewDidDisappear(_ animated: Bool) {}
    public func present(_ controller: UIViewController, animated: Bool) {}
    public func dismiss(animated: Bool, completion: (@MainActor () -> Void)? = nil) {}
}

@MainActor public final class UIPopoverPresentationController: NSObject {
    public var sourceView: UIView?
}

@MainActor public final class UIActivityViewController: UIViewController {
    public init(activityItems: [Any], applicationActivities: [UIActivity]?) { super.init() }
}

@MainActor open class UIActivity: NSObject {}

@MainActor open class UINavigationController: UIViewController {
    public init(rootViewController: UIViewController) { super.init() }
}

@MainActor public final class UINavigationItem: NSObject {
    public var leftBarButtonItem: UIBarButtonItem?
}

@MainActor public final class UIBarButtonItem: NSObject {
    public enum SystemItem: Sendable { case cancel }
    public init(systemItem: SystemItem, primaryAction: UIAction?) {}
}

@MainActor public final class UIAction: NSObject {
    public init(handler: @escaping (UIAction) -> Void) {}
}

@MainActor public final class UIDevice: NSObject {
    public static let current = UIDevice()
    public var model: String { "" }
}

public final class UIPasteboard: NSObject {
    public struct OptionsKey: Hashable, Sendable {
        public static let localOnly = OptionsKey()
        public static let expirationDate = OptionsKey()
    }
    public class var general: UIPasteboard { UIPasteboard() }
    public class var typeAutomatic: String { "" }
    public func setItems(_ items: [[String: Any]], options: [OptionsKey: Any] = [:]) {}
}
