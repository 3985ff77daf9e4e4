import Foundation
import Testing

/// The tree is tested like code: what may import what, which names and habits stay out.
@Suite struct TidyTests {
    @Test func `every target has a row in the import table and every row a target`() throws {
        let targets = Set(try SourceTree.folders(in: "Sources"))
        let known = Set(ImportTable.allowed.keys).union(ImportTable.shims)
        #expect(targets == known)
    }

    @Test func `a target imports only what its row allows`() throws {
        for file in try SourceTree.swiftFiles(below: "Sources") {
            let allowed = ImportTable.allowed[file.target, default: []]
            for module in imports(of: file) {
                #expect(allowed.contains(module), "\(file.path) imports \(module)")
            }
        }
    }

    @Test func `no file or folder is named for having no name`() throws {
        let banned = ["Utils", "Utilities", "Helpers", "Helper", "Common", "Manager", "Misc"]
        for file in try SourceTree.swiftFiles(below: "Sources") {
            let parts = file.path.split(separator: "/").map {
                $0.replacingOccurrences(of: ".swift", with: "")
            }
            for part in parts {
                let isBanned = banned.contains { part.hasSuffix($0) }
                #expect(!isBanned, "\(file.path): name the thing, not the drawer it lies in")
            }
        }
    }

    @Test(arguments: [
        "TODO", "FIXME", "XXX", "@unchecked Sendable", "nonisolated(unsafe)", "fatalError(",
        "Thread.sleep", "usleep(", "Task.sleep",
    ])
    func `the sources hold no`(word: String) throws {
        for file in try SourceTree.swiftFiles(below: "Sources") {
            if ImportTable.exceptions[word]?.contains(file.path) == true { continue }
            for (number, line) in file.lines.enumerated() {
                #expect(!line.contains(word), "\(file.path):\(number + 1) holds \(word)")
            }
        }
    }

    @Test func `the pure targets read no clock and no chance`() throws {
        let banned = [
            "ContinuousClock", "SuspendingClock", "SystemRandomNumberGenerator", "UnsafePointer",
            ".random(in: 0", "Date()",
        ]
        let pure: Set<String> = [
            "Bench", "DeliveryCore", "HTTPSignatures", "Simulation", "Telemetry",
        ]
        for file in try SourceTree.swiftFiles(below: "Sources") where pure.contains(file.target) {
            for (number, line) in file.lines.enumerated() {
                for word in banned where line.contains(word) && !line.contains("using:") {
                    Issue.record("\(file.path):\(number + 1) holds \(word)")
                }
            }
        }
    }

    @Test func `tests do not sleep`() throws {
        let banned = ["Thread.sleep", "usleep(", "Task.sleep", " sleep("]
        // Its pause stands between two looks at a condition.
        let exceptions = ["Tests/SinkTests/Harness.swift"]
        for file in try SourceTree.swiftFiles(below: "Tests") where file.target != "TidyTests" {
            if exceptions.contains(file.path) { continue }
            for (number, line) in file.lines.enumerated() {
                for word in banned where line.contains(word) {
                    Issue.record("\(file.path):\(number + 1) holds \(word): wait for a condition")
                }
            }
        }
    }

    @Test func `no child is started by Foundation's Process`() throws {
        for folder in ["Sources", "Tests"] {
            for file in try SourceTree.swiftFiles(below: folder) where file.target != "TidyTests" {
                for (number, line) in file.lines.enumerated() where line.contains(" Process()") {
                    Issue.record("\(file.path):\(number + 1): see TestSupport's Program")
                }
            }
        }
    }

    private func imports(of file: SourceTree.File) -> [String] {
        file.lines.compactMap { line in
            let words = line.split(separator: " ")
            guard let place = words.firstIndex(of: "import"), place <= 2,
                words.prefix(place).allSatisfy({ !$0.hasPrefix("/") }), words.count > place + 1
            else { return nil }
            return String(words[place + 1].prefix { $0 != "." })
        }
    }
}
