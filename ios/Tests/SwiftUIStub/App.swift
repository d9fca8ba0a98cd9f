// The app and its scenes.
import UIKit

@MainActor @preconcurrency public protocol Scene {
    associatedtype Body: Scene
    @SceneBuilder @MainActor @preconcurrency var body: Body { get }
}

extension Never: Scene {}

public struct WindowGroup<Content: View>: Scene {
    let content: Content
    public init(@ViewBuilder content: () -> Content) { self.content = content() }
    public var body: Never { fatalError("a scene of the stub has no body") }
}

@resultBuilder public struct SceneBuilder {
    public static func buildBlock<S: Scene>(_ scene: S) -> S { scene }
}

@MainActor @preconcurrency public protocol App {
    associatedtype Body: Scene
    @SceneBuilder @MainActor @preconcurrency var body: Body { get }
    @MainActor @preconcurrency init()
}

extension App {
    @MainActor public static func main() {}
}

@MainActor @propertyWrapper public struct UIApplicationDelegateAdaptor<D: NSObject & UIApplicationDelegate> {
    public var wrappedValue: D { fatalError("no app runs in the stub") }
    public init(_ type: D.Type = D.self) {}
}

/// What Foundation on Linux does not have.
public final class NSUserActivity: NSObject {
    public var webpageURL: URL? { nil }
}

// swift-format-ignore: AlwaysUseLowerCamelCase
public let NSUserActivityTypeBrowsingWeb = "NSUserActivityTypeBrowsingWeb"

@MainActor public final class UIHostingController<Content: View>: UIViewController {
    public init(rootView: Content) { super.init() }
}

extension View {
    public func onOpenURL(perform: @escaping (URL) -> Void) -> some View { self }
    public func onContinueUserActivity(_ type: String, perform: @escaping (NSUserActivity) -> Void) -> some View {
        self
    }
}
