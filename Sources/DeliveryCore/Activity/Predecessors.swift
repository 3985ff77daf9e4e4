/// Asks which earlier entries of a lane, not finished yet, may concern the same object.
package struct PredecessorQuestion: Equatable, Sendable {
    /// Who asks: those before it count.
    package var entry: StreamID
    /// What stands in the activity, or in the field `object`, of whatever concerns the object.
    package var needle: String

    package init(entry: StreamID, needle: String) {
        self.entry = entry
        self.needle = needle
    }
}

package enum Predecessors: Equatable, Sendable {
    /// In the order of the lane.
    case these([StreamID])
    /// More stands before it than is looked at: to be asked again.
    case tooMany
}

extension Job {
    /// The end of the ordering key that looks the same in every producer's JSON.
    ///
    /// An id may be written with its slashes escaped (PHP), its ampersands (Go, Rails), its equals
    /// signs (Gson), its plus signs (.NET), or all beyond ASCII (Python): what follows the last of
    /// those is written as it is, by every serialiser known. It is short, so it may stand in an
    /// activity of something else, too: that one is waited for in vain, and not for long.
    package var orderingNeedle: String {
        let tail = orderingKey.unicodeScalars.reversed().drop { !$0.isPlainInJSON }
            .prefix(while: \.isPlainInJSON)
        var needle = String.UnicodeScalarView()
        needle.append(contentsOf: tail.reversed())
        return String(needle)
    }
}

extension Unicode.Scalar {
    fileprivate var isPlainInJSON: Bool {
        switch self {
        case "/", "\\", "\"", "'", "&", "<", ">", "=", "+", "`": false
        default: 0x21...0x7E ~= value
        }
    }
}
