internal import Glibc
internal import PostgresStore

extension Database {
    /// Notes who did what by hand: the operating system's user at this machine.
    func audit(_ action: String, subject: String, detail: String = "") throws(StoreFailure) {
        try query(
            "insert into trunkline.audit (actor, action, subject, detail) values ($1, $2, $3, $4)",
            [invokingUser(), action, subject, detail])
    }
}

/// SQL that shows a `timestamptz` as ISO 8601 in UTC, whatever the session's time zone.
func utc(_ expression: String) -> String {
    "to_char(\(expression) at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"
}

/// `user@machine`
func invokingUser() -> String {
    let user = getpwuid(getuid()).map { String(cString: $0.pointee.pw_name) } ?? "\(getuid())"
    var name = [CChar](repeating: 0, count: 256)
    gethostname(&name, name.count - 1)
    return "\(user)@" + String(decoding: name.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
}
