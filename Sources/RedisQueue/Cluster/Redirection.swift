/// What a node of a cluster says instead of an answer: the command has not been performed.
enum Redirection: Equatable {
    /// The slot is another's, for good.
    case moved(Slot, to: ServerAddress)
    /// This key has gone ahead of its slot: ask there, once, after ASKING.
    case ask(ServerAddress)
    /// Some of the keys have gone ahead, some not: soon they are together again.
    case tryAgain
    /// The cluster serves nothing, or not this slot.
    case down(String)

    /// - Parameter asked: who said it.
    init?(_ failure: RedisFailure, asked: ServerAddress) {
        guard case .refused(let text) = failure else { return nil }
        let words = text.split(separator: " ", maxSplits: 2)
        switch words.first {
        case "MOVED":
            guard let (slot, address) = Self.place(words, asked) else { return nil }
            self = .moved(slot, to: address)
        case "ASK":
            guard let (_, address) = Self.place(words, asked) else { return nil }
            self = .ask(address)
        case "TRYAGAIN": self = .tryAgain
        case "CLUSTERDOWN": self = .down(text)
        default: return nil
        }
    }

    /// `3999 127.0.0.1:6381`; the host may be missing, and an IPv6 one has no brackets.
    private static func place(
        _ words: [Substring], _ asked: ServerAddress
    ) -> (Slot, ServerAddress)? {
        guard words.count == 3, let slot = Int(words[1]).flatMap({ Slot(number: $0) }),
            let colon = words[2].lastIndex(of: ":"),
            let port = Int(words[2][words[2].index(after: colon)...])
        else { return nil }
        return (slot, asked.neighbour(host: String(words[2][..<colon]), port: port))
    }
}
