import ClerkFFI
import Foundation

/// What a screen asks of the device. It decides nothing: the core has already said that a contact may be made.
@MainActor
public protocol Device: AnyObject {
    /// How the hub names this phone, for example its model.
    var name: String { get }
    /// Gives a number to the dialler.
    func dial(_ number: Secret) async -> Handed
    /// Gives a text to Messages.
    func sms(_ numbers: [Secret], text: String) async -> Handed
    /// Shares a text with another app.
    func share(_ target: ShareTarget, text: String) async -> Shared
    /// Which network the device is on: now, and whenever that changes.
    var networks: AsyncStream<NetworkKind> { get }
    /// Lets the clerk choose what takes a file; false: nothing here does.
    func share(file: Data, name: String) async -> Bool
    /// Whose work is in the app, and under which licence.
    var licences: [String] { get }
    /// Whether the device has a camera to scan codes with.
    var canScan: Bool { get }
    /// Scans a code.
    func scanCode() async -> Scanned
    /// Whether the device recognises its user by finger or face: by those that it knew when a PIN was typed last.
    var biometrics: Bool { get }
    /// A PIN was typed: whose finger and face the device knows now may take its place.
    func trustBiometrics()
    /// Asks for the finger or face; true: recognised.
    func recognise(reason: String) async -> Bool
    /// The pairing has ended and the data are gone: destroys the key and begins anew.
    func unpaired() async
}

/// What came of a scan.
public enum Scanned: Equatable, Sendable {
    /// The text of the code.
    case code(String)
    /// The clerk went back.
    case nothing
    /// The clerk lets the app have no camera.
    case noPermission
}

/// What became of something that was given to the device.
public enum Handed: Equatable, Sendable {
    /// It was sent.
    case done
    /// The dialler or another app has it; the clerk does the rest there.
    case opened
    /// The clerk turned it down.
    case cancelled
    /// Nothing on this device takes it.
    case notPossible
    /// The device could not do it.
    case failed
}
