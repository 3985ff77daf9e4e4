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
        (
            "redis://:a#b?c@h:1",
            RedisEndpoint(place: .tcp(host: "h", port: 1), password: "a#b?c")
        ),
        ("redis+unix:///run/redis.sock", RedisEndpoint(place: .unix(path: "/run/redis.sock"))),
        (
            "redis+unix://:pw@/run/r@1.sock?db=2",
            RedisEndpoint(place: .unix(path: "/run/r@1.sock"), password: "pw", database: 2)
        ),
        (
            "redis+sentinel://s1/mymaster",
            RedisEndpoint(
                place: .sentinel(
                    SentinelService(
                        name: "mymaster", sentinels: [.tcp(host: "s1", port: 26_379)])))
        ),
        (
            "redis+sentinel://:pw@s1:1,[::1]:2/m/3?sentinel-user=w&sentinel-password=a%26b",
            RedisEndpoint(
                place: .sentinel(
                    SentinelService(
                        name: "m",
                        sentinels: [.tcp(host: "s1", port: 1), .tcp(host: "::1", port: 2)],
                        user: "w", password: "a&b")),
                password: "pw", database: 3)
        ),
        (
            "redis+cluster://ann:pw@a,b:7000/",
            RedisEndpoint(
                place: .cluster([.tcp(host: "a", port: 6_379), .tcp(host: "b", port: 7_000)]),
                user: "ann", password: "pw")
        ),
    ])
    func `a URL says where and as whom`(url: String, endpoint: RedisEndpoint) throws {
        #expect(try RedisEndpoint(url) == endpoint)
    }

    @Test(arguments: [
        ("localhost:6379", "no `://`"),
        ("http://h:1", "scheme `http://`"),
        ("rediss://h:1", "stunnel"),
        ("rediss+sentinel://h:1/m", "stunnel"),
        ("redis+sentinel://h:1", "no name of the service"),
        ("redis+sentinel://h:1?sentinel-password=secret", "no name of the service"),
        ("redis+sentinel://h:1/m/0/1", "`/m/0/1`"),
        ("redis+sentinel://h:1,/m", "no host"),
        ("redis+sentinel://h:1/m?password=secret", "`password`"),
        ("redis+cluster://h:1/1", "one database"),
        ("redis+cluster://h:1,h:x", "the port of `h`"),
        ("redis://", "no host"),
        ("redis://h:0", "the port of `h`"),
        ("redis://h:65536", "the port of `h`"),
        ("redis://h:+1", "the port of `h`"),
        ("redis://::1:6379", "no host"),
        ("redis://[::1:6379", "close it with"),
        ("redis://h:1/zero", "`/zero`"),
        ("redis://h:1/-1", "`/-1`"),
        ("redis://secret@h:1", "before the `@`"),
        ("redis://a:secret%zz@h:1", "a `%` without"),
        ("redis+unix://run/redis.sock", "three slashes"),
        ("redis+unix:///run/redis.sock?database=1", "only ?db=N"),
        ("redis+unix:///" + String(repeating: "x", count: 107), "longer than 107"),
        // Passwords as people paste them.
        ("redis://:secret/word@h:1/0", "%2F"),
        ("redis://:se/secret@h:1/0", "%2F"),
        ("redis://ann:1/secret@h:1/0", "%2F"),
        ("redis://ann:secret", "the port of `ann`"),
        ("redis://h:1/0?password=secret", "`/0`"),
        ("redis://h:1/0#secret@", "%2F"),
        ("redis+unix://:se/secret@/run/redis.sock", "%2F"),
        ("redis+unix://:a@b/secret@/run/redis.sock", "%2F"),
        ("redis+unix:///run/redis.sock?password=secret", "`?password`"),
        ("redis+sentinel://:se/secret@h:1,i:2/m/0", "%2F"),
        ("redis+sentinel://:se/secret?x@h:1/m", "%2F"),
        ("redis+sentinel://:p/secret?sentinel-password=a@b&c@h:1/m", "%2F"),
        ("redis+sentinel://ann:1/secret?sentinel-password=secret@h:1/m", "%40"),
        ("redis+cluster://ann:se/secret@h:1,i:2", "%2F"),
        ("redis+cluster://h:1?password=secret", "one database"),
        ("ann:secret@redis://h:1", "unknown scheme"),
    ])
    func `a wrong URL is refused with what, where and how to mend it`(
        url: String, words: String
    ) throws {
        let error = try #require(throws: RedisEndpointError.self) { try RedisEndpoint(url) }
        #expect(error.description.contains(words))
        #expect(!error.description.contains("secret"))
    }

    @Test func `a printed endpoint has no password and reads back`() throws {
        for url in [
            "redis://a:secret@[::1]:7000/2", "redis+unix://:secret@/run/r.sock?db=1",
            "redis+sentinel://:secret@a:1,[::1]:2/m/1?sentinel-password=secret",
            "redis+cluster://:secret@a:1,[::1]:2",
        ] {
            var endpoint = try RedisEndpoint(url)
            #expect(!endpoint.description.contains("secret"))
            (endpoint.user, endpoint.password) = (nil, nil)
            if case .sentinel(var service) = endpoint.place {
                service.password = nil
                endpoint.place = .sentinel(service)
            }
            #expect(try RedisEndpoint(endpoint.description) == endpoint)
        }
    }
}
