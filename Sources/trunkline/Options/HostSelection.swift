internal import ArgumentParser
internal import DeliveryCore
internal import HTTPSignatures
internal import PostgresStore

/// Remote hosts on a command line.
struct HostNames: ParsableArguments {
    @Argument(help: ArgumentHelp("Hosts, or URLs there.", valueName: "host"))
    var hosts: [String] = []

    /// As `trunkline.host.name` holds them.
    var authorities: [String] { hosts.map { authority(of: $0) ?? $0 } }

    /// What a control of them is about.
    func subjects(orAll all: Bool = false) -> [ControlSubject] {
        all ? [.host(nil)] : authorities.map { .host($0) }
    }

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

    var subjects: [ControlSubject] { names.subjects(orAll: all) }

    func validate() throws {
        if all == names.hosts.isEmpty { return }
        throw ValidationError("Name the hosts, or give --all\(all ? ", not both" : "").")
    }
}

/// What can be paused: hosts by name, all of them, lanes, or senders.
struct PauseSelection: ParsableArguments {
    @OptionGroup var names: HostNames

    @Flag(help: "All hosts, also those that are not known yet.")
    var all = false

    @Option(
        help: ArgumentHelp(
            "A lane: urgent, normal, bulk or backfill. May be given several times.",
            valueName: "lane"))
    var lane: [LaneName] = []

    @Option(
        help: ArgumentHelp(
            "A sender, by the keyId that its activities are signed with. May be given several times.",
            valueName: "key-id"))
    var sender: [String] = []

    var subjects: [ControlSubject] {
        names.subjects(orAll: all)
            + lane.map { .lane($0.lane) } + sender.map { .sender($0) }
    }

    func validate() throws {
        let kinds = [all, !names.hosts.isEmpty, !lane.isEmpty, !sender.isEmpty]
        guard kinds.contains(true) else {
            throw ValidationError("Name the hosts, or give --all, --lane or --sender.")
        }
        guard kinds.count(where: { $0 }) == 1 else {
            throw ValidationError("Name hosts, or give --all, --lane or --sender: one, not both.")
        }
        for keyID in sender {
            do throws(KeyID.Flaw) {
                _ = try KeyID(keyID)
            } catch {
                throw ValidationError("--sender '\(keyID.printable)' \(error.advice).")
            }
        }
    }
}

/// A lane of any kind.
struct LaneName: ExpressibleByArgument {
    let lane: Lane

    init?(argument: String) {
        guard let lane = Lane(name: argument) else { return nil }
        self.lane = lane
    }

    static var allValueStrings: [String] { Lane.allCases.map(\.name) }
}

func title(of subjects: [ControlSubject]) -> String {
    subjects.map(\.title).joined(separator: ", ")
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
