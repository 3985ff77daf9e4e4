/// Why the sink does not start, or takes no new rules: one sentence for the operator.
package struct SinkError: Error, Equatable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
