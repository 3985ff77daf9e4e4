/// Where the servers' programs are.

internal import Glibc

/// A program in PATH, or in the directories that an ordinary user's PATH lacks.
func findProgram(
    _ name: String, package: String, before directories: [String] = []
) throws(EmbeddedServiceError) -> String {
    let path = getenv("PATH").map { String(cString: $0) } ?? ""
    let searched =
        directories + path.split(separator: ":").map(String.init) + ["/usr/bin", "/usr/sbin"]
    for directory in searched where directory.hasPrefix("/") {
        let file = "\(directory)/\(name)"
        if access(file, X_OK) == 0 { return file }
    }
    throw .missingProgram(name, package: package)
}

/// Debian's directories of PostgreSQL programs, the newest version first.
func debianPostgresDirectories() -> [String] {
    var found = glob_t()
    defer { globfree(&found) }
    guard glob("/usr/lib/postgresql/*/bin", 0, nil, &found) == 0 else { return [] }
    func version(_ path: String) -> Int {
        path.split(separator: "/").dropLast().last.flatMap { Int($0) } ?? 0
    }
    return (0..<Int(found.gl_pathc))
        .compactMap { found.gl_pathv[$0].map { String(cString: $0) } }
        .sorted { version($0) > version($1) }
}
