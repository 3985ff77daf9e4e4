import DeliveryCore
import IntakeParsing
import Testing

/// Whatever stands in an entry, it is taken or refused with a sentence; the process goes on.
@Suite struct MutationTests {
    private static let codes = Set(RejectionCode.allCases.map(\.rawValue))

    @Test(arguments: [20_260_902, 1, 0xDEAD_BEEF] as [UInt64])
    func `ten thousand damaged entries are each taken or refused with a known code`(seed: UInt64) {
        print("IntakeParsing mutations: seed \(seed)")
        var random = SplitMix(state: seed)
        let parser = IntakeParser()
        var taken = 0
        var refused: Set<String> = []
        for number in 0..<10_000 {
            let entry = damaged(using: &random)
            do throws(Rejection) {
                let job = try entry.parse(with: parser)
                taken += 1
                checkTaken(job, entry, "seed \(seed), entry \(number)")
            } catch {
                refused.insert(error.code)
                let isClear =
                    Self.codes.contains(error.code) && error.reason.utf8.count < 1_024
                    && error.reason.unicodeScalars.allSatisfy {
                        $0.properties.generalCategory != .control
                    }
                #expect(isClear, "seed \(seed), entry \(number): \(error)")
            }
        }
        // The damage is neither negligible nor total, and reaches most of the checks.
        #expect(taken > 500 && taken < 9_500, "seed \(seed): \(taken) taken")
        #expect(refused.count >= 10, "seed \(seed): \(refused.sorted())")
    }

    /// What holds for every job, however its entry came about.
    private func checkTaken(_ job: Job, _ entry: Entry, _ place: String) {
        let texts = [
            job.activityID, job.type, job.actor, job.key, job.idempotencyKey, job.orderingKey,
        ]
        let isSound =
            texts.allSatisfy { text in
                !text.isEmpty && text.utf8.count <= 2_048 && !text.utf8.contains(0)
            }
            && entry.fields.contains { $0.name == "activity" && $0.value == job.activity }
            && job.key.hasPrefix("https://")
            && job.audience != .recipients([])
        #expect(isSound, "\(place): \(job)")
    }

    private func damaged(using random: inout SplitMix) -> Entry {
        var entry = Entry()
        for name in ["id", "object", "exclude", "sync", "expires", "contentType"]
        where Bool.random(using: &random) { entry[name] = Self.sound[name] }
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let place = Int.random(in: 0..<max(entry.fields.count, 1), using: &random)
            guard place < entry.fields.count else { break }
            damage(&entry, at: place, using: &random)
        }
        return entry
    }

    private func damage(_ entry: inout Entry, at place: Int, using random: inout SplitMix) {
        switch Int.random(in: 0..<20, using: &random) {
        case 0: entry.fields.remove(at: place)
        case 1: entry.fields.append(entry.fields[place])
        case 2: entry.fields[place].name += "x"
        case 3: entry.fields[place].value = []
        case 4:
            let other = Int.random(in: 0..<entry.fields.count, using: &random)
            entry.fields[place].value = entry.fields[other].value
        default: damage(&entry.fields[place].value, using: &random)
        }
    }

    private func damage(_ bytes: inout [UInt8], using random: inout SplitMix) {
        let place = Int.random(in: 0...bytes.count, using: &random)
        switch Int.random(in: 0..<6, using: &random) {
        case 0 where place < bytes.count:
            bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1: bytes.removeSubrange(place...)
        case 2: bytes.insert(UInt8.random(in: .min ... .max, using: &random), at: place)
        case 3 where place < bytes.count:
            let end = Int.random(in: place..<bytes.count, using: &random)
            bytes.removeSubrange(place...end)
        case 4:
            let fragment = Self.fragments.randomElement(using: &random) ?? ""
            bytes.insert(contentsOf: Array(fragment.utf8), at: place)
        default:
            let depth = Int.random(in: 1...2_000, using: &random)
            bytes.insert(contentsOf: [UInt8](repeating: 0x5B, count: depth), at: place)
        }
    }

    private static let sound = [
        "id": "job-7", "object": "thread:9", "exclude": #"["https://gone.example/inbox"]"#,
        "sync": "https://our.example/users/alice/followers", "expires": "1788339907",
        "contentType": "application/activity+json",
    ]

    private static let fragments = [
        #""bto":[],"#, #""id":"x","#, #"\u0000"#, #"\ud800"#, "null", "{}", "[]", "\"", "\\", ",",
        ":", " ", "1e999", #"{"inbox":"a","x":1}"#, #","direct":1"#, "\u{202E}", "\u{1F600}",
    ]
}

/// SplitMix64 (Steele, Lea, Flood 2014).
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
