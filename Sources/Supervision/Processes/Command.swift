/// What a child process is started with.
package struct Command: Sendable {
    package enum Input: Equatable, Sendable {
        /// /dev/null.
        case empty
        /// One end of a socket pair whose other end the parent holds until `closeLifeline` or its
        /// own death, however sudden: end of file tells the child that it is on its own.
        case lifeline
        /// These bytes, then end of file. At most 4,096: they wait in a pipe (PIPE_BUF).
        case text(String)
    }

    package enum Output: Equatable, Sendable {
        case inherited
        /// Standard output and standard error, appended to this file.
        case appended(to: String)
    }

    /// Absolute: nothing is looked up in PATH between fork and exec.
    package var path: String
    /// What the program is told to be its name (`argv[0]`); nil: `path`.
    package var name: String?
    package var arguments: [String]
    /// nil: the parent's.
    package var environment: [String: String]?
    package var workingDirectory: String?
    package var input: Input
    package var output: Output
    /// Descriptors of the parent that the child finds as 3, 4, ... in this order. It inherits no
    /// others, whether or not they are marked close-on-exec.
    package var inherited: [Int32]

    package init(
        path: String, name: String? = nil, arguments: [String] = [],
        environment: [String: String]? = nil, workingDirectory: String? = nil,
        input: Input = .empty, output: Output = .inherited,
        inherited: [Int32] = []
    ) {
        self.path = path
        self.name = name
        self.arguments = arguments
        self.environment = environment
        self.workingDirectory = workingDirectory
        self.input = input
        self.output = output
        self.inherited = inherited
    }

    /// The number under which a child finds the first of `inherited`.
    package static let firstInherited: Int32 = 3
}
