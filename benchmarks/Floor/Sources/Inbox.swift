internal import Glibc

/// One line of the prepared list, with what can be known of its requests beforehand.
struct Inbox {
    /// NUL-terminated, for as long as the process lives.
    let url: UnsafeMutablePointer<CChar>
    /// Which multi handle has its host.
    let shard: Int
    /// What is signed, up to the date.
    let signedStart: [UInt8]

    init(url: String, shards: Int) {
        guard let scheme = url.range(of: "://"),
            let path = url[scheme.upperBound...].firstIndex(of: "/"), let copy = strdup(url)
        else { stop("no inbox URL: \(url)") }
        let authority = url[scheme.upperBound..<path]
        self.url = copy
        // FNV-1a: evenly, and the same in every run.
        let hash = authority.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) {
            ($0 ^ UInt64($1)) &* 0x100_0000_01B3
        }
        shard = Int(hash % UInt64(shards))
        signedStart = Array(
            "(request-target): post \(url[path...])\nhost: \(authority)\ndate: ".utf8)
    }
}

/// The `Date` of this second, written once.
struct DateLine {
    private(set) var text: [UInt8] = []
    private var second: time_t = 0

    mutating func refresh() {
        var now = time(nil)
        guard now != second else { return }
        second = now
        var fields = tm()
        gmtime_r(&now, &fields)
        var buffer = [CChar](repeating: 0, count: 40)
        let count = strftime(&buffer, buffer.count, "%a, %d %b %Y %H:%M:%S GMT", &fields)
        text = buffer.prefix(count).map { UInt8(bitPattern: $0) }
    }
}

extension String {
    /// Foundation's, for which one would link it.
    fileprivate func range(of part: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(part) {
                return start..<index(start, offsetBy: part.count)
            }
            start = index(after: start)
        }
        return nil
    }
}
