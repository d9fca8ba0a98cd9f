// swift-tools-version:6.0
import PackageDescription

let package = Package(
    name: "Yaoban",
    platforms: [.iOS(.v17), .macOS(.v14)],
    products: [.library(name: "ClerkKit", targets: ["ClerkKit"])],
    targets: [
        // The Rust library: its C header, generated. Where the library is, tools/test.sh tells the linker.
        .systemLibrary(name: "YaobanFFI"),
        // Generated code, and what makes it safe to print. Mode 6 has the compiler crash on it.
        .target(name: "ClerkFFI", dependencies: ["YaobanFFI"], swiftSettings: [.swiftLanguageMode(.v5)]),
        .target(name: "ClerkKit", dependencies: ["ClerkFFI"]),
        .testTarget(name: "ClerkKitTests", dependencies: ["ClerkKit", "ClerkFFI"]),
    ],
    swiftLanguageModes: [.v6]
)
