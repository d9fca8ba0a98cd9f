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
            .task { await app.followNetwork() }
            // While nobody sees the screens the file is closed, and a round would only fail.
            .task(id: live) { if live { await app.sync.run() } }
            // What a notification asked for comes before where the clerk was.
            .onAppear { if app.way.untouched { app.way.saved = kept } }
            .onChange(of: app.way.saved) { _, now in kept = now }
    }

    @ViewBuilder private var screen: some View {
        if app.pairing.phase != .ready {
            PairingView(app: app)
        } else if let staff = app.signIn.current {
            HomeView(app: app).id(staff.staffId)
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
                .badge(Int(app.tasks.due))
            tab(.members, words["nav.members"], "person.2") {
                Keeping(GroupModel(core: app.core)) { MembersView(app: app, model: $0) }
            }
            tab(.today, words["nav.today"], "chart.bar") {
                Keeping(TodayModel(core: app.core)) { TodayView(app: app, model: $0) }
            }
            tab(.phone, words["nav.phone"], "iphone") {
                Keeping(SettingsModel(core: app.core)) { PhoneView(app: app, model: $0) }
            }
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
        case .member(let id):
            Keeping(MemberModel(core: app.core, memberId: id)) { MemberView(app: app, model: $0) }
        case .callTask, .callMember: CallView(app: app, place: place)
        case .readings(let id):
            Keeping(ReadingsModel(core: app.core, memberId: id)) { ReadingsView(app: app, model: $0) }
        case .history(let id):
            Keeping(HistoryModel(core: app.core, memberId: id)) { HistoryView(app: app, model: $0) }
        case .register(let typed):
            Keeping(RegisterModel(core: app.core, typed: typed)) { RegisterView(app: app, model: $0) }
        case .message(let ids): message(to: .members(ids))
        case .messageTask(let id): message(to: .task(id))
        case .waiting: Keeping(WaitingModel(core: app.core)) { WaitingView(app: app, model: $0) }
        case .edit(let id): Keeping(EditModel(core: app.core, memberId: id)) { EditView(app: app, model: $0) }
        case .licences: LicencesView(app: app)
        }
    }

    private func message(to: MessageModel.To) -> some View {
        Keeping(MessageModel(core: app.core, to: to)) { MessageView(app: app, model: $0) }
    }
}

/// Keeps the model of a screen for as long as the screen is there.
struct Keeping<Model, Content: View>: View {
    @State private var model: Model
    private let content: (Model) -> Content

    init(_ model: Model, @ViewBuilder content: @escaping (Model) -> Content) {
        _model = State(initialValue: model)
        self.content = content
    }

    var body: some View { content(model) }
}
