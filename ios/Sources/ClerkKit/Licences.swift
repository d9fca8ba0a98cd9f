import Foundation

/// Whose work is in the app, and under which licence (`ios/tools/licences.py` writes the list).
public enum Licences {
    /// The lines of the list; none: the bundle has none.
    public static func of(_ bundle: Bundle) -> [String] {
        guard let file = bundle.url(forResource: "Licences", withExtension: "txt"),
            let text = try? String(contentsOf: file, encoding: .utf8)
        else { return [] }
        return text.split(separator: "\n").map(String.init)
    }
}
