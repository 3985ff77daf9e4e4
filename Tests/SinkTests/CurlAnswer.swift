import Foundation
import TestSupport

/// What curl got.
struct CurlAnswer: Sendable {
    /// curl's own: 0, 28 timeout, 52 empty answer, 56 reset, 60 certificate.
    let exit: Int32
    let status: Int
    /// Names lower case.
    let headers: [String: String]
    let body: [UInt8]
    let errors: String

    var text: String { String(decoding: body, as: UTF8.self) }

    static func curl(_ arguments: [String], in directory: String) async throws -> CurlAnswer {
        let headerFile = "\(directory)/headers-\(UUID().uuidString)"
        let result = try await Program(
            ["curl", "-sS", "-D", headerFile] + arguments, in: directory
        ).result()
        let head = FileManager.default.contents(atPath: headerFile) ?? Data()
        // A Character may be CR and LF together: split by both at once.
        let lines = String(decoding: head, as: UTF8.self).split(separator: "\r\n")
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { continue }
            headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
        }
        let status = lines.first?.split(separator: " ").dropFirst().first
        return CurlAnswer(
            exit: result.code, status: status.flatMap { Int($0) } ?? 0, headers: headers,
            body: result.output, errors: result.errors)
    }
}
