// swift-tools-version:6.0
import Foundation
import PackageDescription

// On Linux, which has none of Apple's modules, stand-ins of their names type-check the views and the app, and let tests
// read the views. They reach no Apple build.
#if os(Linux)
    func stub(_ name: String, _ path: String, _ needs: [Target.Dependency] = []) -> Target {
        .target(name: name, dependencies: needs, path: "Tests/\(path)", swiftSettings: [.swiftLanguageMode(.v5)])
    }
    let ofApp = [
        "MessageUI", "BackgroundTasks", "UserNotifications", "LocalAuthentication", "AVFoundation", "Security",
        "Network",
    ]
    let stubs =
        [stub("UIKit", "AppleStubs/UIKit"), stub("SwiftUI", "SwiftUIStub", ["UIKit"])]
        + ofApp.map { stub($0, "AppleStubs/\($0)", ["UIKit"]) }
    // The app itself, which only Xcode builds (project.yml).
    let app: [Target] = [
        .executableTarget(
            name: "YaobanApp",
            dependencies: ["ClerkUI", "ClerkKit", "ClerkFFI", "SwiftUI", "UIKit"]
                + ofApp.map { .target(name: $0) },
            path: "App",
            exclude: ["Assets.xcassets", "Licences.txt", "PrivacyInfo.xcprivacy", "Yaoban.entitlements"])
    ]
    let swiftUI: [Target.Dependency] = ["SwiftUI"]
#else
    let stubs: [Target] = []
    let app: [Target] = []
    let swiftUI: [Target.Dependency] = []
#endif

// For iPhones the library as bindings/package-xcframework.sh packs it, copied beside this file. Else its C header, and
// where the library is, tools/test.sh tells the linker.
let packed = "YaobanFFI.xcframework"
let library: Target =
    FileManager.default.fileExists(atPath: "\(Context.packageDirectory)/\(packed)")
    ? .binaryTarget(name: "YaobanFFI", path: packed) : .systemLibrary(name: "YaobanFFI")

let package = Package(
    name: "Yaoban",
    platforms: [.iOS(.v17), .macOS(.v14)],
    products: [
        .library(name: "ClerkFFI", targets: ["ClerkFFI"]),
        .library(name: "ClerkKit", targets: ["ClerkKit"]),
        .library(name: "ClerkUI", targets: ["ClerkUI"]),
    ],
    targets: stubs + app + [
        library,
        // Generated code, and what makes it safe to print. Mode 6 has the compiler crash on it. The Rust library does not
        // say itself which frameworks its crates (certificates, time zone) need.
        .target(
            name: "ClerkFFI", dependencies: ["YaobanFFI"], swiftSettings: [.swiftLanguageMode(.v5)],
            linkerSettings: ["Security", "CoreFoundation"].map {
                .linkedFramework($0, .when(platforms: [.iOS, .macOS]))
            }),
        .target(name: "ClerkKit", dependencies: ["ClerkFFI"]),
        .target(name: "ClerkUI", dependencies: ["ClerkKit", "ClerkFFI"] + swiftUI),
        .testTarget(name: "ClerkKitTests", dependencies: ["ClerkKit", "ClerkFFI", "ClerkUI"] + swiftUI),
    ],
    swiftLanguageModes: [.v6]
)
