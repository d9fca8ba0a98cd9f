import ClerkFFI
import ClerkKit
import SwiftUI

/// The pad on which a member signs. On the whole screen: a sheet would take a stroke for a pull at itself.
struct SignaturePad: View {
    let words: Wording
    /// Of the consents that stand above it.
    let purposes: [String]
    @Binding var signature: DrawnSignature?
    @State private var drawing = Drawing()

    var body: some View {
        VStack(alignment: .leading, spacing: 8) {
            HStack {
                Text(words["sign.here"]).font(.headline)
                Spacer()
                if signature != nil { Button(words["sign.again"], systemImage: "eraser") { clear() } }
            }
            GeometryReader { pad in
                Ink(strokes: drawing.strokes)
                    .stroke(Color.primary, lineWidth: 3)
                    .frame(maxWidth: .infinity, maxHeight: .infinity)
                    .contentShape(Rectangle())
                    .gesture(
                        DragGesture(minimumDistance: 0)
                            .onChanged { drawing.go(to: $0.location) }
                            .onEnded { _ in
                                drawing.lift()
                                signature = drawing.signature(width: pad.size.width, under: purposes)
                            }
                    )
                    // Turned on its side, the pad is another one.
                    .onChange(of: pad.size.width) { _, _ in clear() }
            }
            .frame(height: 160)
            .background(Color.secondary.opacity(0.14), in: RoundedRectangle(cornerRadius: 12))
            .accessibilityElement()
            .accessibilityLabel(words["sign.here"])
            .accessibilityValue(signature == nil ? "" : words["sign.signed"])
        }
        .padding()
    }

    private func clear() {
        drawing = Drawing()
        signature = nil
    }
}

/// The lines of a drawing.
private struct Ink: Shape {
    let strokes: [[CGPoint]]

    nonisolated func path(in rect: CGRect) -> Path {
        Path { path in
            for stroke in strokes {
                guard let first = stroke.first else { continue }
                path.move(to: first)
                for point in stroke.dropFirst() { path.addLine(to: point) }
            }
        }
    }
}

/// The consents that a new member says yes to, in their words, and the pad below them.
struct SignConsents: View {
    let forms: [ConsentForm]
    let words: Wording
    let answer: @MainActor (DrawnSignature) -> Void
    @State private var signature: DrawnSignature?

    var body: some View {
        Question(
            title: words["register.consents"], words: words,
            yes: .init(text: words["act.ok"], possible: signature != nil) { if let signature { answer(signature) } }
        ) {
            // The pad does not scroll with the words.
            VStack {
                ScrollView {
                    VStack(alignment: .leading, spacing: 12) {
                        ForEach(forms, id: \.purpose) { form in
                            Text(words.code("consent", form.purpose)).font(.headline)
                            Text(words["consent_words.\(form.purpose)"])
                        }
                    }
                    .padding()
                }
                SignaturePad(words: words, purposes: forms.map(\.purpose), signature: $signature)
            }
        }
    }
}
