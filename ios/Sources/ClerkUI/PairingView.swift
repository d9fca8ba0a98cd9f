import ClerkFFI
import ClerkKit
import SwiftUI

/// A new phone: the hub's code, whose store it is, the members coming in.
struct PairingView: View {
    @Bindable private var model: PairingModel
    private let app: AppModel

    init(app: AppModel) {
        self.app = app
        model = app.pairing
    }

    private var words: Wording { app.words }

    var body: some View {
        NavigationStack {
            Form {
                if let place = model.paired {
                    whose(place.storeName, place.chainName)
                } else if model.phase != .unknown {
                    Text(words["pairing.welcome"])
                }
                step
            }
            .navigationTitle(words["app.name"])
        }
        .sensoryFeedback(.success, trigger: model.phase == .ready)
    }

    @ViewBuilder private var step: some View {
        switch model.phase {
        case .unknown:
            Refusal(model.failure, words)
            if model.failure != nil { Button(words["act.again"]) { Task { await model.begin() } } }
        case .code: code
        case .asking: Waiting(words["pairing.asking"])
        case .offered(let offer):
            whose(offer.storeName, offer.chainName)
            Big(text: words["pairing.accept"], picture: "checkmark") {
                Task { await model.accept(deviceName: app.device.name) }
            }
            Button(words["pairing.decline"], role: .cancel) { model.decline() }
        case .loading(let progress):
            Section {
                ProgressView(value: share(progress)) { Text(line(progress)) }
                Button(words["pairing.stop"]) { model.stop() }
            } footer: {
                Text(words["pairing.goes_on"])
            }
            start
        case .interrupted:
            Text(words["pairing.interrupted"])
            Refusal(model.failure, words)
            Big(text: words["pairing.go_on"], picture: "arrow.down.circle") { Task { await model.load() } }
            start
        case .ready: EmptyView()
        }
    }

    /// The way on while the load is not in.
    @ViewBuilder private var start: some View {
        if model.usable != nil {
            Section {
                Text(words["pairing.usable"])
                Big(text: words["pairing.start"], picture: "arrow.right") { Task { await model.start() } }
            }
        }
    }

    /// Whose phone it is, or will be.
    private func whose(_ store: String, _ chain: String) -> some View {
        Section(words["pairing.place"]) {
            Text(store).font(.title2)
            Text(chain)
        }
    }

    private var code: some View {
        Section {
            TextField(words["pairing.code"], text: $model.code, axis: .vertical)
                .autocorrectionDisabled()
                .textInputAutocapitalization(.never)
                .textContentType(.oneTimeCode)
            Refusal(model.failure, words)
            Big(text: words["pairing.pair"], picture: "link") {
                Task { await model.look() }
            }
            .disabled(model.code.isEmpty)
            if app.device.canScan {
                Button(words["pairing.scan"], systemImage: "qrcode.viewfinder") {
                    Task { await model.scan(by: app.device) }
                }
                if model.cameraDenied { Text(words["pairing.camera_denied"]).foregroundStyle(.red) }
            } else {
                Text(words["pairing.no_camera"]).foregroundStyle(.secondary)
            }
        } footer: {
            Text(words["pairing.code_hint"])
        }
    }

    /// How far a first load is: members, and MB.
    private func line(_ progress: SyncProgress?) -> String {
        let line = words.progress(progress)
        guard progress?.stage == .loading, model.loadedBytes > 0 else { return line }
        return words["pairing.with_size", ["line": line, "mb": megabytes(model.loadedBytes)]]
    }

    private func share(_ progress: SyncProgress?) -> Double? {
        guard let progress, progress.stage == .loading, progress.total > 0 else { return nil }
        return Double(progress.done) / Double(progress.total)
    }
}
