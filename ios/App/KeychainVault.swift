import ClerkFFI
import ClerkKit
import Foundation
import Security

/// The key of the file, 32 random bytes in the Keychain: readable while the phone is unlocked, on this phone only, in no
/// backup and on no other device of the same person.
///
/// The key itself asks for no finger or face: the work in the background reads it as well. Who uses the app is the
/// core's question: by PIN, or by the finger or face that opens the `BiometricSeal`.
final class KeychainVault: PhoneVault {
    private static let bytes = 32
    private let service = "cn.yaoban.clerk"
    private let account = "database-key"

    private var item: [CFString: Any] {
        [kSecClass: kSecClassGenericPassword, kSecAttrService: service, kSecAttrAccount: account]
    }

    func databaseKey() throws -> Data {
        var found: CFTypeRef?
        let status = SecItemCopyMatching(
            item.merging([kSecReturnData: true, kSecMatchLimit: kSecMatchLimitOne]) { _, new in new } as CFDictionary,
            &found)
        switch status {
        case errSecSuccess:
            guard let key = found as? Data, key.count == Self.bytes else { throw failed("key", errSecDecode) }
            return key
        case errSecItemNotFound: return try make()
        default: throw failed("read", status)
        }
    }

    func destroy() throws {
        let status = SecItemDelete(item as CFDictionary)
        guard status == errSecSuccess || status == errSecItemNotFound else { throw failed("delete", status) }
    }

    private func make() throws -> Data {
        var key = Data(count: Self.bytes)
        let random = key.withUnsafeMutableBytes { buffer -> OSStatus in
            guard let start = buffer.baseAddress else { return errSecAllocate }
            return SecRandomCopyBytes(kSecRandomDefault, Self.bytes, start)
        }
        guard random == errSecSuccess else { throw failed("random", random) }
        let new: [CFString: Any] = [
            kSecValueData: key, kSecAttrAccessible: kSecAttrAccessibleWhenUnlockedThisDeviceOnly,
            kSecAttrSynchronizable: false,
        ]
        let status = SecItemAdd(item.merging(new) { _, new in new } as CFDictionary, nil)
        guard status == errSecSuccess else { throw failed("add", status) }
        return key
    }

    /// What was tried, and the system's number; nothing else.
    private func failed(_ what: String, _ status: OSStatus) -> PlatformError { .Failed(why: "\(what) \(status)") }
}
