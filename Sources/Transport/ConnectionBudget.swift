/// What the connections take that are open without being used, against what they may take.
///
/// libcurl has a limit of connections for each multi handle and closes the oldest idle one there.
/// Hosts are spread over the handles by hash, so limits of their own would have one handle close
/// what it needs while others have room. So they have one budget: when it is used up, the handle
/// whose transfer ends next closes its oldest. With hundreds in each that is about the oldest of all.

struct ConnectionBudget {
    /// Measured (benchmarks/README.md, reconnect): OpenSSL's state and libcurl's, for HTTP/1.1.
    static let secureBytes = 55_000
    static let plainBytes = 4_000
    /// The same and nghttp2's state (benchmarks/README.md, http2).
    static let sharedBytes = 90_000

    /// What a connection is opened for.
    enum Kind {
        case plain, secure
        /// By streams of HTTP/2.
        case shared

        var bytes: Int {
            switch self {
            case .plain: plainBytes
            case .secure: secureBytes
            case .shared: sharedBytes
            }
        }
    }

    /// For the idle ones.
    private let byteLimit: Int
    /// For all: the process has no more descriptors to spare.
    private let openLimit: Int
    /// By descriptor; 0 is closed.
    private var sizes: [UInt32] = []
    private var openBytes = 0
    private(set) var open = 0
    /// Of transfers under way, each of which has one connection, or will; streams that share one
    /// count once.
    private var busy = (count: 0, bytes: 0)

    init(byteLimit: Int, openLimit: Int) {
        self.byteLimit = byteLimit
        self.openLimit = openLimit
    }

    var idle: Int { max(0, open - busy.count) }
    var idleBytes: Int { max(0, openBytes - busy.bytes) }

    /// A number that is open already was closed without a word (see `SocketTable.open`).
    mutating func opened(_ descriptor: Int32, _ kind: Kind) {
        closed(descriptor)
        while descriptor >= sizes.count { sizes.append(0) }
        sizes[Int(descriptor)] = UInt32(kind.bytes)
        openBytes += kind.bytes
        open += 1
    }

    mutating func closed(_ descriptor: Int32) {
        guard descriptor < sizes.count, sizes[Int(descriptor)] > 0 else { return }
        openBytes -= Int(sizes[Int(descriptor)])
        open -= 1
        sizes[Int(descriptor)] = 0
    }

    mutating func began(_ kind: Kind) {
        busy.count += 1
        busy.bytes += kind.bytes
    }

    mutating func ended(_ kind: Kind) {
        busy.count -= 1
        busy.bytes -= kind.bytes
    }

    /// Whether an idle connection has to go when this one is idle, too.
    func isUsedUp(returning descriptor: Int32) -> Bool {
        guard descriptor >= 0, descriptor < sizes.count else { return false }
        return isUsedUp(returning: Int(sizes[Int(descriptor)]))
    }

    /// The same for one that takes so many bytes.
    func isUsedUp(returning bytes: Int) -> Bool {
        idleBytes + bytes > byteLimit || open > openLimit
    }
}
