/// The workers that live, by number.
///
/// One of them takes thousands of bytes, most of them its machine's, so none is ever taken in hand:
/// its fields are read and changed where it stands. An optional or a dictionary would copy it whole
/// for each of them, which was half of a run's time.
package struct Workers {
    /// In the order in which they were started.
    package private(set) var numbers: [Int] = []
    private var standing: [World.Worker] = []

    package var isEmpty: Bool { numbers.isEmpty }
    package var count: Int { numbers.count }

    package func contains(_ number: Int) -> Bool { numbers.contains(number) }

    /// One that lives: ask first.
    package subscript(number: Int) -> World.Worker {
        _read { yield standing[place(of: number)] }
        _modify { yield &standing[place(of: number)] }
    }

    /// - Parameter number: higher than that of all before it.
    mutating func add(_ worker: World.Worker, as number: Int) {
        numbers.append(number)
        standing.append(worker)
    }

    mutating func remove(_ number: Int) {
        let place = place(of: number)
        numbers.remove(at: place)
        standing.remove(at: place)
    }

    private func place(of number: Int) -> Int {
        guard let place = numbers.firstIndex(of: number) else {
            preconditionFailure("worker \(number) is gone")
        }
        return place
    }
}
