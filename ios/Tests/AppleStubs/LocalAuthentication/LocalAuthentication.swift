// A stand-in for what the app takes from LocalAuthentication, for type-checking on Linux. It does nothing.
import Foundation

public enum LAPolicy: Sendable { case deviceOwnerAuthenticationWithBiometrics }

public final class LAContext: NSObject {
    public func canEvaluatePolicy(_ policy: LAPolicy, error: UnsafeMutablePointer<NSError?>?) -> Bool { false }
    public var interactionNotAllowed = false
    public var localizedReason = ""
}
