internal import ArgumentParser
internal import Glibc

/// A point in time as people write it: seconds since 1970, or a number with s, m, h or d from now.
struct ExpiryTime: ExpressibleByArgument {
    /// As the `expires` field of an intake entry takes it.
    let field: String

    init?(argument: String) {
        guard let unit = argument.last, !unit.isNumber else {
            guard let seconds = TimeSpan.decimal(argument[...]) else { return nil }
            field = String(seconds)
            return
        }
        guard let span = TimeSpan.seconds(in: argument[...]), span < 1 << 40 else { return nil }
        field = String(Int64(time(nil)) + span)
    }
}
