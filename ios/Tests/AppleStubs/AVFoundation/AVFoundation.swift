// A stand-in for what the app takes from AVFoundation, for type-checking on Linux. It does nothing.
import UIKit

public enum AVMediaType: Sendable { case video }
public enum AVLayerVideoGravity: Sendable { case resizeAspectFill }

public final class AVCaptureDevice: NSObject {
    public class func requestAccess(for type: AVMediaType) async -> Bool { false }
    public class func `default`(for type: AVMediaType) -> AVCaptureDevice? { nil }
}

open class AVCaptureInput: NSObject {}
public final class AVCaptureDeviceInput: AVCaptureInput {
    public init(device: AVCaptureDevice) throws {}
}

open class AVCaptureOutput: NSObject {}
public final class AVCaptureMetadataOutput: AVCaptureOutput {
    public var metadataObjectTypes: [AVMetadataObject.ObjectType] = []
    public func setMetadataObjectsDelegate(
        _ delegate: (any AVCaptureMetadataOutputObjectsDelegate)?, queue: DispatchQueue?
    ) {}
}

open class AVMetadataObject: NSObject {
    public enum ObjectType: Sendable { case qr, code128, code39, ean13 }
}
public final class AVMetadataMachineReadableCodeObject: AVMetadataObject {
    public var stringValue: String? { nil }
}
public final class AVCaptureConnection: NSObject {}

public protocol AVCaptureMetadataOutputObjectsDelegate: NSObjectProtocol {
    func metadataOutput(
        _ output: AVCaptureMetadataOutput, didOutput objects: [AVMetadataObject], from connection: AVCaptureConnection)
}

public final class AVCaptureSession: NSObject, @unchecked Sendable {
    public func canAddInput(_ input: AVCaptureInput) -> Bool { false }
    public func canAddOutput(_ output: AVCaptureOutput) -> Bool { false }
    public func addInput(_ input: AVCaptureInput) {}
    public func addOutput(_ output: AVCaptureOutput) {}
    public func startRunning() {}
    public func stopRunning() {}
}

public final class AVCaptureVideoPreviewLayer: CALayer {
    public init(session: AVCaptureSession) {}
    public var videoGravity = AVLayerVideoGravity.resizeAspectFill
}
