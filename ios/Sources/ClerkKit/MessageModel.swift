import ClerkFFI
import Observation

/// A message from a template, to one or many, each through the gate.
@MainActor @Observable
public final class MessageModel {
    /// Whom it is for.
    public enum To: Hashable, Sendable {
        case members([String])
        /// The member of a task, which is done by the message.
        case task(String)
    }

    /// To whom; none until that is known.
    public private(set) var memberIds: [String] = []
    /// The templates; none until they were read.
    public private(set) var templates: [TemplateRow]?
    /// Which one was chosen.
    public private(set) var chosen: TemplateRow?
    /// How it would be for the first ones, and whether it may be; none while nothing is chosen.
    public private(set) var previews: MessagePreviews?
    /// What became of it: to hand over, put off, refused with the reason.
    public private(set) var result: MessageResult?
    /// What became of each that was handed over, by its key.
    public private(set) var handed: [String: SendState] = [:]
    /// Keys of those that another app has now: only the clerk knows whether they were sent.
    public private(set) var opened: Set<String> = []
    /// The message that is on the clipboard, for the clerk to paste where the other app is open now.
    public private(set) var copied: String?
    /// A step is under way.
    public private(set) var busy = false
    /// Why it did not get on.
    public private(set) var failure: Failure?

    @ObservationIgnored private let core: ClerkCore
    @ObservationIgnored private let to: To

    public init(core: ClerkCore, to: To) {
        self.core = core
        self.to = to
        if case .members(let ids) = to { memberIds = ids }
    }

    /// Reads the templates.
    public func begin() async {
        await step {
            if case .task(let id) = to {
                memberIds = [try await core.call { try $0.task(taskId: id).task.memberId }]
            }
            templates = try await core.call { try $0.templates(channel: nil) }
        }
    }

    /// Chooses a template and shows how it would be.
    public func choose(_ template: TemplateRow) async {
        await step {
            let (ids, templateId) = (memberIds, template.templateId)
            previews = try await core.call { try $0.previewMessages(memberIds: ids, templateId: templateId) }
            chosen = template
        }
    }

    /// Asks the gate for each, and stores what is to be handed over.
    public func send() async {
        await step {
            guard let templateId = chosen?.templateId else { return }
            result = try await core.call { [to] app in
                switch to {
                case .task(let id): try app.messageTask(taskId: id, templateId: templateId)
                case .members(let ids): try app.message(memberIds: ids, templateId: templateId)
                }
            }
        }
    }

    /// Hands out what was put off until now, through the gate once more.
    public func release() async {
        await step { result = try await core.call { try $0.dueMessages() } }
    }

    /// Hands one out again of which nobody said what became, through the gate once more: a text at once, for a chat the
    /// clerk chooses which.
    public func handAgain(_ key: String, by device: any Device) async {
        var again: MessageOut?
        await step {
            let out = try await core.call { try $0.handAgain(key: key) }
            handed[key] = nil
            opened.remove(key)
            result = MessageResult(
                ready: [out] + (result?.ready.filter { $0.key != key } ?? []), deferred: result?.deferred ?? [],
                refused: result?.refused ?? [], reasons: result?.reasons ?? [])
            again = out
        }
        if let again, again.channel == .sms { await hand(again, by: device) }
    }

    /// Hands a message to Messages, WeChat or WeCom, and tells the core what became of it. One that is only open in
    /// another app is not sent yet.
    public func hand(_ out: MessageOut, to target: ShareTarget? = nil, by device: any Device) async {
        await step {
            switch await give(out, to: target, by: device) {
            case .done: try await tell(out, .sent)
            case .opened: opened.insert(out.key)
            // Turned down is not failed: it can be sent later.
            case .cancelled: break
            case .notPossible: try await tell(out, .noApp)
            case .failed: try await tell(out, .failed(reason: "composer"))
            }
        }
    }

    /// The clerk says whether a message was sent that another app had.
    public func told(_ out: MessageOut, sent: Bool) async {
        await step {
            try await tell(out, sent ? .sent : .notSent)
            if copied == out.key { copied = nil }
        }
    }

    /// Messages says whether it sent a text; a chat does not.
    private func give(_ out: MessageOut, to target: ShareTarget?, by device: any Device) async -> Handed {
        guard let target else {
            guard let number = out.number else { return .notPossible }
            return await device.sms([number], text: out.text)
        }
        let shared = await device.share(target, text: out.text)
        copied = shared == .taken ? nil : out.key
        return shared == .noApp ? .notPossible : .opened
    }

    private func tell(_ out: MessageOut, _ told: Told) async throws {
        handed[out.key] = try await core.call { try $0.messageTold(key: out.key, told: told) }
        opened.remove(out.key)
    }

    /// The texts that are not handed over yet.
    public var left: [MessageOut] {
        result?.ready.filter { $0.channel == .sms && handed[$0.key] != .sent && !opened.contains($0.key) } ?? []
    }

    /// Hands over the texts that are left, one after the other, until one is turned down or fails.
    public func handEach(by device: any Device) async {
        for out in left {
            await hand(out, by: device)
            guard handed[out.key] == .sent, failure == nil else { return }
        }
    }

    private func step(_ work: @MainActor () async throws -> Void) async {
        guard !busy else { return }
        busy = true
        failure = await Failure.of(work)
        busy = false
    }
}
