@preconcurrency import AVFoundation
import ClerkFFI
import ClerkKit
import LocalAuthentication
import MessageUI
import Network
import UIKit

/// The iPhone, as the screens ask for it.
final class PhoneDevice: NSObject, Device {
    private weak var phone: PhoneModel?
    private var composing: CheckedContinuation<Handed, Never>?
    private let seal = BiometricSeal()

    init(phone: PhoneModel) { self.phone = phone }

    var name: String { UIDevice.current.model }

    // MARK: Calls and messages

    /// The system asks before it calls; iOS tells no app how the call went, and lets none record it.
    func dial(_ number: Secret) async -> Handed {
        guard let link = ContactLinks.call(number), UIApplication.shared.canOpenURL(link) else { return .notPossible }
        return await UIApplication.shared.open(link) ? .opened : .notPossible
    }

    func sms(_ numbers: [Secret], text: String) async -> Handed {
        guard MFMessageComposeViewController.canSendText(), composing == nil, let top = Self.top else {
            return .notPossible
        }
        let composer = MFMessageComposeViewController()
        composer.recipients = numbers.map { $0.reveal() }
        composer.body = text
        composer.messageComposeDelegate = self
        return await withCheckedContinuation { told in
            composing = told
            top.present(composer, animated: true)
        }
    }

    func share(_ target: ShareTarget, text: String) async -> Shared { await sharing.share(target, text: text) }

    /// Where the chain has an app id of WeChat, its OpenSDK stands here as `wechat` (README.md).
    private var sharing: Sharing {
        Sharing { text in
            // Not for other devices of the same person, and not for long: it names a member.
            UIPasteboard.general.setItems(
                [[UIPasteboard.typeAutomatic: text]],
                options: [.localOnly: true, .expirationDate: Date().addingTimeInterval(600)])
        } open: { link in
            guard UIApplication.shared.canOpenURL(link) else { return false }
            return await UIApplication.shared.open(link)
        }
    }

    // MARK: Network and files

    var networks: AsyncStream<NetworkKind> {
        AsyncStream(bufferingPolicy: .bufferingNewest(1)) { out in
            let monitor = NWPathMonitor()
            monitor.pathUpdateHandler = { @Sendable in out.yield(NetworkKind($0)) }
            out.onTermination = { _ in monitor.cancel() }
            monitor.start(queue: DispatchQueue(label: "cn.yaoban.network"))
        }
    }

    /// The share sheet. The file stays where the system clears up: what was chosen may still read it when the sheet is
    /// gone. The next one of its name takes its place.
    func share(file: Data, name: String) async -> Bool {
        let place = FileManager.default.temporaryDirectory.appendingPathComponent(name)
        guard let top = Self.top, (try? file.write(to: place, options: .completeFileProtection)) != nil else {
            return false
        }
        let sheet = UIActivityViewController(activityItems: [place], applicationActivities: nil)
        // An iPad shows it as a balloon, which has to come from somewhere.
        sheet.popoverPresentationController?.sourceView = top.view
        top.present(sheet, animated: true)
        return true
    }

    var licences: [String] { Licences.of(.main) }

    // MARK: Scanner, finger and face

    var canScan: Bool { AVCaptureDevice.default(for: .video) != nil }

    func scanCode() async -> Scanned {
        guard await AVCaptureDevice.requestAccess(for: .video) else { return .noPermission }
        guard let top = Self.top else { return .nothing }
        return await ScannerController.scan(over: top).map { .code($0) } ?? .nothing
    }

    var biometrics: Bool {
        LAContext().canEvaluatePolicy(.deviceOwnerAuthenticationWithBiometrics, error: nil) && seal.isThere
    }

    func trustBiometrics() { seal.make() }

    func recognise(reason: String) async -> Bool { await seal.opens(reason: reason) }

    func unpaired() async {
        seal.destroy()
        await phone?.beginAnew()
    }

    /// The controller on top, to present from.
    private static var top: UIViewController? {
        let scenes = UIApplication.shared.connectedScenes.compactMap { $0 as? UIWindowScene }
        var top = scenes.first { $0.activationState == .foregroundActive }?.keyWindow?.rootViewController
        while let over = top?.presentedViewController { top = over }
        return top
    }
}

extension PhoneDevice: @preconcurrency MFMessageComposeViewControllerDelegate {
    func messageComposeViewController(
        _ controller: MFMessageComposeViewController, didFinishWith result: MessageComposeResult
    ) {
        let told = composing
        composing = nil
        let handed: Handed =
            switch result {
            case .sent: .done
            case .cancelled: .cancelled
            default: .failed
            }
        // Once it has gone, so that the next one can be shown.
        controller.dismiss(animated: true) { told?.resume(returning: handed) }
    }
}

extension NetworkKind {
    /// What costs the clerk nothing counts as Wi-Fi.
    fileprivate init(_ path: NWPath) {
        self = path.status != .satisfied ? .none : path.isExpensive ? .metered : .wifi
    }
}
