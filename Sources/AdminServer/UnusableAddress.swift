internal import Glibc
internal import NIOCore

/// Why an address cannot be listened on: what follows its name in a sentence.
package struct UnusableAddress: Error, Equatable, CustomStringConvertible {
    package let description: String

    /// nil: it is something else that failed.
    init?(_ error: any Error) {
        if error is SocketAddressError.UnknownHost {
            description = "is not found"
            return
        }
        switch (error as? IOError)?.errnoCode {
        case EADDRINUSE: description = "is taken by another program"
        case EADDRNOTAVAIL: description = "is no address of this machine"
        case EACCES: description = "may not be taken by this user"
        default: return nil
        }
    }
}
