/// Where each series stands in the array of words that every process keeps.
///
/// The layout follows from the catalogue alone, so the same binary always agrees with itself;
/// `version` is how another binary is found out.
package enum ScoreboardLayout {
    /// The first word of each family, in the order of the catalogue, and the end of the last.
    static let offsets: [Int] = Family.definitions.reduce(into: [0]) { offsets, family in
        offsets.append(offsets[offsets.count - 1] + family.seriesCount * family.seriesWords)
    }

    package static let wordCount = offsets[offsets.count - 1]

    static func offset(of family: Family) -> Int { offsets[family.rawValue] }

    static func words(of family: Family) -> Range<Int> {
        offsets[family.rawValue]..<offsets[family.rawValue + 1]
    }

    /// A digest of all that the layout depends on (FNV-1a).
    package static let version: UInt64 = {
        var digest: UInt64 = 0xCBF2_9CE4_8422_2325
        func mix(_ text: String) {
            for byte in text.utf8 { digest = (digest ^ UInt64(byte)) &* 0x100_0000_01B3 }
        }
        for family in Family.definitions {
            mix("\(family.name) \(family.kind);")
            for label in family.labels { mix("\(label.name)=\(label.values);") }
        }
        for stage in Stage.allCases { mix("\(stage.rawValue)=\(stage.name);") }
        for state in WorkerState.allCases { mix("\(state.rawValue)=\(state.name);") }
        return digest
    }()
}

extension Family.Definition {
    /// One series for each combination of label values, the last label changing fastest.
    var seriesCount: Int { labels.reduce(1) { $0 * $1.values.count } }

    var seriesWords: Int {
        switch kind {
        case .counter, .secondsCounter, .gauge: 1
        case .histogram(let shape): shape.wordCount
        }
    }
}
