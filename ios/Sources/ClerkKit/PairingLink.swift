import Foundation

/// What the app was opened for, other than by its icon.
public enum Opened: Equatable, Sendable {
    /// A pairing link with its one-time code.
    case pairing(String)
    /// The notification of due tasks.
    case tasks

    /// By a link: `yaoban://pair/CODE`, or the universal link of the hub, `https://HOST/pair/CODE`. Which hosts there
    /// are, the system checks. None: it is no link of ours.
    public init?(link: URL) {
        let parts = link.pathComponents.filter { $0 != "/" }
        switch link.scheme?.lowercased() {
        case "yaoban" where link.host?.lowercased() == "pair" && parts.count == 1: self = .pairing(parts[0])
        case "https" where parts.count == 2 && parts[0] == "pair": self = .pairing(parts[1])
        default: return nil
        }
    }
}
