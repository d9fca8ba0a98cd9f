@preconcurrency import AVFoundation
import UIKit

/// The camera, until it sees a code: the hub's pairing code, or a member's card.
final class ScannerController: UIViewController {
    private let session = AVCaptureSession()
    private var told: CheckedContinuation<String?, Never>?
    private let queue = DispatchQueue(label: "cn.yaoban.scanner")
    private lazy var picture = AVCaptureVideoPreviewLayer(session: session)

    /// The text of a code; none: the clerk went back, or there is no camera.
    static func scan(over top: UIViewController) async -> String? {
        let scanner = ScannerController()
        guard scanner.prepare() else { return nil }
        return await withCheckedContinuation { told in
            scanner.told = told
            top.present(UINavigationController(rootViewController: scanner), animated: true)
        }
    }

    private func prepare() -> Bool {
        let output = AVCaptureMetadataOutput()
        guard let camera = AVCaptureDevice.default(for: .video), let input = try? AVCaptureDeviceInput(device: camera),
            session.canAddInput(input), session.canAddOutput(output)
        else { return false }
        session.addInput(input)
        session.addOutput(output)
        output.setMetadataObjectsDelegate(self, queue: .main)
        output.metadataObjectTypes = [.qr, .code128, .ean13, .code39]
        return true
    }

    override func viewDidLoad() {
        super.viewDidLoad()
        navigationItem.leftBarButtonItem = UIBarButtonItem(
            systemItem: .cancel, primaryAction: UIAction { [weak self] _ in self?.end(nil) })
        picture.videoGravity = .resizeAspectFill
        view.layer.addSublayer(picture)
        let session = session
        queue.async { session.startRunning() }
    }

    /// Its size is known only now, and another one when the device is turned.
    override func viewDidLayoutSubviews() {
        super.viewDidLayoutSubviews()
        picture.frame = view.layer.bounds
    }

    /// Also when it is swiped away.
    override func viewDidDisappear(_ animated: Bool) {
        super.viewDidDisappear(animated)
        end(nil)
    }

    private func end(_ code: String?) {
        guard let told else { return }
        self.told = nil
        let session = session
        queue.async { session.stopRunning() }
        dismiss(animated: true)
        told.resume(returning: code)
    }
}

extension ScannerController: @preconcurrency AVCaptureMetadataOutputObjectsDelegate {
    func metadataOutput(
        _ output: AVCaptureMetadataOutput, didOutput objects: [AVMetadataObject], from connection: AVCaptureConnection
    ) {
        let codes = objects.compactMap { ($0 as? AVMetadataMachineReadableCodeObject)?.stringValue }
        if let code = codes.first { end(code) }
    }
}
