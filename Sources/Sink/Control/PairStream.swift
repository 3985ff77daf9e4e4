import FoundationEssentials
import NIOCore
import NIOHTTP1
import Synchronization

/// Streams the ledger's pairs as NDJSON, a slice at a time, as fast as the client reads.
///
/// The ledger is locked for a slice only, and deliveries on the same loop come in between: reading
/// a million pairs stops nobody. Pairs added meanwhile are read, too.
final class PairStream {
    private static let pairsPerSlice = 200
    private static let looksPerSlice = 20_000

    private let sink: SinkState
    private var cursor: Ledger.Cursor?
    private let finished: () -> Void
    private let encoder: JSONEncoder
    private var isPumping = false

    /// No cursor: no pairs.
    init(sink: SinkState, cursor: Ledger.Cursor?, finished: @escaping () -> Void) {
        self.sink = sink
        self.cursor = cursor
        self.finished = finished
        encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    }

    /// One slice, if the socket takes it; the next one in the loop's next turn.
    func pump(_ context: ChannelHandlerContext) {
        guard !isPumping, context.channel.isActive, context.channel.isWritable else { return }
        guard let lines = nextLines() else { return finished() }
        isPumping = true
        context.writeAndFlush(
            NIOAny(HTTPServerResponsePart.body(.byteBuffer(lines))), promise: nil)
        context.eventLoop.assumeIsolated().execute {
            self.isPumping = false
            self.pump(context)
        }
    }

    private func nextLines() -> ByteBuffer? {
        guard var cursor else { return nil }
        let lines = sink.ledger.withLock {
            $0.read(&cursor, count: Self.pairsPerSlice, looks: Self.looksPerSlice)
        }
        self.cursor = cursor
        guard let lines else { return nil }
        var buffer = ByteBuffer()
        for line in lines {
            if let data = try? encoder.encode(line) { buffer.writeBytes(data) }
            buffer.writeInteger(UInt8(ascii: "\n"))
        }
        return buffer
    }
}
