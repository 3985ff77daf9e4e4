internal import ArgumentParser
internal import SigningKeys

/// What signs RSA beside libcrypto, as `--crypto-mb` takes it.
enum SigningLibrary: ExpressibleByArgument, Equatable {
    case automatic
    case off
    /// A path, or a name that the dynamic linker finds.
    case library(String)

    init?(argument: String) {
        switch argument {
        case "": return nil
        case "auto": self = .automatic
        case "off": self = .off
        default: self = .library(argument)
        }
    }

    /// As a worker is told it.
    var argument: String {
        switch self {
        case .automatic: "auto"
        case .off: "off"
        case .library(let name): name
        }
    }

    var defaultValueDescription: String { argument }

    /// nil: libcrypto signs.
    var name: String? {
        switch self {
        case .automatic: MultiBufferSigner.standardName
        case .off: nil
        case .library(let name): name
        }
    }

    /// What signs here, after a trial.
    struct Finding {
        var library: SigningLibrary
        var message: String
        /// The library was asked for, and cannot be had.
        var isRefused = false
    }

    /// Has the library sign: 0.1 s.
    func tried() -> Finding {
        guard let name else { return Finding(library: .off, message: Self.alone) }
        do throws(MultiBufferRefusal) {
            let signer = try MultiBufferSigner(library: name)
            let costs = signer.cost.map {
                ": \(Self.microseconds($0.multiBuffer)) us each, \(Self.microseconds($0.libcrypto)) "
                    + "by libcrypto"
            }
            return Finding(
                library: .library(name),
                message: "RSA signatures are made eight at a time by \(name)\(costs ?? "")")
        } catch {
            return Finding(
                library: .off, message: "\(Self.alone), not by \(name.printable): \(error)",
                isRefused: self != .automatic)
        }
    }

    private static let alone = "RSA signatures are made one at a time by libcrypto"

    private static func microseconds(_ duration: Duration) -> Int {
        Int(duration / .microseconds(1))
    }
}
