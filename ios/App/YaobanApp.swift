import ClerkKit
import ClerkUI
import SwiftUI
import UIKit
@preconcurrency import UserNotifications

@main
struct YaobanApp: App {
    @UIApplicationDelegateAdaptor(AppDelegate.self) private var delegate

    var body: some Scene {
        WindowGroup { RootView(phone: delegate.phone, opened: delegate.opened) }
    }
}

/// What a notification asked for, until a screen shows it.
@MainActor @Observable
final class OpenedBy {
    var opened: Opened?
}

final class AppDelegate: NSObject, UIApplicationDelegate {
    let opened = OpenedBy()
    let phone = PhoneModel(
        home: Files.home, vault: KeychainVault(), texts: .ofApp, prepare: Files.prepare
    ) { PhoneDevice(phone: $0) }

    func application(
        _ application: UIApplication, didFinishLaunchingWithOptions options: [UIApplication.LaunchOptionsKey: Any]?
    ) -> Bool {
        BackgroundRounds.register(phone)
        UNUserNotificationCenter.current().delegate = self
        return true
    }
}

extension AppDelegate: @preconcurrency UNUserNotificationCenterDelegate {
    func userNotificationCenter(
        _ center: UNUserNotificationCenter, didReceive response: UNNotificationResponse
    ) async {
        opened.opened = .tasks
    }
}

/// Where the data are: in no backup, and unreadable while the phone is locked.
enum Files {
    static var home: URL {
        let support = FileManager.default.urls(for: .applicationSupportDirectory, in: .userDomainMask)
        return (support.first ?? FileManager.default.temporaryDirectory).appendingPathComponent("phone")
    }

    /// Makes the folder, also anew after the end of a pairing. Where it cannot be as it has to be, nothing is opened.
    @Sendable static func prepare(_ folder: URL) throws {
        let protection = [FileAttributeKey.protectionKey: FileProtectionType.complete]
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true, attributes: protection)
        var (folder, values) = (folder, URLResourceValues())
        values.isExcludedFromBackup = true
        try folder.setResourceValues(values)
    }
}

/// The file is opened; then the screens, covered while the app is not in front.
struct RootView: View {
    let phone: PhoneModel
    let opened: OpenedBy
    @Environment(\.scenePhase) private var scenePhase
    @State private var cover = Cover()
    @State private var touches = TouchWatch()

    var body: some View {
        screens
            .onChange(of: scenePhase, initial: true) { _, now in
                cover.set(now != .active)
                enter(now)
            }
            .task { _ = try? await phone.app() }
            .onOpenURL { link in opened.opened = Opened(link: link) ?? opened.opened }
            .onContinueUserActivity(NSUserActivityTypeBrowsingWeb) { activity in
                if let link = activity.webpageURL { opened.opened = Opened(link: link) ?? opened.opened }
            }
    }

    @ViewBuilder private var screens: some View {
        switch phone.state {
        case .opening: CoverView()
        case .failed(let failure): FailedView(phone: phone, failure: failure)
        case .open(let app):
            ClerkView(app: app)
                .id(ObjectIdentifier(app))
                .onChange(of: opened.opened, initial: true) { _, what in
                    if let what { app.show(what) }
                    opened.opened = nil
                }
                .onChange(of: app.pairing.phase == .ready, initial: true) { _, paired in
                    if paired { Task { await Notices.ask() } }
                }
        }
    }

    private func enter(_ phase: ScenePhase) {
        switch phase {
        case .active:
            Notices.takeAway()
            touches.watch(for: phone)
            Task { await phone.enter(.active) }
        case .background: BackgroundRounds.leave(phone)
        default: Task { await phone.enter(.inactive) }
        }
    }
}
