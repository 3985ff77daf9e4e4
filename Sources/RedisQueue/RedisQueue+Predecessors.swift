/// What stands before an intake entry and is not finished.

package import DeliveryCore

extension RedisQueue {
    /// Bounds of one search, which keeps Redis from everything else. What is beyond them is
    /// answered by ``Predecessors/tooMany``: those asked about first stand first, so they are found.
    static let predecessorEntries = 1_000
    static let predecessorBytes = 4 << 20
    static let searchedBytes = 16 << 20

    /// Looks for earlier entries of the lane that are in somebody's hands and have the needle in
    /// their `activity` or `object`.
    ///
    /// - Parameter questions: ascending.
    package func findPredecessors(
        _ questions: [PredecessorQuestion], in lane: Lane,
        completion: @escaping RedisCompletion<[Predecessors]>
    ) {
        guard !questions.isEmpty else { return nextTurn.run { completion(.success([])) } }
        run(.findPredecessors, keys: [keys.intake(lane)]) { command in
            command.append(QueueKeys.group)
            command.append(Self.predecessorEntries)
            command.append(Self.predecessorBytes)
            command.append(Self.searchedBytes)
            for question in questions {
                command.append(question.entry.description)
                command.append(question.needle)
            }
        } completion: { outcome in
            completion(
                outcome.reading { reply throws(RedisFailure) in
                    guard let answers = reply.array, answers.count == questions.count else {
                        throw .malformed("an answer for each question expected")
                    }
                    var found: [Predecessors] = []
                    for answer in answers { found.append(try Predecessors(answer)) }
                    return found
                })
        }
    }
}

extension Predecessors {
    init(_ reply: RedisReply) throws(RedisFailure) {
        guard let ids = reply.array else {
            guard reply.integer == 0 else { throw .malformed("ids or 0 expected") }
            self = .tooMany
            return
        }
        var found: [StreamID] = []
        for id in ids {
            guard let id = id.text.flatMap({ StreamID($0) }) else {
                throw .malformed("the id of an entry expected")
            }
            found.append(id)
        }
        self = .these(found)
    }
}
