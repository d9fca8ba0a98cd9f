import ClerkFFI
import Foundation

/// The links by which other apps are opened.
public enum ContactLinks {
    /// The dialler with a number; none: it is no number.
    public static func call(_ number: Secret) -> URL? {
        let digits = number.reveal().filter { $0.isNumber || $0 == "+" }
        return digits.isEmpty ? nil : URL(string: "tel:\(digits)")
    }

    /// WeChat or WeCom.
    public static func app(_ target: ShareTarget) -> URL? {
        URL(string: target == .wechat ? "weixin://" : "wxwork://")
    }
}
