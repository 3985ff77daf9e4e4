import DeliveryCore

/// Blind changes to a seed: what a search without coverage can do in a second.
struct Damage {
    private var random: SeededGenerator
    private let seeds: [[UInt8]]

    init(seeds: [[UInt8]], seed: UInt64) {
        self.seeds = seeds
        random = SeededGenerator(seed: seed)
    }

    mutating func next() -> [UInt8] {
        var bytes = seeds.randomElement(using: &random) ?? []
        for _ in 0..<Int.random(in: 1...4, using: &random) { change(&bytes) }
        return bytes
    }

    private static let remarkable: [UInt8] =
        [0, 0x1E, 0x20, 0x7F, 0x80, 0xFF] + Array("-0/:.%[\"\\{".utf8)

    private mutating func change(_ bytes: inout [UInt8]) {
        let place = Int.random(in: 0...bytes.count, using: &random)
        let length = Int.random(in: 0...min(bytes.count - place, 24), using: &random)
        switch Int.random(in: 0..<8, using: &random) {
        case 0 where place < bytes.count:
            bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1: bytes.removeSubrange(place...)
        case 2: bytes.removeSubrange(place..<place + length)
        case 3: bytes.insert(contentsOf: bytes[place..<place + length], at: place)
        case 4: bytes.insert(.random(in: .min ... .max, using: &random), at: place)
        case 5:
            let byte = Self.remarkable.randomElement(using: &random) ?? 0
            let count = Bool.random(using: &random) ? 1 : Int.random(in: 1...300, using: &random)
            bytes.insert(contentsOf: repeatElement(byte, count: count), at: place)
        case 6 where place < bytes.count:
            bytes[place] = UInt8(ascii: "0") + .random(in: 0..<10, using: &random)
        default:
            let other = seeds.randomElement(using: &random) ?? []
            let start = Int.random(in: 0...other.count, using: &random)
            bytes.replaceSubrange(place..<place + length, with: other[start...].prefix(64))
        }
    }
}
