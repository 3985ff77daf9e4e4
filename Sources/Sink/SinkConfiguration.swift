/// What `trunkline sink` is started with.
package struct SinkConfiguration: Sendable {
    /// Holds `ca.pem`, `server.pem` and `server-key.pem`; made when missing.
    package var stateDirectory: String
    /// 0: any free port, printed by the line `ready`.
    package var httpsPort: Int
    package var httpPort: Int
    /// Numeric addresses; the first one decides free ports, the others listen on the same.
    package var addresses: [String]
    package var threads: Int
    /// Nil: 202 for all, until `PUT /.sink/rules`.
    package var rulesFile: String?
    /// Where the senders' public keys are; nil: every key is unknown.
    package var actorsDirectory: String?
    /// Off: requests are taken whatever their signature.
    package var verifies: Bool
    /// Offers HTTP/2 over TLS, beside HTTP/1.1.
    package var offersHTTP2: Bool
    /// Written at the end, whole or not at all.
    package var reportFile: String?
    package var logFormat: SinkLog.Format

    package init(
        stateDirectory: String, httpsPort: Int = 0, httpPort: Int = 0,
        addresses: [String] = ["127.0.0.1"], threads: Int = 1, rulesFile: String? = nil,
        actorsDirectory: String? = nil, verifies: Bool = true, offersHTTP2: Bool = true,
        reportFile: String? = nil,
        logFormat: SinkLog.Format = .text
    ) {
        self.stateDirectory = stateDirectory
        self.httpsPort = httpsPort
        self.httpPort = httpPort
        self.addresses = addresses
        self.threads = threads
        self.rulesFile = rulesFile
        self.actorsDirectory = actorsDirectory
        self.verifies = verifies
        self.offersHTTP2 = offersHTTP2
        self.reportFile = reportFile
        self.logFormat = logFormat
    }
}

/// The ports the sink listens on.
package struct SinkPorts: Equatable, Sendable {
    package let https: Int
    package let http: Int
}
