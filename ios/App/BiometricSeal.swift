import Foundation
@preconcurrency import LocalAuthentication
import Security

/// An item of the Keychain that opens only to the fingers and faces that the device knew when it was made: who adds
/// another one has to type the PIN once more. It holds nothing; that it opens is the answer.
final class BiometricSeal: Sendable {
    private let service = "cn.yaoban.clerk"
    private let account = "biometric-seal"
    private let queue = DispatchQueue(label: "cn.yaoban.seal")

    private var item: [CFString: Any] {
        [kSecClass: kSecClassGenericPassword, kSecAttrService: service, kSecAttrAccount: account]
    }

    /// Whether there is one, and it was made for those whom the device knows now. Asks nobody.
    var isThere: Bool {
        let silent = LAContext()
        silent.interactionNotAllowed = true
        return read(silent) == errSecInteractionNotAllowed
    }

    /// Makes it anew for those whom the device knows now. Where it cannot be made, the PIN stays the only way.
    func make() {
        destroy()
        let access = SecAccessControlCreateWithFlags(
            nil, kSecAttrAccessibleWhenUnlockedThisDeviceOnly, .biometryCurrentSet, nil)
        guard let access else { return }
        let new: [CFString: Any] = [
            kSecValueData: Data([1]), kSecAttrAccessControl: access, kSecAttrSynchronizable: false,
        ]
        _ = SecItemAdd(item.merging(new) { _, new in new } as CFDictionary, nil)
    }

    /// Asks for the finger or face; true: it is one of those.
    func opens(reason: String) async -> Bool {
        // The Keychain blocks until it is answered.
        await withCheckedContinuation { told in
            queue.async { [self] in
                let asking = LAContext()
                asking.localizedReason = reason
                told.resume(returning: read(asking) == errSecSuccess)
            }
        }
    }

    func destroy() { _ = SecItemDelete(item as CFDictionary) }

    private func read(_ context: LAContext) -> OSStatus {
        let asked: [CFString: Any] = [
            kSecReturnData: true, kSecMatchLimit: kSecMatchLimitOne, kSecUseAuthenticationContext: context,
        ]
        var found: CFTypeRef?
        return SecItemCopyMatching(item.merging(asked) { _, new in new } as CFDictionary, &found)
    }
}
