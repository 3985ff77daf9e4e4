/// Why a command ends without having done its work: a sentence for whoever typed it.
struct CommandFailure: Error, CustomStringConvertible {
    static let failedCode: Int32 = 1
    static let usageCode: Int32 = 2

    let description: String
    let exitCode: Int32

    /// It was asked for rightly, and could not be done.
    static func failed(_ sentence: String) -> CommandFailure {
        CommandFailure(description: sentence, exitCode: failedCode)
    }

    /// It was asked for in a way that can't work.
    static func usage(_ sentence: String) -> CommandFailure {
        CommandFailure(description: sentence, exitCode: usageCode)
    }
}
