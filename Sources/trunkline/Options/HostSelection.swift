internal import ArgumentParser
internal import HTTPSignatures

/// Remote hosts on a command line.
struct HostNames: ParsableArguments {
    @Argument(help: ArgumentHelp("Hosts, or URLs there.", valueName: "host"))
    var hosts: [String] = []

    /// As `trunkline.host.name` holds them.
    var authorities: [String] { hosts.map { authority(of: $0) ?? $0 } }

    /// For a command that does nothing without one.
    func requireSome() throws {
        if hosts.isEmpty { throw ValidationError("Name the hosts.") }
    }

    func validate() throws {
        for host in hosts where authority(of: host) == nil { throw noHost(host) }
    }
}

/// Hosts by name, or all of them.
struct HostSelection: ParsableArguments {
    @OptionGroup var names: HostNames

    @Flag(help: "All hosts, also those that are not known yet.")
    var all = false

    /// nil stands for all.
    var subjects: [String?] { all ? [nil] : names.authorities }

    func validate() throws {
        if all == names.hosts.isEmpty { return }
        throw ValidationError("Name the hosts, or give --all\(all ? ", not both" : "").")
    }
}

/// Subjects of a control, for people; nil stands for all hosts.
func title(of subjects: [String?]) -> String {
    subjects.map { $0 ?? "all hosts" }.joined(separator: ", ")
}

/// What is wrong with words for which there is no ``authority(of:)``.
func noHost(_ words: String) -> ValidationError {
    ValidationError(
        "'\(words.printable)' is no host: give a name like remote.example, with its port if that "
            + "is not 443, or a URL there.")
}

/// Of a host, or of a URL there: lower case, without https' own port. nil: it is neither.
func authority(of host: String) -> String? {
    let url = host.contains("://") ? host : "https://\(host)/"
    let target = try? InboxTarget(url: url)
    return target.map { String(decoding: $0.authority, as: UTF8.self) }
}
