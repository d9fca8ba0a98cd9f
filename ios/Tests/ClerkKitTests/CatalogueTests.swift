import ClerkKit
import Foundation
import Testing

/// The string catalogue that texts/generate.py writes, and what the screens ask of it.
@Suite struct CatalogueTests {
    @Test(arguments: ["zh-Hans", "en"]) func everyTextThatAScreenAsksForIsThere(language: String) throws {
        let texts = try Catalogue.texts(language)
        var asked = 0
        for source in try Catalogue.sources() {
            // Of two texts, too: `words[new ? "a.new" : "a.old"]`.
            for words in matches(#"words\[([^\]]*)"#, in: source) {
                for key in matches(#""([a-z_]+\.[a-z_0-9.]+)""#, in: words) {
                    #expect(texts.find(key) != nil, "\(key) (\(language))")
                    asked += 1
                }
            }
            for group in matches(#"(?:\.code\(|words\[)\s*"([a-z_]+)(?:\.\\\(|",)"#, in: source) {
                #expect(try Catalogue.keys().contains { $0.hasPrefix("\(group).") }, "\(group).*")
            }
        }
        #expect(asked > 50)
    }

    @Test func placesAreFilled() throws {
        let texts = try Catalogue.texts("zh-Hans")
        #expect(texts.filled("act.in_days", ["n": "3"]) == "3天后")
        #expect(texts.filled("list.due_on", [:]) == "到期")
        #expect(texts.filled("no.such.text", ["n": "3"]) == "no.such.text")
        #expect(texts.find("no.such.text") == nil)
    }

    private func matches(_ pattern: String, in source: String) -> [String] {
        guard let regex = try? NSRegularExpression(pattern: pattern) else { return [] }
        return regex.matches(in: source, range: NSRange(source.startIndex..., in: source)).compactMap {
            Range($0.range(at: 1), in: source).map { String(source[$0]) }
        }
    }
}

/// `target/texts/ios/Localizable.xcstrings`, read as Xcode would.
enum Catalogue {
    private struct File: Decodable {
        struct Entry: Decodable { let localizations: [String: Localization] }
        struct Localization: Decodable { let stringUnit: Unit }
        struct Unit: Decodable {
            let state: String
            let value: String
        }
        let sourceLanguage: String
        let strings: [String: Entry]
    }

    private static func file() throws -> File {
        let path = TestHub.root.appendingPathComponent("target/texts/ios/Localizable.xcstrings")
        return try JSONDecoder().decode(File.self, from: Data(contentsOf: path))
    }

    static func keys() throws -> [String] { Array(try file().strings.keys) }

    static func texts(_ language: String) throws -> Texts {
        let words = try file().strings.compactMapValues { $0.localizations[language]?.stringUnit.value }
        return Texts { words[$0] }
    }

    /// What is written in ClerkUI.
    static func sources() throws -> [String] {
        let folder = TestHub.root.appendingPathComponent("ios/Sources/ClerkUI")
        return try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == "swift" }
            .map { try String(contentsOf: $0, encoding: .utf8) }
    }
}
