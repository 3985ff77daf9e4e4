@testable import PostgresStore

/// Text on its way to PostgreSQL, which takes no zero and has limits in bytes; and its errors.
extension Decoder {
    static let postgres = [
        Decoder(name: "postgres-text") { bytes in
            let text = text(bytes)
            let sent = PostgresText.bytes(text)
            try promise(!sent.contains(0), "a zero in \(text.debugDescription)")
            let sanitised = PostgresText.sanitised(text)
            try promise(Array(sanitised.utf8) == sent, "\(sanitised.debugDescription)")
            try promise(PostgresText.sanitised(sanitised) == sanitised, sanitised.debugDescription)
            for limit in [0, 1, 3, 7, bytes.count] {
                let cut = PostgresText.prefix(text, bytes: limit)
                try promise(
                    cut.utf8.count <= limit && text.utf8.starts(with: cut.utf8)
                        && (cut.utf8.count > limit - 4 || cut.utf8.count == text.utf8.count),
                    "\(limit) bytes of \(text.debugDescription): \(cut.debugDescription)")
            }
        },
        Decoder(name: "postgres-error") { bytes in
            let parts = pieces(bytes).map(text)
            let error = ServerError(
                sqlState: parts[0], message: parts.count > 1 ? parts[1] : "",
                detail: parts.count > 2 ? parts[2] : "")
            if case .fenced(let lost) = error.failure {
                try promise(parts[0] == ServerError.fenced, "fenced by \(parts[0])")
                try promise(lost.count <= bytes.count, "\(lost.count) partitions")
            }
        },
    ]
}
