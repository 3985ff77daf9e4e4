/// Whether what is owed stands where its owner cannot see it.

package import DeliveryCore

extension RedisQueue {
    /// Of these deliveries those that stand neither in `later` nor in the log behind the entry that
    /// was read last; ``RedisFailure/fenced`` when the lease is not ours.
    ///
    /// None, when there is too much to look through.
    package func seek(
        _ lease: OwnedLease, after cursor: StreamID, _ pointers: [DeliveryPointer],
        completion: @escaping RedisCompletion<[DeliveryPointer]>
    ) {
        let partition = lease.partition
        let touched = [keys.log(partition), keys.lease(partition), keys.later(partition)]
        run(.seek, keys: touched) { command in
            command.append(leaseValue(lease))
            command.append(cursor.description)
            let byActivity = Dictionary(grouping: pointers, by: \.activity)
            for (activity, pointers) in byActivity {
                command.append(activity.rawValue)
                command.append(pointers.flatMap { $0.bytes.prefix(Self.soughtByteCount) })
            }
        } completion: { outcome in
            completion(
                outcome.reading { reply throws(RedisFailure) in
                    let size = Self.soughtByteCount
                    guard let bytes = reply.bytes, bytes.count.isMultiple(of: size) else {
                        throw .malformed("deliveries of \(size) bytes expected")
                    }
                    return stride(from: 0, to: bytes.count, by: size).compactMap {
                        DeliveryPointer(bytes: bytes[$0..<$0 + size] + [0])
                    }
                })
        }
    }

    /// A pointer without its attempts.
    private static let soughtByteCount = DeliveryPointer.byteCount - 1
}
