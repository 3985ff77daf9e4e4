internal import Transport

/// What this machine must have: certificates to trust, and enough descriptors.
enum MachineChecks {
    static func run(caFile: String?, cryptoMb: SigningLibrary) -> [Finding] {
        [certificates(caFile), descriptors(), signatures(cryptoMb)]
    }

    private static func signatures(_ library: SigningLibrary) -> Finding {
        let tried = library.tried()
        guard tried.isRefused else { return .ok("signatures", tried.message) }
        return .warning(
            "signatures", tried.message,
            mend: "`deploy/crypto-mb` makes the library; or leave --crypto-mb out")
    }

    private static func certificates(_ caFile: String?) -> Finding {
        let file = caFile ?? Authorities.systemFile
        let mend =
            caFile == nil
            ? "`apt-get install ca-certificates`, or name another file with --ca-file"
            : "name a PEM file of CA certificates with --ca-file"
        do throws(UnusableAuthorities) {
            return .ok(
                "certificates",
                "\(try Authorities.count(in: file)) authorities in \(file), "
                    + (caFile == nil ? "without --ca-file" : "as --ca-file says")
                    + " here; a pool has what `run` was given")
        } catch {
            return .problem("certificates", "\(error)", mend: mend)
        }
    }

    private static func descriptors() -> Finding {
        let limit = DescriptorLimit.current
        let message =
            "up to \(limit.hard) open files and sockets for a process that this shell starts"

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
