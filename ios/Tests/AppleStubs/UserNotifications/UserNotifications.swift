// A stand-in for what the app takes from UserNotifications, for type-checking on Linux. It does nothing.
import Foundation

public struct UNAuthorizationOptions: OptionSet, Sendable {
    public let rawValue: Int
    public init(rawValue: Int) { self.rawValue = rawValue }
    public static let badge = UNAuthorizationOptions(rawValue: 1)
    public static let sound = UNAuthorizationOptions(rawValue: 2)
    public static let alert = UNAuthorizationOptions(rawValue: 4)
}

public final class UNUserNotificationCenter: NSObject, @unchecked Sendable {
    public weak var delegate: (any UNUserNotificationCenterDelegate)?
    public class func current() -> UNUserNotificationCenter { UNUserNotificationCenter() }
    public func requestAuthorization(options: UNAuthorizationOptions) async throws -> Bool { false }
    public func add(_ request: UNNotificationRequest) async throws {}
    public func removeDeliveredNotifications(withIdentifiers ids: [String]) {}
}

public protocol UNUserNotificationCenterDelegate: NSObjectProtocol {
    func userNotificationCenter(
        _ center: UNUserNotificationCenter, didReceive response: UNNotificationResponse) async
}

public final class UNNotificationResponse: NSObject, @unchecked Sendable {}
public class UNNotificationContent: NSObject, @unchecked Sendable {}
public class UNNotificationTrigger: NSObject, @unchecked Sendable {}

public final class UNMutableNotificationContent: UNNotificationContent, @unchecked Sendable {
    public var title = ""
    public var body = ""
    public var sound: UNNotificationSound?
}

public final class UNNotificationSound: NSObject, @unchecked Sendable {
    public class var `default`: UNNotificationSound { UNNotificationSound() }
}

public final class UNNotificationRequest: NSObject, @unchecked Sendable {
    public init(identifier: String, content: UNNotificationContent, trigger: UNNotificationTrigger?) {}
}
