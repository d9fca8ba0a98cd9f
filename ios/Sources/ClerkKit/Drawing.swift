import ClerkFFI
import Foundation

/// What a finger draws on a pad.
public struct Drawing: Equatable, Sendable {
    /// The strokes, each a line through its points.
    public private(set) var strokes: [[CGPoint]] = []
    private var lifted = true

    public init() {}

    /// The finger is here.
    public mutating func go(to point: CGPoint) {
        if lifted { strokes.append([]) }
        lifted = false
        strokes[strokes.count - 1].append(point)
    }

    /// The finger has left the pad.
    public mutating func lift() { lifted = true }

    /// As a signature, on a pad of this width, under the consents of these purposes; none: nothing was drawn. What is
    /// none, the core says.
    public func signature(width: CGFloat, under purposes: [String]) -> DrawnSignature? {
        strokes.isEmpty
            ? nil
            : DrawnSignature(
                width: Float(width), strokes: strokes.map { $0.flatMap { [Float($0.x), Float($0.y)] } },
                purposes: purposes)
    }
}
