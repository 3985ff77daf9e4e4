/// hiredis 0.14 writes with write(2) and has no way to do so without the signal.

internal import Glibc

/// Makes the process ignore SIGPIPE: a write to a closed connection answers EPIPE instead.
func ignoreBrokenPipes() { _ = ignored }

private let ignored: Void = { _ = signal(SIGPIPE, SIG_IGN) }()
