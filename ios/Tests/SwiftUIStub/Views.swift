// A stand-in for SwiftUI: on Linux it type-checks the views, and lets a test read what they would show. Nothing here
// draws, and nothing here reaches an Apple build (see Package.swift). The signatures are Apple's, so that what
// compiles here should compile there; what is missing is added when a view needs it.
@_exported import Foundation
@_exported import Observation

@MainActor @preconcurrency public protocol View {
    associatedtype Body: View
    @ViewBuilder @MainActor @preconcurrency var body: Body { get }
}

extension Never: View {
    public var body: Never { fatalError("a view of the stub has no body") }
}

/// A view of the stub itself. What it holds can be read by a mirror.
@MainActor @preconcurrency public protocol StubView: View where Body == Never {}
extension StubView {
    public var body: Never { fatalError("a view of the stub has no body") }
}

extension Optional: View where Wrapped: View {
    public var body: Never { fatalError("a view of the stub has no body") }
}

public struct EmptyView: StubView {
    public nonisolated init() {}
}

public struct AnyView: StubView {
    let content: any View
    public init<V: View>(_ view: V) { content = view }
}

public struct TupleView<T>: StubView {
    let content: T
}

public struct StubChoice<A, B>: StubView {
    let content: Any
}

public struct Group<Content: View>: StubView {
    let content: Content
    public init(@ViewBuilder content: () -> Content) { self.content = content() }
}

@resultBuilder public struct ViewBuilder {
    public static func buildExpression<C: View>(_ content: C) -> C { content }
    public static func buildBlock() -> EmptyView { EmptyView() }
    public static func buildBlock<C: View>(_ content: C) -> C { content }
    @_disfavoredOverload
    @MainActor public static func buildBlock<each C: View>(_ content: repeat each C) -> TupleView<(repeat each C)> {
        TupleView(content: (repeat each content))
    }
    public static func buildIf<C: View>(_ content: C?) -> C? { content }
    @MainActor public static func buildEither<A: View, B: View>(first: A) -> StubChoice<A, B> {
        StubChoice(content: first)
    }
    @MainActor public static func buildEither<A: View, B: View>(second: B) -> StubChoice<A, B> {
        StubChoice(content: second)
    }
    @MainActor public static func buildLimitedAvailability<C: View>(_ content: C) -> AnyView { AnyView(content) }
}

// MARK: Leaves

public struct LocalizedStringKey: ExpressibleByStringInterpolation, Equatable, Sendable {
    let key: String
    public init(_ key: String) { self.key = key }
    public init(stringLiteral key: String) { self.key = key }
}

public struct Text: StubView, Sendable {
    public let string: String
    public nonisolated init(_ key: LocalizedStringKey) { string = key.key }
    @_disfavoredOverload public nonisolated init<S: StringProtocol>(_ text: S) { string = String(text) }
    public nonisolated init(verbatim text: String) { string = text }
    public nonisolated func font(_ font: Font?) -> Text { self }
    public nonisolated func bold() -> Text { self }
    public nonisolated func monospacedDigit() -> Text { self }
}

public struct Image: StubView, Sendable {
    public nonisolated init(systemName: String) {}
    public nonisolated func resizable() -> Image { self }
}

public struct Label: StubView {
    let text: Text
    public init(_ key: LocalizedStringKey, systemImage: String) { text = Text(key) }
    @_disfavoredOverload public init<S: StringProtocol>(_ title: S, systemImage: String) { text = Text(title) }
}

public struct Spacer: StubView {
    public nonisolated init(minLength: CGFloat? = nil) {}
}

public struct Divider: StubView {
    public nonisolated init() {}
}

public struct ProgressView: StubView {
    let text: Text?
    public init() { text = nil }
    @_disfavoredOverload public init<S: StringProtocol>(_ title: S) { text = Text(title) }
    public init<V: BinaryFloatingPoint>(value: V?, total: V = 1) { text = nil }
    public init<V: BinaryFloatingPoint>(value: V?, total: V = 1, @ViewBuilder label: () -> Text) { text = label() }
}

public struct ContentUnavailableView: StubView {
    let title: Text
    let description: Text?
    @_disfavoredOverload
    public init<S: StringProtocol>(_ title: S, systemImage: String, description: Text? = nil) {
        self.title = Text(title)
        self.description = description
    }
}

// MARK: Containers

public struct VStack<Content: View>: StubView {
    let content: Content
    public init(
        alignment: HorizontalAlignment = .center, spacing: CGFloat? = nil, @ViewBuilder content: () -> Content
    ) { self.content = content() }
}

public struct ViewThatFits<Content: View>: StubView {
    let content: Content
    public init(in axes: Axis.Set = [.horizontal, .vertical], @ViewBuilder content: () -> Content) {
        self.content = content()
    }
}

public struct HStack<Content: View>: StubView {
    let content: Content
    public init(
        alignment: VerticalAlignment = .center, spacing: CGFloat? = nil, @ViewBuilder content: () -> Content
    ) { self.content = content() }
}

public struct ZStack<Content: View>: StubView {
    let content: Content
    public init(alignment: Alignment = .center, @ViewBuilder content: () -> Content) { self.content = content() }
}

public struct GridItem: Sendable {
    public enum Size: Sendable {
        case fixed(CGFloat)
        case flexible(minimum: CGFloat = 10, maximum: CGFloat = .infinity)
        case adaptive(minimum: CGFloat, maximum: CGFloat = .infinity)
    }
    public init(_ size: Size = .flexible(), spacing: CGFloat? = nil, alignment: Alignment? = nil) {}
}

public struct LazyVGrid<Content: View>: StubView {
    let content: Content
    public init(
        columns: [GridItem], alignment: HorizontalAlignment = .center, spacing: CGFloat? = nil,
        @ViewBuilder content: () -> Content
    ) { self.content = content() }
}

public struct ScrollView<Content: View>: StubView {
    let content: Content
    public init(_ axes: Axis.Set = .vertical, showsIndicators: Bool = true, @ViewBuilder content: () -> Content) {
        self.content = content()
    }
}

public struct Form<Content: View>: StubView {
    let content: Content
    public init(@ViewBuilder content: () -> Content) { self.content = content() }
}

public struct List<Content: View>: StubView {
    let content: Content
    public init(@ViewBuilder content: () -> Content) { self.content = content() }
}

public struct NavigationStack<Content: View>: StubView {
    let content: Content
    public init(@ViewBuilder root: () -> Content) { content = root() }
    public init<D: Hashable>(path: Binding<[D]>, @ViewBuilder root: () -> Content) { content = root() }
}

public struct TabView<Content: View>: StubView {
    let content: Content
    public init(@ViewBuilder content: () -> Content) { self.content = content() }
    public init<S: Hashable>(selection: Binding<S>, @ViewBuilder content: () -> Content) { self.content = content() }
}

public struct Section<Header, Content, Footer>: StubView {
    let header: Header?
    let content: Content
    let footer: Footer?
}

extension Section where Content: View {
    public init(@ViewBuilder content: () -> Content) where Header == EmptyView, Footer == EmptyView {
        self.init(header: nil, content: content(), footer: nil)
    }
    @_disfavoredOverload
    public init<S: StringProtocol>(_ title: S, @ViewBuilder content: () -> Content)
    where Header == Text, Footer == EmptyView {
        self.init(header: Text(title), content: content(), footer: nil)
    }
    public init(@ViewBuilder content: () -> Content, @ViewBuilder footer: () -> Footer)
    where Header == EmptyView, Footer: View {
        self.init(header: nil, content: content(), footer: footer())
    }
    public init(@ViewBuilder content: () -> Content, @ViewBuilder header: () -> Header)
    where Header: View, Footer == EmptyView {
        self.init(header: header(), content: content(), footer: nil)
    }
    public init(
        @ViewBuilder content: () -> Content, @ViewBuilder header: () -> Header, @ViewBuilder footer: () -> Footer
    ) where Header: View, Footer: View {
        self.init(header: header(), content: content(), footer: footer())
    }
}

public struct ForEach<Data: RandomAccessCollection, ID: Hashable, Content: View>: StubView {
    let rows: [Content]
    public init(
        _ data: Data, id: KeyPath<Data.Element, ID>, @ViewBuilder content: @escaping (Data.Element) -> Content
    ) { rows = data.map(content) }
    public init(_ data: Data, @ViewBuilder content: @escaping (Data.Element) -> Content)
    where Data.Element: Identifiable, ID == Data.Element.ID { rows = data.map(content) }
}

public struct GeometryProxy {
    public let size = CGSize(width: 360, height: 120)
}

public struct GeometryReader<Content: View>: StubView {
    let content: Content
    public init(@ViewBuilder content: @escaping (GeometryProxy) -> Content) { self.content = content(GeometryProxy()) }
}

// MARK: Controls

public struct ButtonRole: Sendable, Equatable {
    public static let destructive = ButtonRole()
    public static let cancel = ButtonRole()
}

public struct Button<L: View>: StubView {
    let label: L
    public let action: @MainActor () -> Void
    @preconcurrency public init(action: @escaping @MainActor () -> Void, @ViewBuilder label: () -> L) {
        self.action = action
        self.label = label()
    }
    @preconcurrency
    public init(role: ButtonRole?, action: @escaping @MainActor () -> Void, @ViewBuilder label: () -> L) {
        self.init(action: action, label: label)
    }
}

extension Button where L == Text {
    @_disfavoredOverload @preconcurrency
    public init<S: StringProtocol>(_ title: S, role: ButtonRole? = nil, action: @escaping @MainActor () -> Void) {
        self.init(action: action) { Text(title) }
    }
}

extension Button where L == Label {
    @_disfavoredOverload @preconcurrency
    public init<S: StringProtocol>(
        _ title: S, systemImage: String, role: ButtonRole? = nil, action: @escaping @MainActor () -> Void
    ) { self.init(action: action) { Label(title, systemImage: systemImage) } }
}

public struct Menu<L: View, Content: View>: StubView {
    let label: L
    let content: Content
    public init(@ViewBuilder content: () -> Content, @ViewBuilder label: () -> L) {
        self.label = label()
        self.content = content()
    }
}

extension Menu where L == Text {
    @_disfavoredOverload public init<S: StringProtocol>(_ title: S, @ViewBuilder content: () -> Content) {
        self.init(content: content) { Text(title) }
    }
}

public struct TextField: StubView {
    let title: Text
    @_disfavoredOverload
    public init<S: StringProtocol>(_ title: S, text: Binding<String>, axis: Axis = .horizontal) {
        self.title = Text(title)
    }
}

public struct SecureField: StubView {
    let title: Text
    @_disfavoredOverload public init<S: StringProtocol>(_ title: S, text: Binding<String>) { self.title = Text(title) }
}

public struct Toggle<L: View>: StubView {
    let label: L
    public init(isOn: Binding<Bool>, @ViewBuilder label: () -> L) { self.label = label() }
}

extension Toggle where L == Text {
    @_disfavoredOverload public init<S: StringProtocol>(_ title: S, isOn: Binding<Bool>) { label = Text(title) }
}

public struct Picker<Content: View>: StubView {
    let title: Text
    let content: Content
    @_disfavoredOverload
    public init<S: StringProtocol, V: Hashable>(
        _ title: S, selection: Binding<V>, @ViewBuilder content: () -> Content
    ) {
        self.title = Text(title)
        self.content = content()
    }
}

public struct DatePickerComponents: OptionSet, Sendable {
    public let rawValue: Int
    public init(rawValue: Int) { self.rawValue = rawValue }
    public static let date = DatePickerComponents(rawValue: 1)
    public static let hourAndMinute = DatePickerComponents(rawValue: 2)
}

public struct DatePicker: StubView {
    let title: Text
    @_disfavoredOverload
    public init<S: StringProtocol>(
        _ title: S, selection: Binding<Date>, displayedComponents: DatePickerComponents = [.date, .hourAndMinute]
    ) { self.title = Text(title) }
    @_disfavoredOverload
    public init<S: StringProtocol>(
        _ title: S, selection: Binding<Date>, in range: ClosedRange<Date>,
        displayedComponents: DatePickerComponents = [.date, .hourAndMinute]
    ) { self.title = Text(title) }
}

public struct LabeledContent<L: View, Content: View>: StubView {
    let label: L
    let content: Content
    public init(@ViewBuilder content: () -> Content, @ViewBuilder label: () -> L) {
        self.label = label()
        self.content = content()
    }
}

extension LabeledContent where L == Text, Content == Text {
    @_disfavoredOverload public init<S: StringProtocol, V: StringProtocol>(_ title: S, value: V) {
        self.init(content: { Text(value) }, label: { Text(title) })
    }
}
