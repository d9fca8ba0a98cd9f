import ClerkFFI
import ClerkKit
@preconcurrency import UserNotifications

/// Hands notices to the system.
enum Notices {
    /// Asks once; without it nothing is told.
    static func ask() async {
        _ = try? await UNUserNotificationCenter.current().requestAuthorization(options: [.alert, .sound])
    }

    /// Tells what is due, or takes the notice away.
    static func tell(_ due: DueCounts) async {
        for notice in Notice.of(due, .ofApp) { await tell(notice) }
    }

    /// Takes all away: somebody looks at the app itself.
    static func takeAway() {
        UNUserNotificationCenter.current().removeDeliveredNotifications(withIdentifiers: Notice.ids)
    }

    private static func tell(_ notice: Notice) async {
        let centre = UNUserNotificationCenter.current()
        guard let text = notice.text else { return centre.removeDeliveredNotifications(withIdentifiers: [notice.id]) }
        let content = UNMutableNotificationContent()
        content.title = Texts.ofApp.filled("app.name", [:])
        content.body = text
        content.sound = notice.loud ? .default : nil
        try? await centre.add(UNNotificationRequest(identifier: notice.id, content: content, trigger: nil))
    }
}
