/// What one sentinel says of the primary: the reply to `SENTINEL MASTER` and to
/// `SENTINEL GET-MASTER-ADDR-BY-NAME`.
///
/// The second names the promoted replica while a failover still moves the other replicas over, the
/// first has the epoch of the configuration: of two answers the higher one is newer, unless the
/// sentinels were set up anew.
struct SentinelAnswer: Equatable {
    var primary: ServerAddress
    var epoch: Int64

    static func questions(_ name: String) -> [RedisCommand] {
        [
            RedisCommand("SENTINEL", "MASTER", name),
            RedisCommand("SENTINEL", "GET-MASTER-ADDR-BY-NAME", name),
        ]
    }

    init(primary: ServerAddress, epoch: Int64) {
        self.primary = primary
        self.epoch = epoch
    }

    init(_ replies: [RedisReply]) throws(RedisFailure) {
        guard replies.count == 2, let facts = replies[0].array, let place = replies[1].array,
            place.count == 2, let host = place[0].text,
            let port = place[1].text.flatMap({ Int($0) })
        else { throw .malformed("an address and what is known of it expected") }
        var epoch: Int64?
        for index in stride(from: 0, to: facts.count - 1, by: 2)
        where facts[index].text == "config-epoch" {
            epoch = facts[index + 1].text.flatMap { Int64($0) }
        }
        guard let epoch else { throw .malformed("a config-epoch expected") }
        self.init(primary: .tcp(host: host, port: port), epoch: epoch)
    }
}
