import ClerkFFI
import ClerkKit
import SwiftUI

/// The phone itself: how it stands with the hub, what is stuck and why, who uses it, what it holds.
struct PhoneView: View {
    let app: AppModel
    let model: SettingsModel
    @State private var asking = false

    private var words: Wording { app.words }
    private var sync: SyncModel { app.sync }
    private var failure: Failure? { model.failure ?? sync.unread }

    var body: some View {
        Form {
            Refusal(failure, words)
            rounds
            queue
            who
            holds
            health
            support
            end
        }
        .navigationTitle(words["nav.phone"])
        .task { await model.follow() }
        .refreshable { await sync.syncNow() }
        .sensoryFeedback(.success, trigger: sync.status?.lastSyncMs)
    }

    // MARK: Sync

    private var rounds: some View {
        Section(words["phone.sync"]) {
            if let status = sync.status {
                LabeledContent(status.storeName, value: status.chainName)
                if let why = status.locked {
                    Danger(words["refused.device_locked", ["locked": words.code("locked", why)]])
                }
                LabeledContent(
                    words["phone.last"], value: status.lastSyncMs.map { words.instant($0) } ?? words["phone.never"])
                LabeledContent(words["phone.waiting"], value: "\(status.waiting)")
                if status.held > 0 { LabeledContent(words.code("op_state", "held"), value: "\(status.held)") }
                if status.setAside != nil { Danger(words["phone.set_aside", ["n": status.salvagedOps]]) }
            } else if failure == nil {
                Waiting(words["state.reading"])
            }
            // The reason itself: the other screens' sign leads here.
            Refusal(sync.failure, words)
            if let progress = sync.progress {
                ProgressView(words.progress(progress))
            } else {
                Button(words["phone.sync_now"], systemImage: "arrow.triangle.2.circlepath") {
                    Task { await sync.syncNow() }
                }
            }
        }
    }

    /// What the hub refused or could not read; and what is on its way.
    @ViewBuilder private var queue: some View {
        let ops = sync.queue?.ops ?? []
        if !ops.isEmpty {
            Section(words["phone.queue"]) {
                ForEach(ops.prefix(20), id: \.outboxId) { op in
                    VStack(alignment: .leading) {
                        Text(joined([words.code("op", op.op), op.memberName, words.instant(op.atMs)]))
                        Text(
                            joined(
                                [words.code("op_state", op.state), op.reason.map { words.reason($0, op.values) }],
                                by: "："
                            )
                        )
                        .font(.subheadline)
                        .foregroundStyle(op.stuck ? Color.red : Color.secondary)
                    }
                    .swipeActions {
                        if op.stuck { Button(words["phone.seen"]) { Task { await sync.putAway(op.outboxId) } } }
                    }
                }
                if ops.count > 20 { Text(words["phone.more", ["n": ops.count - 20]]) }
            }
        }
    }

    // MARK: Who, what, how

    @ViewBuilder private var who: some View {
        if let staff = app.signIn.current {
            Section(words["phone.who"]) {
                LabeledContent(staff.name, value: words.code("role", staff.role))
                Refusal(app.signIn.failure, words)
                if staff.hasPin {
                    Button(words["phone.lock"], systemImage: "lock") { Task { await app.signIn.lock() } }
                }
                Button(words["phone.switch"], systemImage: "person.2") { Task { await app.signIn.signOut() } }
            }
        }
    }

    @ViewBuilder private var holds: some View {
        if let storage = model.storage {
            Section(words["phone.holds"]) {
                LabeledContent(words["phone.members"], value: "\(storage.members)")
                LabeledContent(words["phone.data"], value: "\(megabytes(storage.fileBytes)) MB")
                if let use = model.recordings {
                    let of = ["used": "\(megabytes(use.bytes)) MB", "max": "\(megabytes(use.bytesMax)) MB"]
                    LabeledContent(words["phone.recordings"], value: words["phone.of", of])
                    Toggle(words["phone.wifi_only"], isOn: wifiOnly)
                    if let why = use.heldBack { Text(words.code("recording_held", why)).foregroundStyle(.secondary) }
                }
            }
        }
    }

    private var wifiOnly: Binding<Bool> {
        Binding(get: { model.recordings?.wifiOnly ?? true }, set: { on in Task { await model.wifiOnly(on) } })
    }

    private var health: some View {
        Section(words["phone.health"]) {
            if let checkup = model.checkup {
                Text(words["phone.version", ["app": checkup.appVersion]])
                if checkup.findings.isEmpty { Text(words["phone.well"]) }
                ForEach(checkup.findings, id: \.self) { Text(words.code("doctor_finding", $0)) }
            }
            if model.checking {
                ProgressView(words["phone.checking"])
            } else {
                Button(words["phone.check"]) { Task { await model.check() } }
            }
        }
    }

    /// What support needs, sealed for it alone; and whose work is in the app.
    private var support: some View {
        Section {
            Button(words["phone.bundle_send"], systemImage: "square.and.arrow.up") {
                Task { await model.sendBundle(by: app.device) }
            }
            .disabled(model.checking)
            if model.nobodyTakesFiles { Text(words["phone.bundle_nobody"]).foregroundStyle(.red) }
            LeadingRow {
                app.way.to(.licences)
            } content: {
                Text(words["phone.licences"])
            }
        } header: {
            Text(words["phone.bundle"])
        } footer: {
            Text(words["phone.bundle_text"])
        }
    }

    // MARK: The end

    /// The end of the pairing: everything here is deleted; what was not sent only if it may be lost.
    private var end: some View {
        Section {
            Button(words[model.unsent ? "phone.unpair_lose" : "phone.unpair"], role: .destructive) { asking = true }
                .confirmationDialog(words["phone.unpair"], isPresented: $asking, titleVisibility: .visible) {
                    Button(words["phone.unpair"], role: .destructive) { Task { await unpair() } }
                } message: {
                    Text(words["phone.unpair_text"])
                }
        } footer: {
            Text(words["phone.unpair_text"])
        }
    }

    private func unpair() async {
        if await model.unpair(lose: model.unsent) { await app.device.unpaired() } else { await sync.syncNow() }
    }
}
