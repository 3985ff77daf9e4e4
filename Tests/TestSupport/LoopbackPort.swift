import Glibc

/// A TCP port of loopback that nobody else has while this lives.
package final class LoopbackPort {
    package let number: Int
    private let descriptor: Int32

    /// - Parameter isListening: takes connections, and says nothing to them.
    package init(isListening: Bool = false) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) { [descriptor] address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) | (isListening ? listen(descriptor, 16) : 0)
                    | getsockname(descriptor, $0, &size)
            }
        }
        number = Int(UInt16(bigEndian: address.sin_port))
        guard status == 0 else { throw RedisNode.Failure(description: "bind: \(errno)") }
    }

    deinit { close(descriptor) }
}

/// Ports that nobody listens on: taken all at once, so that no two are the same, and given back.
package func freePorts(_ count: Int) throws -> [Int] {
    let ports = try (0..<count).map { _ in try LoopbackPort() }
    return withExtendedLifetime(ports) { ports.map(\.number) }
}
