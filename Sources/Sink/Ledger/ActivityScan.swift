/// What the ledger needs of a body: the top-level `id`, `type` and `object`.
///
/// A scanner over the top-level members, not a JSON parser: it checks no more than it must to find
/// them (Foundation's parser costs 8-30 us for such a body; a whole unverified request, this scan
/// within it, 21). `object` is its own text or the `id` inside it. Of members given twice the last
/// counts, as with most parsers.
struct ActivityScan: Equatable {
    private(set) var id = ""
    private(set) var type = ""
    private(set) var object = ""

    /// Longer ids are taken for none.
    static let maximumTextBytes = 4_096

    /// Nil when the body is no JSON object, or has no `id`.
    init?(_ body: UnsafeRawBufferPointer) {
        var reader = JSONReader(body)
        let whole = reader.members { reader, name in
            switch name {
            case "id": id = try reader.textOrSkip() ?? ""
            case "type": type = try reader.firstText() ?? ""
            case "object": object = try reader.textOrMember("id") ?? ""
            default: try reader.skip()
            }
        }
        guard whole, !id.isEmpty else { return nil }
    }
}
