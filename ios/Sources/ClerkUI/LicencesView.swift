import ClerkKit
import SwiftUI

/// Whose work is in the app, and under which licence.
struct LicencesView: View {
    let app: AppModel

    var body: some View {
        List { ForEach(app.device.licences, id: \.self) { Text($0).font(.footnote) } }
            .navigationTitle(app.words["phone.licences"])
            .navigationBarTitleDisplayMode(.inline)
    }
}
