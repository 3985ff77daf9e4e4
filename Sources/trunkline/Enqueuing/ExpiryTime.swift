internal import ArgumentParser
internal import Glibc

/// A point in time as people write it: seconds since 1970, or a number with s, m, h or d from now.
struct ExpiryTime: ExpressibleByArgument {
    /// As the `expires` field of an intake entry takes it.
    let field: String

    init?(argument: String) {
        guard let unit = argument.last, !unit.isNumber else {
            guard let seconds = Self.decimal(argument[...]) else { return nil }
            field = String(seconds)
            return
        }
        guard let count = Self.decimal(argument.dropLast()), let seconds = Self.seconds(in: unit)
        else { return nil }
        let (span, overflow) = count.multipliedReportingOverflow(by: seconds)
        guard !overflow, span < 1 << 40 else { return nil }
        field = String(Int64(time(nil)) + span)
    }

    private static func seconds(in unit: Character) -> Int64? {
        switch unit {
        case "s": 1
        case "m": 60
        case "h": 3_600
        case "d": 86_400
        default: nil
        }
    }

    /// Digits only: `Int64` itself would also take a sign.
    private static func decimal(_ text: Substring) -> Int64? {
        text.utf8.allSatisfy { 48...57 ~= $0 } ? Int64(text) : nil
    }
}
