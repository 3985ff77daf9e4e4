import DeliveryCore
import Glibc
import HTTPSignatures

@testable import RedisQueue
@testable import Transport

/// Inbox URLs of strangers, and addresses that an operator writes.
extension Decoder {
    static let urls = [
        Decoder(name: "inbox-url") { bytes in
            guard let parsed = try? InboxURL.parse(text(bytes)) else { return }
            try promise((try? InboxURL.parse(parsed.url)) == parsed, "not stable: \(parsed)")
            try promise(
                parsed.url == "\(parsed.scheme)://\(parsed.authority)\(parsed.requestTarget)",
                "\(parsed)")
            try promise(parsed.url.utf8.count <= InboxURL.lengthLimit, "\(parsed)")
            try promise(parsed.url.utf8.allSatisfy { 0x21...0x7E ~= $0 }, "\(parsed)")
            try checkSigned(parsed)
            try checkDestination(parsed)
        },
        Decoder(name: "inbox-target") { bytes in
            guard let target = try? InboxTarget(url: text(bytes)) else { return }
            try promise((try? InboxTarget(url: text(target.uri))) == target, text(target.uri))
            try promise(target.requestTarget.first == UInt8(ascii: "/"), text(target.uri))
        },
        Decoder(name: "network-address") { bytes in
            let text = text(bytes)
            // C ends a string at the first zero.
            guard !bytes.contains(0) else { return }
            if let range = AddressRange(text), let address = NetworkAddress(text) {
                try promise(range.contains(address), text)
            }
            var binary = in_addr()
            // inet_aton(3) also takes an address with anything after a blank.
            guard !text.contains(where: \.isWhitespace), inet_aton(text, &binary) != 0 else {
                return
            }
            let address = NetworkAddress(version4: UInt32(bigEndian: binary.s_addr))
            try promise(NetworkAddress(text) == address, "a literal taken for a name: \(text)")
        },
        Decoder(name: "redis-endpoint") { bytes in
            do {
                let endpoint = try RedisEndpoint(text(bytes))
                let shown = try RedisEndpoint(endpoint.description)
                try promise(
                    shown.place == endpoint.place && shown.database == endpoint.database,
                    "\(endpoint) is shown as \(shown)")
            } catch let error as RedisEndpointError {
                try promise(!error.mend.isEmpty, "\(error)")
            }
        },
        Decoder(name: "redis-password") { bytes in
            let odd = text(bytes)
            for scheme in ["redis", "redis+unix", "redis+sentinel", "redis+cluster"] {
                // The end of the password, and a path that begins there.
                if scheme == "redis+unix", odd.contains("@/") { continue }
                for password in ["hunter2\(odd)", "\(odd)hunter2"] {
                    let place = scheme == "redis+unix" ? "/run/redis.sock" : "h:1/m"
                    let url = "\(scheme)://ann:\(password)@\(place)"
                    let said: String
                    do { said = try RedisEndpoint(url).description } catch { said = "\(error)" }
                    try promise(!said.contains("hunter2"), "\(url) is shown: \(said)")
                }
            }
        },
    ]

    /// What is signed is what is sent.
    private static func checkSigned(_ parsed: InboxURL) throws {
        guard let target = try? InboxTarget(url: parsed.url) else {
            throw BrokenPromise(description: "cannot be signed: \(parsed)")
        }
        try promise(
            target.authority == Array(parsed.authority.utf8)
                && target.requestTarget == Array(parsed.requestTarget.utf8)
                && target.scheme.rawValue == parsed.scheme, "signed as \(target): \(parsed)")
    }

    private static func checkDestination(_ parsed: InboxURL) throws {
        var table = DestinationTable()
        guard
            let destination = table.destination(url: parsed.url, authority: parsed.authority)
        else {
            throw BrokenPromise(description: "cannot be sent: \(parsed)")
        }
        // The guard must know each address that would be connected to without a look-up.
        var binary = in_addr()
        if inet_aton(destination.name, &binary) != 0 {
            let address = NetworkAddress(version4: UInt32(bigEndian: binary.s_addr))
            try promise(
                destination.isLiteral && NetworkAddress(destination.name) == address, "\(parsed)")
        }
    }
}
