import ClerkKit
import Foundation
import Testing

/// The files that only Xcode takes up, as far as they can be read here.
@Suite struct ProjectTests {
    private let app = TestHub.root.appendingPathComponent("ios/App")

    private func source(_ name: String) throws -> String {
        try String(contentsOf: app.appendingPathComponent(name), encoding: .utf8)
    }

    private func plist(_ name: String) throws -> [String: Any] {
        let data = try Data(contentsOf: app.appendingPathComponent(name))
        return try #require(try PropertyListSerialization.propertyList(from: data, format: nil) as? [String: Any])
    }

    @Test func thePrivacyManifestSaysWhatIsHeldAndThatNobodyIsTracked() throws {
        let manifest = try plist("PrivacyInfo.xcprivacy")
        #expect(manifest["NSPrivacyTracking"] as? Bool == false)
        let collected = try #require(manifest["NSPrivacyCollectedDataTypes"] as? [[String: Any]])
        let prefix = "NSPrivacyCollectedDataType"
        let types = collected.compactMap { ($0[prefix] as? String)?.dropFirst(prefix.count) }
        // Of members; what clerks write down; who they are.
        #expect(
            Set(types) == ["Name", "PhoneNumber", "Health", "PurchaseHistory", "OtherUserContent", "UserID"])
        for type in collected {
            #expect(type["NSPrivacyCollectedDataTypeTracking"] as? Bool == false)
            #expect((type["NSPrivacyCollectedDataTypePurposes"] as? [String])?.isEmpty == false)
        }
        for access in try #require(manifest["NSPrivacyAccessedAPITypes"] as? [[String: Any]]) {
            #expect((access["NSPrivacyAccessedAPITypeReasons"] as? [String])?.isEmpty == false)
        }
    }

    /// What XcodeGen packs as the app's resources: all of App/ that is no source.
    @Test func theListOfLicencesIsWhole() throws {
        let lines = Licences.of(try #require(Bundle(url: app)))
        #expect(lines.count > 100)
        for line in lines { #expect(line.split(separator: " · ").count == 2, "\(line)") }
        #expect(Licences.of(try #require(Bundle(url: app.deletingLastPathComponent()))).isEmpty)
    }

    /// The App Store takes an icon of this size only, and none that lets something shine through.
    @Test func theIconIsOneThatTheStoreTakes() throws {
        let icon = app.appendingPathComponent("Assets.xcassets/AppIcon.appiconset/icon.png")
        let head = [UInt8](try Data(contentsOf: icon).prefix(26))
        #expect(head.count == 26 && Array(head[1...3]) == Array("PNG".utf8))
        #expect(Array(head[16..<24]) == [0, 0, 4, 0, 0, 0, 4, 0], "1024 by 1024")
        #expect(head[25] == 2, "colours without alpha")
    }

    @Test func theFilesAreProtected() throws {
        let entitlements = try plist("Yaoban.entitlements")
        #expect(entitlements["com.apple.developer.default-data-protection"] as? String == "NSFileProtectionComplete")
        #expect(try source("YaobanApp.swift").contains("FileProtectionType.complete]"))
        #expect(try source("YaobanApp.swift").contains("isExcludedFromBackup = true"))
    }

    @Test func theKeyLeavesThisPhoneInNoWay() throws {
        for name in ["KeychainVault.swift", "BiometricSeal.swift"] {
            let source = try source(name)
            #expect(source.contains("kSecAttrAccessibleWhenUnlockedThisDeviceOnly"), "\(name)")
            #expect(source.contains("kSecAttrSynchronizable: false"), "\(name)")
        }
        #expect(try source("BiometricSeal.swift").contains(".biometryCurrentSet"))
    }

    @Test func theUniversalLinkIsTheHubs() throws {
        let domains = try plist("Yaoban.entitlements")["com.apple.developer.associated-domains"] as? [String]
        #expect(domains == ["applinks:$(YAOBAN_HUB_HOST)"])
        let project = try String(
            contentsOf: TestHub.root.appendingPathComponent("ios/project.yml"), encoding: .utf8)
        #expect(project.contains("YAOBAN_HUB_HOST: "))
    }

    /// What the sources ask of the system stands in project.yml. A scan of its lines: Foundation reads no YAML.
    @Test func theProjectNamesWhatTheAppAsksFor() throws {
        let project = try String(
            contentsOf: TestHub.root.appendingPathComponent("ios/project.yml"), encoding: .utf8)
        for name in ["BackgroundRounds.swift", "PhoneDevice.swift"] {
            for id in try source(name).components(separatedBy: "\"").filter({ $0.hasPrefix("cn.yaoban.clerk.") }) {
                #expect(project.contains(id), "\(id)")
            }
        }
        let texts = try Catalogue.texts("zh-Hans")
        let others = [
            "NSCameraUsageDescription: \(texts.filled("system.camera", [:]))",
            "NSFaceIDUsageDescription: \(texts.filled("signin.recognise", [:]))",
            "NSLocalNetworkUsageDescription: \(texts.filled("system.local_network", [:]))",
            "CFBundleDisplayName: \(texts.filled("app.name", [:]))", "../target/texts/ios", "tel", "ClerkUI",
            "UISupportedInterfaceOrientations~ipad", "AppIcon",
        ]
        for key in others + ["weixin", "wxwork", "weixinULAPI"] {
            #expect(project.contains(key), "\(key)")
        }
    }
}
