import Glibc
import Synchronization

/// A TCP port of loopback that nobody else has while this lives.
package final class LoopbackPort {
    package let number: Int
    private let descriptor: Int32

    /// - Parameters:
    ///   - wanted: 0: any.
    ///   - isListening: takes connections, and says nothing to them.
    package init(_ wanted: Int = 0, isListening: Bool = false) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(wanted).bigEndian
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

private let givenPorts = Mutex<Set<Int>>([])

/// Ports that nobody has, no two of them the same as long as this process lives.
///
/// Not of those that outgoing connections get (from 32,768 on, unless somebody has set that): a load
/// opens thousands of them before a server has its port.
package func freePorts(_ count: Int) throws -> [Int] {
    var ports: [Int] = []
    for _ in 0..<10_000 where ports.count < count {
        let port = Int.random(in: 10_000..<32_768)
        guard givenPorts.withLock({ $0.insert(port).inserted }), (try? LoopbackPort(port)) != nil
        else { continue }
        ports.append(port)
    }
    guard ports.count == count else { throw RedisNode.Failure(description: "no free ports") }
    return ports
}
