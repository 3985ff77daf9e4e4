import NIOCore
import NIOHTTP1

@testable import Sink

/// What anybody may POST to a sink that listens for an experiment.
extension Decoder {
    static let sink = [
        Decoder(name: "sink-request") { bytes in
            let parts = pieces(bytes).map(text)
            var headers = HTTPHeaders([
                ("Content-Length", "2"), ("User-Agent", "x"), ("Host", "h1.fedi.localhost"),
                ("Content-Type", "application/activity+json"),
            ])
            // NIO's parser lets no other name through, and its headers take no other.
            for index in stride(from: 0, to: parts.count - 1, by: 2)
            where parts[index].utf8.allSatisfy({ 0x21...0x7E ~= $0 }) {
                headers.add(name: parts[index], value: parts[index + 1])
            }
            let request = ReceivedRequest(
                origin: Origin(scheme: .https, port: 443), target: "/inbox?x=1", headers: headers,
                body: ByteBuffer(string: "{}"), arrivedMilliseconds: 1_788_339_907_000)
            let keys = try KeyRing(directory: nil, log: SinkLog(format: .text))
            do throws(Refusal) {
                try RequestVerifier(keys: keys).verify(request)
            } catch {
                return try promise(!error.words.isEmpty, "\(error)")
            }
            throw BrokenPromise(description: "believed without any key")
        },
        Decoder(name: "sink-activity") { bytes in
            let scan = bytes.withUnsafeBytes { ActivityScan($0) }
            guard let scan else { return }
            // U+FFFD, three bytes, may stand for each byte.
            let limit = 3 * ActivityScan.maximumTextBytes
            let isBounded = [scan.id, scan.type, scan.object].allSatisfy {
                $0.utf8.count <= min(limit, 3 * bytes.count)
            }
            try promise(isBounded && !scan.id.isEmpty, "\(scan)")
        },
    ]
}
