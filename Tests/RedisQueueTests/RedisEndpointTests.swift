import RedisQueue
import Testing

struct RedisEndpointTests {
    @Test(arguments: [
        (
            "redis://cache:6380/3",
            RedisEndpoint(place: .tcp(host: "cache", port: 6_380), database: 3)
        ),
        ("redis://cache", RedisEndpoint(place: .tcp(host: "cache", port: 6_379))),
        ("REDIS://cache:1/", RedisEndpoint(place: .tcp(host: "cache", port: 1))),
        ("redis://[::1]:7000/0", RedisEndpoint(place: .tcp(host: "::1", port: 7_000))),
        (
            "redis://ann:p%40ss%3A@h:1",
            RedisEndpoint(place: .tcp(host: "h", port: 1), user: "ann", password: "p@ss:")
        ),
        (
            "redis://:a@b@h:1",
            RedisEndpoint(place: .tcp(host: "h", port: 1), password: "a@b")
        ),
        ("redis+unix:///run/redis.sock", RedisEndpoint(place: .unix(path: "/run/redis.sock"))),
        (
            "redis+unix://:pw@/run/r@1.sock?db=2",
            RedisEndpoint(place: .unix(path: "/run/r@1.sock"), password: "pw", database: 2)
        ),
    ])
    func `a URL says where and as whom`(url: String, endpoint: RedisEndpoint) throws {
        #expect(try RedisEndpoint(url) == endpoint)
    }

    @Test(arguments: [
        ("localhost:6379", "no `://`"),
        ("http://h:1", "scheme `http://`"),
        ("rediss://h:1", "stunnel"),
        ("redis+sentinel://h:1/mymaster", "not supported yet"),
        ("redis+cluster://h:1", "not supported yet"),
        ("redis://", "no host"),
        ("redis://h:0", "`:0`"),
        ("redis://h:65536", "`:65536`"),
        ("redis://h:+1", "`:+1`"),
        ("redis://::1:6379", "no host"),
        ("redis://[::1:6379", "close it with"),
        ("redis://h:1/zero", "`/zero`"),
        ("redis://h:1/-1", "`/-1`"),
        ("redis://secret@h:1", "before the `@`"),
        ("redis://a:secret%zz@h:1", "a `%` without"),
        ("redis+unix://run/redis.sock", "three slashes"),
        ("redis+unix:///run/redis.sock?database=1", "only ?db=N"),
        ("redis+unix:///" + String(repeating: "x", count: 107), "longer than 107"),
    ])
    func `a wrong URL is refused with what, where and how to mend it`(
        url: String, words: String
    ) throws {
        let error = try #require(throws: RedisEndpointError.self) { try RedisEndpoint(url) }
        #expect(error.description.contains(words))
        #expect(!error.description.contains("secret"))
    }

    @Test func `a printed endpoint has no password and reads back`() throws {
        for url in ["redis://a:secret@[::1]:7000/2", "redis+unix://:secret@/run/r.sock?db=1"] {
            var endpoint = try RedisEndpoint(url)
            #expect(!endpoint.description.contains("secret"))
            (endpoint.user, endpoint.password) = (nil, nil)
            #expect(try RedisEndpoint(endpoint.description) == endpoint)
        }
    }
}
