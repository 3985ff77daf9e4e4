internal import Glibc

/// What this machine must have: certificates to trust, and enough descriptors.
enum MachineChecks {
    /// Where Debian keeps them, and where the workers look.
    static let systemCertificates = "/etc/ssl/certs/ca-certificates.crt"
    /// The system's bundle has about 220 kB.
    private static let certificateByteLimit = 64 << 20

    static func run(caFile: String?) -> [Finding] { [certificates(caFile), descriptors()] }

    private static func certificates(_ caFile: String?) -> Finding {
        let file = caFile ?? systemCertificates
        let mend =
            caFile == nil
            ? "`apt-get install ca-certificates`, or name another file with --ca-file"
            : "name a PEM file of CA certificates with --ca-file"
        do {
            let bytes = try FileInput.bytes(of: file, limit: certificateByteLimit)
            let count = String(decoding: bytes, as: UTF8.self)
                .split(separator: "\n").count { $0.hasPrefix("-----BEGIN CERTIFICATE-----") }
            guard count > 0 else {
                return .problem("certificates", "\(file) holds no certificates", mend: mend)
            }
            return .ok("certificates", "\(count) authorities in \(file)")
        } catch {
            return .problem("certificates", "\(error)", mend: mend)
        }
    }

    private static func descriptors() -> Finding {
        let limit = DescriptorLimit.current
        let message = "up to \(limit.hard) open files and sockets per process"
        let mend =
            "raise it: LimitNOFILE= in the unit of systemd, `ulimit -Hn`, --ulimit of a container"
        if limit.hard < DescriptorLimit.least {
            return .problem("descriptors", message, mend: mend)
        }
        if limit.hard < DescriptorLimit.comfortable {
            return .warning(
                "descriptors", "\(message); a worker with many hosts reconnects more often",
                mend: mend)
        }
        return .ok("descriptors", message)
    }
}
