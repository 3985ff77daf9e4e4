import Foundation
import TestSupport
import Testing

/// `deploy/packages` against a pretend apt: what a fresh machine has during its run, and after.
@Suite struct PackagesTests {
    private let root: URL

    init() throws {
        root = URL(filePath: "/tmp/trunkline-packages-\(UInt64.random(in: 0 ... .max))")
        for folder in ["bin", "usr/sbin", "usr/share/postgresql-common"] {
            try FileManager.default.createDirectory(
                at: root.appending(path: folder), withIntermediateDirectories: true)
        }
    }

    private var policy: URL { root.appending(path: "usr/sbin/policy-rc.d") }
    private var clusters: URL { root.appending(path: "etc/postgresql-common/createcluster.conf") }
    private var template: URL {
        root.appending(path: "usr/share/postgresql-common/createcluster.conf")
    }

    private func text(_ file: URL) -> String? { try? String(contentsOf: file, encoding: .utf8) }

    private func program(_ name: String, _ script: String) throws {
        let file = root.appending(path: "bin/\(name)")
        try "#!/bin/bash\n\(script)\n".write(to: file, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o755], ofItemAtPath: file.path)
    }

    /// Runs the script; the pretend apt copies what it finds, installs a template, and ends so.
    private func run(installed: String, aptEndsWith code: Int) throws -> (code: Int32, said: String)
    {
        try program(
            "dpkg-query",
            "for name; do :; done; case $name in \(installed)) echo install ok installed;; *) exit 1;; esac"
        )
        try program(
            "apt-get",
            """
            [ "$1" = install ] || exit 0
            cp '\(policy.path)' '\(root.path)/seen-policy'
            cp '\(clusters.path)' '\(root.path)/seen-clusters'
            echo '# the defaults' > '\(template.path)'
            exit \(code)
            """)
        try program("id", "echo 0")
        try program("swift", ":")
        let result = try Program.run(
            ["/bin/bash", SourceTree.top.appending(path: "deploy/packages").path],
            environment: [
                "PATH": "\(root.path)/bin:/usr/bin:/bin", "PACKAGES_ROOT": root.path,
            ])
        return (result.code, result.text)
    }

    @Test(arguments: [0, 100])
    func `a fresh machine gets no service and no cluster, and is left as apt made it`(
        code: Int
    ) throws {
        defer { try? FileManager.default.removeItem(at: root) }
        let result = try run(installed: "nothing", aptEndsWith: code)
        #expect(result.code == Int32(code))
        #expect(result.said.contains("no service is started and no PostgreSQL cluster made"))
        #expect(text(root.appending(path: "seen-policy"))?.contains("exit 101") == true)
        #expect(
            text(root.appending(path: "seen-clusters")) == "create_main_cluster = false\n")
        #expect(text(policy) == nil)
        #expect(text(clusters) == "# the defaults\n")
    }

    @Test func `what was there before stays as it was`() throws {
        defer { try? FileManager.default.removeItem(at: root) }
        try "#!/bin/sh\nexit 0\n".write(to: policy, atomically: true, encoding: .utf8)
        let result = try run(installed: "postgresql-common", aptEndsWith: 0)
        #expect(result.code == 0)
        #expect(text(root.appending(path: "seen-policy")) == "#!/bin/sh\nexit 0\n")
        #expect(text(root.appending(path: "seen-clusters")) == nil)
        #expect(text(policy) == "#!/bin/sh\nexit 0\n")
        #expect(text(clusters) == nil)
    }
}
