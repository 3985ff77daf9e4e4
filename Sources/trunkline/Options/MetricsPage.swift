internal import ArgumentParser
internal import Bench

/// Where a pool serves its metrics, as `--metrics` takes it.
struct MetricsPage: ExpressibleByArgument, CustomStringConvertible, Sendable {
    let server: PlainHTTP
    private var path = "/metrics"

    init(server: PlainHTTP) { self.server = server }

    init?(argument: String) {
        let scheme = "http://"
        guard argument.hasPrefix(scheme) else { return nil }
        let rest = argument.dropFirst(scheme.count)
        let authority = String(rest.prefix { $0 != "/" })
        guard case .listen(let host, let port)? = try? AdminAddress(words: authority) else {
            return nil
        }
        server = PlainHTTP(host: host, port: port)
        if authority.count < rest.count { path = String(rest.dropFirst(authority.count)) }
    }

    var description: String { "http://\(server.authority)\(path)" }

    func read() throws -> MetricsText {
        MetricsText(String(decoding: try server.get(path), as: UTF8.self))
    }
}
