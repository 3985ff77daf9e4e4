import DeliveryCore
import Telemetry
import Testing

@Suite struct HistogramTests {
    static let shapes = Family.definitions.compactMap { family -> HistogramShape? in
        guard case .histogram(let shape) = family.kind else { return nil }
        return shape
    }

    @Test(arguments: shapes)
    func `bounds rise, and each belongs to its own bucket and the next value to the next`(
        shape: HistogramShape
    ) {
        var last: UInt64 = 0
        for bucket in 0..<shape.bucketCount {
            let bound = shape.upperBound(of: bucket)
            #expect(bound > last)
            #expect(shape.bucket(of: bound) == bucket)
            #expect(shape.bucket(of: bound + 1) == bucket + 1)
            #expect(shape.bucket(of: last + 1) == bucket)
            last = bound
        }
        #expect(shape.bucket(of: 0) == 0)
        #expect(shape.bucket(of: .max) == shape.bucketCount)
    }

    @Test func `durations up to the retry budget have a bucket`() throws {
        var metrics = Metrics()
        metrics.observe(.enqueueToDelivered(.normal), .seconds(3 * 86_400))
        let quantile = try #require(metrics.quantile(1, of: .enqueueToDelivered(.normal)))
        #expect((259_200_000_000_000...300_000_000_000_000).contains(quantile))
    }

    @Test func `a negative duration is none`() {
        var metrics = Metrics()
        metrics.observe(.httpDuration, .seconds(-5))
        #expect(metrics.words.filter { $0 != 0 } == [1])
    }

    @Test(arguments: [(0.5, 50), (0.9, 90), (0.99, 99)])
    func `quantiles of 1 to 100 ms are within an eighth`(share: Double, milliseconds: Int) throws {
        var metrics = Metrics()
        for value in 1...100 { metrics.observe(.httpDuration, .milliseconds(value)) }
        let quantile = try #require(metrics.quantile(share, of: .httpDuration))
        let error = abs(Double(quantile) / 1e6 / Double(milliseconds) - 1)
        #expect(error < 0.125)
    }

    @Test func `nothing observed has no quantile`() {
        #expect(Metrics().quantile(0.5, of: .httpDuration) == nil)
    }
}
