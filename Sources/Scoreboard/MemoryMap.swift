/// The memory file that a supervisor shares with its workers, as words.
///
/// Header: magic, layout version, number of slots, words per slot; then the slots. Each slot has
/// one writer; readers see every word whole, and words of different moments side by side, which is
/// good enough for counters.

internal import DeliveryCore
internal import Glibc
internal import Synchronization
internal import Telemetry

/// Word by word through relaxed atomics: plain stores on the machine, but none that the compiler
/// may drop or move, also where nobody in this process reads them back.
typealias Word = Atomic<UInt64>

struct MemoryMap: ~Copyable {
    let words: UnsafeMutablePointer<Word>
    let slots: Int
    private let byteCount: Int

    static let magic: UInt64 = 0x5452_554E_4B42_4F52  // "TRUNKBOR"
    static let headerWords = 8
    static let slotLimit = 4_096

    /// Maps a file that is new, and so all zeros.
    init(creating slots: Int, in descriptor: Int32) throws(ScoreboardError) {
        try self.init(descriptor, slots: slots)
        let header: [UInt64] = [
            Self.magic, ScoreboardLayout.version, UInt64(slots), UInt64(SlotField.slotWords),
        ]
        for (index, value) in header.enumerated() {
            words[index].store(value, ordering: .relaxed)
        }
    }

    /// Maps a file that somebody else made, if it is laid out as this binary does it.
    init(opening descriptor: Int32) throws(ScoreboardError) {
        var header = [UInt64](repeating: 0, count: 4)
        guard pread(descriptor, &header, 32, 0) == 32, header[0] == Self.magic else {
            throw .notAScoreboard
        }
        var status = stat()
        guard header[1] == ScoreboardLayout.version, header[3] == UInt64(SlotField.slotWords),
            let slots = Int(exactly: header[2]), slots <= Self.slotLimit,
            fstat(descriptor, &status) == 0,
            Int(status.st_size) == Self.byteCount(slots)
        else { throw .otherLayout(theirs: header[1], ours: ScoreboardLayout.version) }
        try self.init(descriptor, slots: slots)
    }

    private init(_ descriptor: Int32, slots: Int) throws(ScoreboardError) {
        precondition((1...Self.slotLimit).contains(slots), "\(slots) slots")
        let count = Self.byteCount(slots)
        let memory = mmap(nil, count, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
        guard let memory, memory != MAP_FAILED else { throw .system("mmap", errno) }
        words = memory.assumingMemoryBound(to: Word.self)
        byteCount = count
        self.slots = slots
    }

    deinit { munmap(words, byteCount) }

    static func byteCount(_ slots: Int) -> Int {
        (headerWords + slots * SlotField.slotWords) * 8
    }

    func slot(_ number: Int) -> UnsafeMutablePointer<Word> {
        precondition(number >= 0 && number < slots, "slot \(number) of \(slots)")
        return words + Self.headerWords + number * SlotField.slotWords
    }
}

/// Where a slot's fields stand, in words.
enum SlotField {
    static let pid = 0
    static let state = 1
    static let heartbeat = 2
    static let stage = 3
    /// What is in hand: which kind (``WorkItem/words``), then its number in two words.
    static let item = 4
    static let itemWords = 3
    static let incarnationLength = item + itemWords
    static let incarnation = incarnationLength + 1
    static let incarnationWords = 16
    static let metrics = incarnation + incarnationWords

    /// Whole cache lines, so that two writers never share one.
    static let slotWords = (metrics + ScoreboardLayout.wordCount + 7) & ~7
}
