import ClerkFFI
import ClerkKit
import UserNotifications

/// What the phone tells when the app is not open: how many tasks are due, how many of them are emergencies. Numbers
/// only, no name of a member anywhere.
enum Notices {
    static let due = "due"
    private static let emergency = "emergency"

    /// Asks once; without it nothing is told.
    static func ask() async {
        _ = try? await UNUserNotificationCenter.current().requestAuthorization(options: [.alert, .badge, .sound])
    }

    /// Tells what is due, or takes the notice away.
    static func tell(_ what: DueCounts) async {
        await tell(due, Texts.ofApp.filled("notice.due", ["n": "\(what.due)"]), what.due, sound: nil)
        await tell(
            emergency, Texts.ofApp.filled("notice.emergency", ["n": "\(what.emergencies)"]), what.emergencies,
            sound: .default)
    }

    /// Takes both away: somebody looks at the app itself.
    static func takeAway() {
        UNUserNotificationCenter.current().removeDeliveredNotifications(withIdentifiers: [due, emergency])
    }

    private static func tell(_ id: String, _ text: String, _ count: UInt64, sound: UNNotificationSound?) async {
        let centre = UNUserNotificationCenter.current()
        guard count > 0 else { return centre.removeDeliveredNotifications(withIdentifiers: [id]) }
        let content = UNMutableNotificationContent()
        content.title = Texts.ofApp.filled("app.name", [:])
        content.body = text
        content.sound = sound
        try? await centre.add(UNNotificationRequest(identifier: id, content: content, trigger: nil))
    }
}
