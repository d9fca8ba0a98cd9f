import ClerkFFI

/// What the phone tells while nobody sees the app: numbers only, no name of a member anywhere.
public struct Notice: Equatable, Sendable {
    /// The next one of this id takes its place.
    public let id: String
    /// What it says; none: there is nothing to tell any more.
    public let text: String?
    /// It is heard too.
    public let loud: Bool

    /// The ids of all there are.
    public static let ids = ["due", "emergency"]

    /// How many tasks are due, and how many of them are emergencies.
    public static func of(_ due: DueCounts, _ texts: Texts) -> [Notice] {
        zip(ids, [due.due, due.emergencies]).map { id, count in
            Notice(
                id: id, text: count > 0 ? texts.filled("notice.\(id)", ["n": "\(count)"]) : nil, loud: id == "emergency"
            )
        }
    }
}
