internal import Glibc

/// A scale from 0 up with round numbers on it.
struct Axis {
    let ticks: [Double]
    var end: Double { ticks[ticks.count - 1] }

    static func label(_ tick: Double) -> String {
        Int(exactly: tick).map(Figure.count) ?? Figure.text(tick)
    }

    /// About five steps of 1, 2 or 5 times a power of ten that cover `greatest`.
    init(covering greatest: Double) {
        let greatest = greatest.isFinite && greatest > 0 ? greatest : 1
        let rough = greatest / 5
        let power = pow(10, floor(log10(rough)))
        let step = power * ([1, 2, 5, 10].first { $0 * power >= rough * 0.999_999 } ?? 10)
        ticks = (0...Int((greatest / step * 0.999_999).rounded(.up))).map { Double($0) * step }
    }
}
