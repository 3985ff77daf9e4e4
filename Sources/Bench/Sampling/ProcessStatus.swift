/// A line of `/proc/PID/stat` (proc(5)), as far as it is of interest.
package struct ProcessStatus: Equatable, Sendable {
    package var name: String
    package var parent: Int32
    /// Clock ticks of the children that have ended.
    package var ticksOfTheDead: UInt64

    /// A name may hold blanks and brackets, so fields are counted from the last bracket.
    package init?(stat: String) {
        guard let open = stat.firstIndex(of: "("), let close = stat.lastIndex(of: ")") else {
            return nil
        }
        name = String(stat[stat.index(after: open)..<close])
        let fields = stat[stat.index(after: close)...].split(separator: " ")
        guard fields.count > 14, let parent = Int32(fields[1]), let user = UInt64(fields[13]),
            let system = UInt64(fields[14])
        else { return nil }
        self.parent = parent
        ticksOfTheDead = user + system
    }
}

/// The processes below one, by what their parents are.
package enum ProcessTree {
    package static func below(_ root: Int32, parents: [Int32: Int32]) -> [Int32] {
        var children: [Int32: [Int32]] = [:]
        for (process, parent) in parents { children[parent, default: []].append(process) }
        var (found, left) = ([Int32](), [root])
        while let next = left.popLast() {
            let below = children[next, default: []].sorted()
            found += below
            left += below
        }
        return found
    }
}
