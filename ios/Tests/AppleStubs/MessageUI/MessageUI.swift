// A stand-in for what the app takes from MessageUI, for type-checking on Linux. It does nothing.
import UIKit

public enum MessageComposeResult: Sendable { case cancelled, sent, failed }

public protocol MFMessageComposeViewControllerDelegate: NSObjectProtocol {
    func messageComposeViewController(
        _ controller: MFMessageComposeViewController, didFinishWith result: MessageComposeResult)
}

@MainActor open class MFMessageComposeViewController: UINavigationController {
    public init() { super.init(rootViewController: UIViewController()) }
    public class func canSendText() -> Bool { false }
    public var recipients: [String]?
    public var body: String?
    public weak var messageComposeDelegate: (any MFMessageComposeViewControllerDelegate)?
}
