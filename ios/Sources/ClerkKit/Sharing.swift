import ClerkFFI
import Foundation

/// Where a text can be shared.
public enum ShareTarget: Equatable, Sendable {
    /// 微信
    case wechat
    /// 企业微信
    case wecom
}

/// What became of a text that was shared.
public enum Shared: Equatable, Sendable {
    /// The app is open and has it.
    case taken
    /// The app is open; the text is on the clipboard, for the clerk to paste.
    case copied
    /// The app is not installed; the text is on the clipboard.
    case noApp
}

/// An app's own SDK, which takes a text, as WeChat's does. It needs an app id of the chain (README.md).
@MainActor
public protocol TextSDK: AnyObject {
    /// Opens the app with the text; false: it is not installed, or does not know us.
    func send(_ text: String) async -> Bool
}

/// Hands a text to WeChat or WeCom: by the SDK where there is one, else by the clipboard and the app's link, since
/// neither app takes a text by its URL.
@MainActor
public struct Sharing {
    private let wechat: (any TextSDK)?
    private let copy: (String) -> Void
    private let open: (URL) async -> Bool

    /// `open`: false if nothing on the device opens the link.
    public init(
        wechat: (any TextSDK)? = nil, copy: @escaping (String) -> Void, open: @escaping (URL) async -> Bool
    ) {
        self.wechat = wechat
        self.copy = copy
        self.open = open
    }

    public func share(_ target: ShareTarget, text: String) async -> Shared {
        if target == .wechat, let wechat, await wechat.send(text) { return .taken }
        copy(text)
        guard let link = ContactLinks.app(target) else { return .noApp }
        return await open(link) ? .copied : .noApp
    }
}
