import DeliveryCore
import HTTPSignatures
import Testing

@Suite struct HTTPDateTests {
    private let now = WallTime(milliseconds: 1_788_339_907_000)  // 2026-09-02

    @Test(arguments: [
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (784_111_777_000, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (951_782_400_000, "Tue, 29 Feb 2000 00:00:00 GMT"),
        (1_788_339_907_000, "Wed, 02 Sep 2026 09:05:07 GMT"),
        (1_788_339_907_999, "Wed, 02 Sep 2026 09:05:07 GMT"),
        (4_107_542_399_000, "Sun, 28 Feb 2100 23:59:59 GMT"),
        (4_107_542_400_000, "Mon, 01 Mar 2100 00:00:00 GMT"),
        (-1, "Wed, 31 Dec 1969 23:59:59 GMT"),
        (Int64.max, "Fri, 31 Dec 9999 23:59:59 GMT"),
        (Int64.min, "Sat, 01 Jan 0000 00:00:00 GMT"),
    ])
    func `a time is written as an IMF-fixdate and never rounded up`(
        milliseconds: Int64, expected: String
    ) {
        #expect(text(HTTPDate.imfFixdate(WallTime(milliseconds: milliseconds))) == expected)
    }

    /// The three examples of RFC 9110 section 5.6.7 are one moment.
    @Test(arguments: [
        "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994", "  Sun, 06 Nov 1994 08:49:37 GMT\t",
    ])
    func `all three forms are read`(form: String) {
        #expect(HTTPDate.parse(form, now: now) == WallTime(milliseconds: 784_111_777_000))
    }

    @Test(arguments: [
        ("Wednesday, 02-Sep-26 09:05:07 GMT", "Wed, 02 Sep 2026 09:05:07 GMT"),
        ("Wednesday, 02-Sep-76 09:05:07 GMT", "Wed, 02 Sep 2076 09:05:07 GMT"),
        ("Friday, 02-Sep-77 09:05:07 GMT", "Fri, 02 Sep 1977 09:05:07 GMT"),
    ])
    func `a two-digit year is at most 50 years ahead`(form: String, expected: String) throws {
        let time = try #require(HTTPDate.parse(form, now: now))
        #expect(text(HTTPDate.imfFixdate(time)) == expected)
    }

    @Test func `near the turn of a century a small two-digit year is ahead`() throws {
        let late = WallTime(milliseconds: 4_085_000_000_000)  // 2099-06-12
        let time = try #require(HTTPDate.parse("Monday, 06-Jan-03 00:00:00 GMT", now: late))
        #expect(text(HTTPDate.imfFixdate(time)).contains("06 Jan 2103"))
    }

    @Test func `a leap second is the second after`() {
        #expect(
            HTTPDate.parse("Sat, 31 Dec 2016 23:59:60 GMT", now: now)
                == HTTPDate.parse("Sun, 01 Jan 2017 00:00:00 GMT", now: now))
    }

    @Test(arguments: [
        "", "GMT", "Sun", "Sun,", "120", "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 94 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 GMT x", "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:00 GMT", "Sun, 06 Nov 1994 08:00:61 GMT",
        "Sun, 30 Feb 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 29 Feb 2100 00:00:00 GMT", "Sun, 06 nov 1994 08:49:37 GMT",
        "Sonntag, 06-Nov-94 08:49:37 GMT", "Sunday, 06 Nov 1994 08:49:37 GMT",
        "Sun Nov 6 08:49:37 1994", "Sunday Nov  6 08:49:37 1994", "Sun Nov  6 08:49:37",
        "1994-11-06T08:49:37Z", "Sun, 06 Nov 1994 -8:49:37 GMT",
        "Sun, 06 Nov 1994 ०८:49:37 GMT",
    ])
    func `anything else is no date`(form: String) {
        #expect(HTTPDate.parse(form, now: now) == nil)
    }

    @Test func `what is written is read back, on every day of 800 years`() {
        for day in stride(from: Int64(-135_140), through: 157_055, by: 1) {
            let time = WallTime(milliseconds: (day * 86_400 + (day & 0xFFFF)) * 1_000)
            let written = HTTPDate.imfFixdate(time)
            guard HTTPDate.parse(text(written), now: now) == time else {
                Issue.record("\(text(written)) is not read back as \(time.milliseconds)")
                return
            }
        }
    }
}

@Suite struct RateLimitTests {
    /// 2026-11-21T12:00:00Z
    private let now = WallTime(milliseconds: 1_795_262_400_000)

    @Test(arguments: [
        ("2026-11-21T12:05:00.123456Z", Duration.seconds(300)),
        ("2026-11-21t12:05:00z", .seconds(300)), ("2026-11-21T14:05:00+02:00", .seconds(300)),
        ("2026-11-21T11:35:00-00:30", .seconds(300)), ("300", .seconds(300)),
        (" 300 ", .seconds(300)), ("1795262700", .seconds(300)),
        ("1795262700000", .seconds(300)), ("Sat, 21 Nov 2026 12:05:00 GMT", .seconds(300)),
        ("2026-11-21T11:00:00Z", .zero), ("1795262000", .zero), ("0", .zero),
        ("9999-12-31T23:59:59Z", .seconds(315_360_000)),
        ("999999999999999", .seconds(315_360_000)),
    ])
    func `a reset is a date, seconds to wait, or seconds or milliseconds since 1970`(
        reset: String, pause: Duration
    ) {
        let quota = RateLimit.parse(remaining: "7", reset: reset, now: now)
        #expect(quota == Quota(remaining: 7, reset: pause))
    }

    @Test(arguments: [
        ("", "300"), ("-1", "300"), ("0.5", "300"), ("many", "300"), ("0", ""), ("0", "-300"),
        ("0", "soon"), ("0", "2026-02-30T12:00:00Z"), ("0", "2026-11-21T12:00:00"),
        ("0", "2026-11-21T12:00:00.Z"), ("0", "2026-11-21T12:00:00+0200"),
        ("0", "2026-11-21T25:00:00Z"), ("0", "9999999999999999"), ("0", "१२"),
        ("0", "2026-11-21T12:00:00ZZZZZZZZ"), ("9999999999999999", "300"),
    ])
    func `anything else says nothing`(remaining: String, reset: String) {
        #expect(RateLimit.parse(remaining: remaining, reset: reset, now: now) == nil)
    }
}

@Suite struct RetryAfterTests {
    private let now = WallTime(milliseconds: 784_111_777_000)

    @Test(arguments: [
        ("0", Duration.zero), ("120", .seconds(120)), (" 120 ", .seconds(120)),
        ("Sun, 06 Nov 1994 08:50:37 GMT", .seconds(60)),
        ("Sunday, 06-Nov-94 08:50:37 GMT", .seconds(60)),
        ("Sun Nov  6 08:50:37 1994", .seconds(60)),
        ("Sun, 06 Nov 1994 08:48:37 GMT", .zero),
        ("99999999999999999999999999", .seconds(315_360_000)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", .seconds(315_360_000)),
    ])
    func `seconds and dates are read`(text: String, pause: Duration) {
        #expect(RetryAfter.parse(text, now: now) == pause)
    }

    @Test(arguments: ["", " ", "-1", "+1", "1.5", "1s", "soon", "12 0", "१२"])
    func `anything else says nothing`(text: String) {
        #expect(RetryAfter.parse(text, now: now) == nil)
    }
}
