import Foundation

/// What libFuzzer, whose `main` it is, calls in a program.
///
/// `fuzz NAME DIRECTORY FLAG...` searches, from the seeds of NAME and what DIRECTORY holds, with
/// libFuzzer's flags; `fuzz NAME FILE` tries one input. Without arguments it prints the names.
enum Fuzz {
    nonisolated(unsafe) fileprivate static var decoder: Decoder?

    fileprivate static func plantSeeds(of decoder: Decoder, in place: String) throws {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: place, isDirectory: &isDirectory),
            isDirectory.boolValue
        else { return }
        for (number, seed) in try Seeds.of(decoder).enumerated() {
            try Data(seed).write(to: URL(filePath: place).appending(path: "seed-\(number)"))
        }
    }
}

/// Takes the name out of the arguments.
@_cdecl("LLVMFuzzerInitialize")
public func initialize(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>
) -> CInt {
    let words = CommandLine.arguments
    guard words.count > 2, let decoder = Decoder.named(words[1]) else {
        if words.count > 1 { print("no decoder \(words[1]), or nothing to try; there are:") }
        for decoder in Decoder.all { print(decoder.name) }
        exit(words.count == 1 ? 0 : 2)
    }
    Fuzz.decoder = decoder
    do {
        try Fuzz.plantSeeds(of: decoder, in: words[2])
    } catch {
        fatalError("\(error)")
    }
    arguments.pointee[1] = arguments.pointee[0]
    arguments.pointee += 1
    count.pointee -= 1
    return 0
}

@_cdecl("LLVMFuzzerTestOneInput")
public func test(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    do {
        try Fuzz.decoder?.check(Array(UnsafeBufferPointer(start: bytes, count: count)))
    } catch {
        fatalError("\(error)")
    }
    return 0
}
