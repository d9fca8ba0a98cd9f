import ClerkFFI
import ClerkKit
import SwiftUI

/// The app: pairing, the door, or the day's work.
public struct ClerkView: View {
    private let app: AppModel
    /// Where the clerk was, kept by the system while the app is not there.
    @SceneStorage("way") private var kept = ""

    public init(app: AppModel) { self.app = app }

    /// How often the lock, which falls by time, and the day are looked at.
    private static let look = Duration.seconds(20)

    public var body: some View {
        screen
            .task { await app.pairing.begin() }
            .task(id: app.pairing.phase == .ready) { await attend() }
            .task { await app.sync.follow() }
            // While nobody sees the screens the file is closed, and a round would only fail.
            .task(id: live) { if live { await app.sync.run() } }
            .onAppear { app.way.saved = kept }
            .onChange(of: app.way.saved) { _, now in kept = now }
    }

    @ViewBuilder private var screen: some View {
        if app.pairing.phase != .ready {
            PairingView(app: app)
        } else if let staff = app.signIn.current {
            HomeView(app: app)
                .id(staff.staffId)
                .simultaneousGesture(TapGesture().onEnded { Task { await app.signIn.touched() } })
        } else {
            SignInView(app: app)
        }
    }

    private var live: Bool { app.pairing.phase == .ready && app.presence.seen }

    private func attend() async {
        guard app.pairing.phase == .ready else { return }
        while !Task.isCancelled {
            await app.look()
            try? await Task.sleep(for: Self.look)
        }
    }
}

/// The tabs, and the screens over each.
struct HomeView: View {
    let app: AppModel

    private var words: Wording { app.words }

    var body: some View {
        TabView(selection: Binding(get: { app.way.tab }, set: { app.way.tab = $0 })) {
            tab(.counter, words["nav.counter"], "magnifyingglass") { CounterView(app: app) }
            tab(.tasks, words["nav.tasks"], "checklist") { TasksView(app: app) }
                .badge(Int(app.tasks.counts?.due ?? 0))
            tab(.members, words["nav.members"], "person.2") { MembersView(app: app) }
            tab(.today, words["nav.today"], "chart.bar") { TodayView(app: app) }
            tab(.phone, words["nav.phone"], "iphone") { PhoneView(app: app) }
                .badge(app.sync.status?.stuck.count ?? 0)
        }
    }

    private func tab<Content: View>(
        _ tab: HomeTab, _ name: String, _ picture: String, @ViewBuilder root: () -> Content
    ) -> some View {
        NavigationStack(path: path(tab)) {
            root().navigationDestination(for: Place.self) { PlaceView(app: app, place: $0) }
        }
        .tabItem { Label(name, systemImage: picture) }
        .tag(tab)
    }

    private func path(_ tab: HomeTab) -> Binding<[Place]> {
        Binding(get: { app.way.places[tab] ?? [] }, set: { app.way.places[tab] = $0 })
    }
}

/// A screen over a tab.
struct PlaceView: View {
    let app: AppModel
    let place: Place

    var body: some View {
        switch place {
        case .member(let id): MemberView(app: app, memberId: id)
        case .callTask, .callMember: CallView(app: app, place: place)
        case .readings(let id): ReadingsView(app: app, memberId: id)
        case .history(let id): HistoryView(app: app, memberId: id)
        case .register(let typed): RegisterView(app: app, typed: typed)
        case .message(let ids): MessageView(app: app, to: .members(ids))
        case .messageTask(let id): MessageView(app: app, to: .task(id))
        case .licences: LicencesView(app: app)
        }
    }
}
