/// Completes once, when each of its parts has: with all values in order, or with the first failure.
final class Gathering<Value> {
    private var values: [Value?]
    private var remaining: Int
    private var failure: RedisFailure?
    private let completion: RedisCompletion<[Value]>

    init(count: Int, nextTurn: NextTurn, completion: @escaping RedisCompletion<[Value]>) {
        values = Array(repeating: nil, count: count)
        remaining = count
        self.completion = completion
        if count == 0 { nextTurn.run { completion(.success([])) } }
    }

    /// The completion of the part with this index; to be called once.
    func part(_ index: Int) -> RedisCompletion<Value> {
        { outcome in
            switch outcome {
            case .success(let value): self.values[index] = value
            case .failure(let failure): self.failure = self.failure ?? failure
            }
            self.remaining -= 1
            guard self.remaining == 0 else { return }
            if let failure = self.failure {
                self.completion(.failure(failure))
            } else {
                self.completion(.success(self.values.compactMap { $0 }))
            }
        }
    }
}
