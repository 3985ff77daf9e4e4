/// Who owns a partition: the lease `INCARNATION EPOCH`, with epoch 0 until PostgreSQL has given one.

package import DeliveryCore

extension RedisQueue {
    /// Takes a lease that nobody has, for the lease time; true also when it is ours already and
    /// not yet sealed.
    package func takeLease(
        _ partition: PartitionNumber, completion: @escaping RedisCompletion<Bool>
    ) {
        let lease = OwnedLease(partition: partition, epoch: Epoch(rawValue: 0))
        run(.takeLease, keys: [keys.lease(partition)]) { command in
            command.append(leaseValue(lease))
            command.append(leaseMilliseconds)
        } completion: {
            completion($0.reading { reply throws(RedisFailure) in try reply.expectInteger() == 1 })
        }
    }

    /// Writes the epoch into a lease that is still ours, and renews it; false when it is not.
    package func sealLease(
        _ partition: PartitionNumber, _ epoch: Epoch, completion: @escaping RedisCompletion<Bool>
    ) {
        run(.sealLease, keys: [keys.lease(partition)]) { command in
            command.append("\(incarnation.rawValue) ")
            command.append(leaseValue(OwnedLease(partition: partition, epoch: epoch)))
            command.append(leaseMilliseconds)
        } completion: {
            completion($0.reading { reply throws(RedisFailure) in try reply.expectInteger() == 1 })
        }
    }

    /// Renews leases. One of which neither is said could not be asked about: its deadline runs from
    /// the last renewal *sent*.
    ///
    /// - Parameters:
    ///   - whole: only the marks of these are moved on: one that may lack something must go on saying
    ///     how far it went.
    ///   - through: what they say from now on; nil: what they said.
    package func renewLeases(
        _ leases: [OwnedLease], whole: Set<PartitionNumber> = [],
        through activity: ActivityID? = nil,
        completion: @escaping RedisCompletion<(kept: [OwnedLease], lost: [OwnedLease])>
    ) {
        runOnEach(leases, .renewLease, besides: keys.mark) { [leaseMilliseconds] lease, command in
            command.append(leaseMilliseconds)
            let through = whole.contains(lease.partition) ? activity : nil
            command.append(through.map { String($0.rawValue) } ?? "")
        } completion: { outcome in
            completion(
                outcome.map { answers in
                    let told = { (isOurs: Bool) in
                        zip(leases, answers).filter { $1 == isOurs }.map(\.0)
                    }
                    return (told(true), told(false))
                })
        }
    }

    /// Gives leases back; one that is no longer ours stays as it is.
    package func releaseLeases(
        _ leases: [OwnedLease], completion: @escaping RedisCompletion<Void>
    ) {
        runOnEach(leases, .releaseLease, besides: nil) { _, _ in
        } completion: {
            completion($0.map { _ in })
        }
    }

    func leaseValue(_ lease: OwnedLease) -> String {
        "\(incarnation.rawValue) \(lease.epoch.rawValue)"
    }

    /// One script per lease: each stands in a slot of its own, and of a Cluster only some may be there.
    /// In the order of the leases; nil: not known. A failure: nothing is known of any of them.
    private func runOnEach(
        _ leases: [OwnedLease], _ script: RedisScript,
        besides key: ((PartitionNumber) -> String)?,
        arguments: (OwnedLease, inout RedisCommand) -> Void,
        completion: @escaping RedisCompletion<[Bool?]>
    ) {
        var failure: RedisFailure?
        let gathering = Gathering<Bool?>(count: leases.count, nextTurn: nextTurn) { outcome in
            if let failure, case .success(let answers) = outcome, answers.allSatisfy({ $0 == nil })
            {
                return completion(.failure(failure))
            }
            completion(outcome)
        }
        for (index, lease) in leases.enumerated() {
            let touched = [keys.lease(lease.partition)] + (key.map { [$0(lease.partition)] } ?? [])
            run(script, keys: touched) { command in
                command.append(leaseValue(lease))
                arguments(lease, &command)
            } completion: {
                if case .failure(let cause) = $0 { failure = cause }
                gathering.part(index)(.success((try? $0.get())?.integer.map { $0 == 1 }))
            }
        }
    }
}
