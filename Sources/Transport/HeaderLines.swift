/// The header lines of a request, as libcurl takes them.

internal import CCurl

/// Complete lines without line end, each ended by a NUL, in one buffer: a string each, and a copy of
/// each for libcurl, were two dozen allocations a request.
package struct HeaderLines: Sendable {
    private(set) var bytes: [UInt8] = []
    private(set) var count = 0

    package init() {}

    package init(_ lines: [String]) {
        for line in lines {
            bytes += line.utf8
            end()
        }
    }

    package mutating func reserve(_ byteCount: Int) { bytes.reserveCapacity(byteCount) }

    package mutating func append(_ name: StaticString, _ value: some Collection<UInt8>) {
        name.withUTF8Buffer { bytes += $0 }
        bytes.append(UInt8(ascii: ":"))
        bytes.append(UInt8(ascii: " "))
        bytes += value
        end()
    }

    private mutating func end() {
        bytes.append(0)
        count += 1
    }

    /// The first that is not one line with a name and a value, and so could smuggle in another:
    /// libcurl sends it as it is.
    var flaw: String? {
        bytes.withUnsafeBufferPointer { bytes in
            var start = 0
            for _ in 0..<count {
                // Of a line with a NUL inside the part behind it is left over in the end.
                let line = Self.line(of: bytes, from: start)
                guard Self.isHeaderLine(line) else { return String(decoding: line, as: UTF8.self) }
                start += line.count + 1
            }
            let rest = UnsafeBufferPointer(rebasing: bytes[start...])
            return rest.isEmpty ? nil : String(decoding: rest, as: UTF8.self)
        }
    }

    private static func line(
        of bytes: UnsafeBufferPointer<UInt8>, from start: Int
    ) -> UnsafeBufferPointer<UInt8> {
        guard let base = bytes.baseAddress else { return bytes }
        let text = UnsafeRawPointer(base + start).assumingMemoryBound(to: CChar.self)
        return UnsafeBufferPointer(start: base + start, count: strlen(text))
    }

    private static func isHeaderLine(_ line: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > 0 else { return false }
        // Without a branch, so that it looks at many at once.
        var unclean: UInt8 = 0
        for byte in line { unclean |= (byte < 0x20 ? 1 : 0) | (byte == 0x7F ? 1 : 0) }
        return unclean == 0 && line[(colon + 1)...].contains { $0 != 0x20 }
    }
}

/// libcurl's list of the lines of one transfer: its nodes and their text stay for the next one.
struct HeaderList: ~Copyable {
    /// A name without value keeps libcurl from sending its own: Accept makes Hubzilla answer 406,
    /// Expect makes small servers wait.
    private static let always: StaticString = "Accept:\0Expect:\0"
    private static let alwaysCount = 2

    private var text = UnsafeMutableBufferPointer<CChar>.allocate(capacity: 1_024)
    private var nodes = UnsafeMutableBufferPointer<curl_slist>.allocate(capacity: 8)

    deinit {
        text.deallocate()
        nodes.deallocate()
    }

    /// Good until the next call; libcurl must have let go of the list before.
    mutating func set(_ lines: HeaderLines) -> UnsafeMutablePointer<curl_slist>? {
        let always = UnsafeRawBufferPointer(
            start: Self.always.utf8Start, count: Self.always.utf8CodeUnitCount)
        let size = lines.bytes.count + always.count
        let count = lines.count + Self.alwaysCount
        if size > text.count {
            text.deallocate()
            text = .allocate(capacity: 2 * size)
        }
        if count > nodes.count {
            nodes.deallocate()
            nodes = .allocate(capacity: 2 * count)
        }
        let target = UnsafeMutableRawBufferPointer(text)
        target.copyBytes(from: lines.bytes)
        UnsafeMutableRawBufferPointer(rebasing: target[lines.bytes.count...])
            .copyBytes(from: always)
        guard let start = nodes.baseAddress, var line = text.baseAddress else { return nil }
        for index in 0..<count {
            let next = index + 1 < count ? start + index + 1 : nil
            (start + index).initialize(to: curl_slist(data: line, next: next))
            line += strlen(line) + 1
        }
        return start
    }
}
