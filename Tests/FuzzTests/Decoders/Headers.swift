import DeliveryCore
import HTTPSignatures

/// What a receiver says in the header fields of its answer.
extension Decoder {
    /// 2026-09-02T09:05:07Z, and times at the ends of what a clock may show.
    private static let clocks = [1_788_339_907_000, 0, -86_400_000, 253_402_300_799_000].map {
        WallTime(milliseconds: $0)
    }

    static let headers = [
        Decoder(name: "http-date") { bytes in
            for now in clocks {
                guard let date = HTTPDate.parse(text(bytes), now: now) else { continue }
                let written = HTTPDate.imfFixdate(date)
                try promise(written.count == 29, text(written))
                // The leap second of the last year of all has no form to send.
                let latest = WallTime(milliseconds: 253_402_300_799_000)
                try promise(
                    HTTPDate.parse(text(written), now: now) == min(date, latest), text(written))
            }
        },
        Decoder(name: "internet-date") { bytes in
            guard let date = InternetDate.parse(text(bytes)) else { return }
            // A year of four digits, and an offset of less than a day.
            let years: ClosedRange<Int64> = -62_167_305_600_000...253_402_387_200_000
            try promise(years.contains(date.milliseconds), "\(date)")
        },
        Decoder(name: "retry-after") { bytes in
            for now in clocks {
                guard let pause = RetryAfter.parse(text(bytes), now: now) else { continue }
                try promise(pause >= .zero && pause <= .seconds(10 * 365 * 86_400), "\(pause)")
            }
        },
        Decoder(name: "rate-limit") { bytes in
            let parts = pieces(bytes)
            let remaining = text(parts[0])
            let reset = text(parts.count > 1 ? parts[1] : [])
            for now in clocks {
                guard let quota = RateLimit.parse(remaining: remaining, reset: reset, now: now)
                else { continue }
                try promise(quota.remaining >= 0 && quota.reset >= .zero, "\(quota)")
                guard let pause = quota.pause(inFlight: 3) else { continue }
                let isBounded = pause >= .seconds(1) && pause <= .seconds(21_600)
                try promise(isBounded && quota.remaining <= 3, "\(quota): \(pause)")
            }
        },
        Decoder(name: "key-id") { bytes in
            guard let key = try? KeyID(text(bytes)) else { return }
            try promise((try? KeyID(key.text)) == key, "\(key)")
        },
    ]
}
