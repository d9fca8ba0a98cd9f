import Foundation

/// The catalogue of texts in the device's language (`texts/` at the root of the repository). A text may hold places in
/// braces, `{name}`. Texts of codes have the code in their key, for example `class.retain`.
public struct Texts: Sendable {
    private let text: @Sendable (String) -> String?

    /// A catalogue that looks keys up like this.
    public init(_ text: @escaping @Sendable (String) -> String?) { self.text = text }

    /// The catalogue of the app (`Localizable.xcstrings`), in the language that the device asked for.
    public static let ofApp = Texts { key in
        let none = "\u{0}"
        let found = Bundle.main.localizedString(forKey: key, value: none, table: nil)
        return found == none ? nil : found
    }

    /// The text of a key with its places as they stand; none if the catalogue has no such key.
    public func find(_ key: String) -> String? { text(key) }

    /// The text of a key with its places filled; the key itself if there is none. A place without a value stays empty.
    public func filled(_ key: String, _ values: [String: String]) -> String {
        guard let text = find(key) else { return key }
        var filled = ""
        var rest = Substring(text)
        while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
            filled += rest[..<open]
            filled += values[String(rest[rest.index(after: open)..<close])] ?? ""
            rest = rest[rest.index(after: close)...]
        }
        return filled + rest
    }
}
