internal import ArgumentParser
internal import Transport

/// As `--http2` takes it.
extension HTTP2Use: ExpressibleByArgument {}
