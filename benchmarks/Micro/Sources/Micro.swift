/// What single operations of the worker cost: for `benchmarks/micro`, which says more.
///
///     micro --list
///     micro OPERATION [--times N]
///
/// One line of JSON: nanoseconds of CPU, allocations and bytes allocated, of one operation.

internal import CAllocations
internal import Glibc

@main
struct Micro {
    /// Without `--times` it goes on until so many nanoseconds are counted, or have passed in all.
    static let enough: (counted: UInt64, all: UInt64) = (200_000_000, 2_000_000_000)

    static func main() {
        let words = Array(CommandLine.arguments.dropFirst())
        if words == ["--list"] {
            for operation in Operation.all { print(operation.name) }
            return
        }
        let times = words.count == 3 && words[1] == "--times" ? Int(words[2]) : nil
        guard let operation = Operation.all.first(where: { $0.name == words.first }),
            words.count == 1 || (times ?? 0) > 0
        else { stop("give --list, or OPERATION [--times N]") }
        do throws(Operation.Flaw) {
            print(try report(operation, times: times))
        } catch {
            switch error {
            case .unavailable(let why):
                print(#"{"operation":"\#(operation.name)","skipped":\#(why.debugDescription)}"#)
            case .wrong(let why): stop("\(operation.name): \(why)")
            }
        }
    }

    /// Rounded up to whole batches; the first one, which meets everything cold, is not counted.
    private static func report(
        _ operation: Operation, times: Int?
    ) throws(Operation.Flaw) -> String {
        let run = try operation.prepare()
        var off = Meter(isOn: false)
        try run(1, &off)
        var meter = Meter(isOn: true)
        var batches = 0
        if let times {
            batches = (times + operation.batch - 1) / operation.batch
            try run(batches, &meter)
        } else {
            let begun = micro_cpu_time()
            while meter.counts.nanoseconds < enough.counted,
                micro_cpu_time() - begun < enough.all
            {
                let more = max(batches, 1)
                try run(more, &meter)
                batches += more
            }
        }
        let count = Double(batches * operation.batch)
        return #"{"operation":"\#(operation.name)","times":\#(batches * operation.batch),"#
            + #""nanoseconds":\#(Double(meter.counts.nanoseconds) / count),"#
            + #""allocations":\#(Double(meter.counts.allocations) / count),"#
            + #""bytes":\#(Double(meter.counts.bytes) / count)}"#
    }

    private static func stop(_ why: String) -> Never {
        let line = Array("micro: \(why)\n".utf8)
        _ = write(STDERR_FILENO, line, line.count)
        exit(2)
    }
}
