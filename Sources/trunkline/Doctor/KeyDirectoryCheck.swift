internal import Glibc
internal import HTTPSignatures
internal import SigningKeys

/// Whether the files of a key directory are keys, under names that a worker asks for: it never
/// lists the directory, so a wrong name is a missing key to it.
struct KeyDirectoryCheck {
    /// Keys that are parsed, a millisecond each.
    static let parseLimit = 1_000

    var path: String

    private static let subject = "key directory"

    func run() -> Finding {
        let names: [String]
        do throws(SystemFault) {
            names = try fileNames()
        } catch {
            return .problem(
                Self.subject, "\(path) cannot be read (\(error.words))",
                mend: "correct --key-directory")
        }
        let keys = names.compactMap(Self.keyID)
        if let flaw = firstFlaw(of: keys.prefix(Self.parseLimit)) {
            return .problem(Self.subject, flaw, mend: "put the PEM of the private key there")
        }
        let found = keys.count == 1 ? "1 key" : "\(keys.count) keys"
        let strangers = names.filter { Self.keyID(of: $0) == nil }
        if let stranger = strangers.min() {
            return .warning(
                Self.subject,
                "\(found) in \(path), and \(strangers.count) files under names that no "
                    + "worker asks for, as \(stranger)",
                mend: Self.properName(of: stranger).map { "name it \($0)" }
                    ?? "name a file after its keyId, percent-encoded, with .pem behind it")
        }
        guard !keys.isEmpty else {
            return .warning(
                Self.subject, "there is no key in \(path)",
                mend: "name a file after its keyId, percent-encoded, with .pem behind it")
        }
        return .ok(Self.subject, "\(found) in \(path)")
    }

    private struct SystemFault: Error {
        let words = String(cString: strerror(errno))
    }

    private func fileNames() throws(SystemFault) -> [String] {
        guard let stream = opendir(path) else { throw SystemFault() }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names
    }

    private func firstFlaw(of keys: ArraySlice<KeyID>) -> String? {
        let directory = KeyDirectory(path: path)
        for key in keys {
            do throws(KeyDirectory.Flaw) {
                guard let pem = try directory.pem(of: key) else { continue }
                do throws(KeyRefusal) {
                    _ = try PrivateKey(pem: pem)
                } catch {
                    return "\(path)/\(KeyDirectory.fileName(of: key)): \(error)"
                }
            } catch {
                return "\(error)"
            }
        }
        return nil
    }

    /// The key whose file has exactly this name.
    private static func keyID(of name: String) -> KeyID? {
        guard let key = decoded(name), KeyDirectory.fileName(of: key) == name else { return nil }
        return key
    }

    /// Where the name can be read as a keyId, if not as ours.
    private static func properName(of name: String) -> String? {
        decoded(name).map { KeyDirectory.fileName(of: $0) }
    }

    private static func decoded(_ name: String) -> KeyID? {
        let stem = name.hasSuffix(".pem") ? name.dropLast(4) : name[...]
        var bytes: [UInt8] = []
        var rest = stem.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let value = UInt8(rest.prefix(2).map { Character(Unicode.Scalar($0)) }) else {
                return nil
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return try? KeyID(String(decoding: bytes, as: UTF8.self))
    }
}

extension UInt8 {
    /// Two hexadecimal digits.
    fileprivate init?(_ digits: [Character]) {
        guard digits.count == 2, digits.allSatisfy(\.isHexDigit) else { return nil }
        self.init(String(digits), radix: 16)
    }
}
