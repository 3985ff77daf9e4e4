/// Which node a command is for: its first key decides, for what one command touches stands in one
/// slot. Looked at in a cluster only, so that commands carry nothing for it elsewhere.

extension RedisCommand {
    /// nil: any node may answer.
    var slot: Slot? { clusterKey.map { Slot(key: $0) } }

    private var clusterKey: ArraySlice<UInt8>? {
        guard let name = self[0].map({ String(decoding: $0, as: UTF8.self) }) else { return nil }
        switch name.uppercased() {
        case "EVAL", "EVALSHA":
            return self[2].map(Array.init) == [UInt8(ascii: "0")] ? nil : self[3]
        case "XREAD", "XREADGROUP": return place(of: "STREAMS").flatMap { self[$0 + 1] }
        case "XGROUP", "XINFO", "OBJECT", "MEMORY": return self[2]
        case "ASKING", "CLIENT", "CLUSTER", "CONFIG", "DBSIZE", "FLUSHALL", "INFO", "KEYS", "PING",
            "PUBLISH", "ROLE", "SCAN", "SCRIPT", "TIME", "WAIT":
            return nil
        default: return self[1]
        }
    }

    /// The same read, without waiting at the server.
    var withoutBlocking: RedisCommand {
        guard let block = place(of: "BLOCK") else { return self }
        var words: [[UInt8]] = []
        for index in 0..<count where index != block && index != block + 1 {
            words.append(self[index].map(Array.init) ?? [])
        }
        return RedisCommand(words: words)
    }

    private func place(of word: String) -> Int? {
        (0..<count).first { self[$0]?.elementsEqual(word.utf8) == true }
    }
}
